"""A setting or an artifact that cannot work ends in one clear line, and nothing is lost."""

import os
import re
from contextlib import chdir

import numpy as np
import pytest
import yaml
from dvc.repo import Repo

from stages.core.base.errors import Refused
from stages.core.settings import rules
from tests.support.dvc_in_process import stages_to_run
from tests.support.project import InProcess, Project

SHARES = {"stage2": {"after": "stage1", "m": 0.1}, "stage3": {"after": "stage2", "m": 0.1}}
# What the door finds in params.yaml before it starts the stage.
BEFORE_A_STAGE = {
    "an unknown strategy": ({"select_stageN": {"by": "bucket"}}, "select_stageN.by = 'bucket'"),
    "a strategy without scores": (
        {"score_entropy": {"score": "buckets"}},
        "score_entropy.score = 'buckets': is no file of stages/core/strategies with a function `scores`",
    ),
    "an unknown learner": ({"train": {"trainer": "svm"}}, "train.trainer = 'svm': is no file of stages/core/learners"),
    "a misspelt setting": ({"select_stage1": {"pik": "random"}}, "select_stage1.pik is no known setting"),
    "n of 0": ({"select_stage1": {"n": 0}}, "select_stage1.n = 0: must be a whole number of rows"),
    "more buckets than rows, and rows of every one": (
        {"cluster": {"clusters": 91}},
        "637 labels from 91 clusters, but the pool has 90 rows; lower select_stage1.n, m or cluster.clusters",
    ),
    "a budget larger than the pool": ({"select_stage1": {"n": 30}}, "136 labels from 4 clusters, but the pool has 90 rows"),
    "a round after nothing": (
        {"rounds": {"stage2": {"after": "stage1", "m": 2}, "stage3": {"after": "stage9", "m": 2}}},
        "rounds.stage3.after = stage9: no such stage; possible: stage1, stage2, stage3",
    ),
    "rounds in a loop": (
        {"rounds": {"stage2": {"after": "stage3", "m": 2}, "stage3": {"after": "stage2", "m": 2}}},
        "stage2 after stage3, stage3 after stage2 is a loop",
    ),
    "an unknown arm": (
        {"arms": ["entropi"]},
        "arms.0 = 'entropi': is no file of stages/core/strategies with a function `pick`; possible: badge, ",
    ),
    "a budget of 1.0": (
        {"rounds": {"stage2": {"after": "stage1", "m": 1.0}}, "stages": ["stage1", "stage2"], "random_at": ["stage1"]},
        "rounds.stage2.m = 1.0: must be a whole number of rows, 1 or more, or a share above 0 and below 1",
    ),
    "a stage whose rows get no labels": ({"stages": ["stage1", "stage2"]}, "stages lacks stage3: its rows would get no labels"),
    "a random arm at no stage": ({"random_at": ["stage1", "stage4"]}, "random_at names stage4, which is no stage; possible: "),
}
# What only a stage can find.
BY_A_STAGE = {
    "an unknown dataset": ({"prepare": {"dataset": "corpus.xml"}}, "prepare", "corpus.xml"),
    "an unknown column": (
        {"prepare": {"text_column": "txt"}},
        "prepare",
        "prepare.text_column = txt: no such column; possible: text",
    ),
    "more buckets than rows": (
        {"cluster": {"clusters": 91}, "select_stage1": {"n": 0.1}, "rounds": SHARES},
        "cluster",
        "cluster.clusters = 91: the pool has 90 rows",
    ),
    "too many dimensions": ({"reduce": {"dimensions": 33}}, "reduce", "reduce.dimensions = 33"),
    "a share of less than a row": ({"select_stage1": {"n": 0.001}}, "select_stage1", "select_stage1.n is a share of the pool"),
}


@pytest.mark.parametrize("what", BEFORE_A_STAGE)
def test_params_that_cannot_be_are_refused_before_a_stage_begins(finished, what):
    changes, message = BEFORE_A_STAGE[what]
    params = finished.folder / "params.yaml"
    before = params.read_text()
    try:
        finished.change(changes)
        with chdir(finished.folder), pytest.raises(Refused, match=re.escape(message)):
            rules.check_file("select_stage1")
    finally:
        params.write_text(before)


def recorded(project) -> dict:
    """What dvc.lock says of every stage but inputs, which runs each time, and whose params may have changed."""
    stages = yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"]
    assert stages.pop("inputs")
    return stages


SAMPLE = "more buckets than rows"


@pytest.mark.parametrize(
    "what", [SAMPLE, *(pytest.param(what, marks=pytest.mark.exhaustive) for what in BY_A_STAGE if what != SAMPLE)]
)
def test_params_that_a_stage_refuses_lose_nothing(finished, what):
    changes, stage, message = BY_A_STAGE[what]
    params = finished.folder / "params.yaml"
    before = params.read_text(), recorded(finished)
    try:
        finished.change(changes)
        refused = finished.dvc("repro", stage, check=False)
        assert refused.returncode != 0
        assert message in refused.output
        assert recorded(finished) == before[1]
    finally:
        params.write_text(before[0])
        with chdir(finished.folder), Repo(os.curdir) as repo:
            repo.checkout(force=True)  # outs are deleted before a stage runs
        finished.run("git", "checkout", "--quiet", "--", "data", "metrics", "dvc.lock")
    assert stages_to_run(finished.folder) == set()
    assert finished.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.parametrize(
    ("changes", "stage", "message"),
    [
        (
            {"train": {"trainer": "svm"}},
            "train_stage1",
            "error: params.yaml: train.trainer = 'svm': is no file of stages/core/learn",
        ),
        (
            {"prepare": {"text_column": "txt"}},
            "prepare",
            "error: params.yaml: prepare.text_column = txt: no such column; possible: text",
        ),
    ],
    ids=["by the door", "by a stage"],
)
def test_a_user_sees_one_line_through_dvc(copy_of_finished, changes, stage, message):
    copy_of_finished.change(changes)
    refused = copy_of_finished.run("dvc", "repro", stage, check=False)
    assert refused.returncode != 0
    [line] = [line for line in refused.stderr.splitlines() if line.startswith("error: ")]
    assert line.startswith(message)
    assert "Traceback" not in refused.stdout + refused.stderr


def put(file, array: np.ndarray) -> None:
    """In place of an out, which may be a hard link into the cache."""
    file.unlink()
    np.save(file, array)


def test_an_artifact_of_the_wrong_shape_is_refused_with_the_command_that_mends_it(copy_of_finished):
    project = copy_of_finished
    put(project.folder / "data/clusters.npy", np.zeros((90, 2), np.int32))
    done = project.run("python", "-m", "stages", "select_stage1", check=False)
    assert done.returncode == 1
    assert "data/clusters.npy: expected shape ('any',), found (90, 2)" in done.stderr
    assert "dvc checkout --force" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def to_spoil(finished, tmp_path_factory) -> Project:
    copy = finished.copied(tmp_path_factory.mktemp("spoilt") / "a cöpy")
    copy.change({"sufficient": {"rule": "agreement"}})  # only that rule asks for predictions
    return copy


@pytest.fixture
def spoilt(to_spoil, monkeypatch) -> InProcess:
    """A copy of `finished` in which a test spoils one file at a time."""
    monkeypatch.chdir(to_spoil.folder)
    return InProcess(to_spoil.folder)


READERS = {
    "stage1/labelled.npy": ["buy_labels stage1", "train_stageN stage1", "score_entropy stage2", "select_stageN stage2"],
    "stage1/labels.npy": ["train_stageN stage1", "score_entropy stage2"],
    "answers.npy": ["buy_labels stage1", "train_random stage1", "compare_arm entropy", "train_full", "report"],
    "holdout_labels.npy": ["train_stageN stage1", "calibrate", "report"],
    "results/random/stage1/labelled.npy": ["report"],
    "results/full/pool/labelled.npy": ["report"],
    "stage2/predicted.npy": ["summarise_scores stage2", "select_stageN stage2", "select_stageN stage3"],
    "map/rows.npy": ["report"],
    "map/stage2/predicted.npy": ["report"],
    "clusters.npy": ["select_stage1", "select_stageN stage2", "compare_arm entropy", "report"],
}


@pytest.mark.parametrize(
    ("file", "place", "value", "message"),
    [
        ("stage1/labelled.npy", (1, 0), -1, "found -1, possible: 0 to 89"),
        ("stage1/labels.npy", (1, 0), 2, "found 2, possible: -3 to 1"),
        ("answers.npy", 3, -4, "found -4, possible: -3 to 1"),
        ("holdout_labels.npy", 3, -4, "found -4, possible: -3 to 1"),
        ("results/random/stage1/labelled.npy", (0, 0), 90, "found 90, possible: 0 to 89"),
        ("results/full/pool/labelled.npy", (0, 0), 5, "row 5 appears 2 times for seed number 1"),
        ("stage2/predicted.npy", (0, 7), 2, "found 2, possible: -1 to 1"),
        ("map/rows.npy", 3, 90, "found 90, possible: 0 to 89"),
        ("map/stage2/predicted.npy", 3, 2, "found 2, possible: -1 to 1"),
        ("clusters.npy", 3, -1, "found -1, possible: 0 or more"),
        ("clusters.npy", 3, 9, "bucket 4 has no row, but bucket 9 has"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_every_stage_that_reads_it(spoilt, file, place, value, message):
    path = spoilt.folder / "data" / file
    whole = path.read_bytes()
    array = np.load(path)
    array[place] = value
    put(path, array)
    try:
        for stage in READERS[file]:
            with pytest.raises(Refused) as refused:
                spoilt.call(*stage.split())
            assert f"data/{file}: {message}" in str(refused.value)
            assert "dvc checkout --force" in str(refused.value)
    finally:
        path.write_bytes(whole)


def test_a_hand_edited_artifact_is_made_again(copy_of_finished):
    project = copy_of_finished
    file = project.folder / "data/clusters.npy"
    put(file, np.zeros(90, np.int32))
    assert "cluster" in stages_to_run(project.folder)
    project.repro("cluster")  # which has it in its run-cache
    assert np.load(file).max() == 3
