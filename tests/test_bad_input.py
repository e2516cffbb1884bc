"""What a user sees when a setting cannot work: one line through real `dvc repro`, and nothing lost."""

import numpy as np
import pytest

BAD = {
    "an unknown dataset": ({"prepare": {"dataset": "corpus.xml"}}, "prepare", "corpus.xml"),
    "an unknown column": (
        {"prepare": {"text_column": "txt"}},
        "prepare",
        "prepare.text_column = txt: no such column; possible: text",
    ),
    "an unknown strategy": ({"select_stageN": {"by": "bucket"}}, "select_stageN", "select_stageN.by = 'bucket'"),
    "a misspelt setting": ({"select_stage1": {"pik": "random"}}, "select_stage1", "select_stage1.pik is no known setting"),
    "n of 0": ({"select_stage1": {"n": 0}}, "select_stage1", "select_stage1.n = 0: must be a whole number of rows"),
    "more buckets than rows": ({"cluster": {"clusters": 91}}, "cluster", "cluster.clusters = 91: the pool has 90 rows"),
    "too many dimensions": ({"reduce": {"dimensions": 33}}, "reduce", "reduce.dimensions = 33"),
    "a budget larger than the pool": (
        {"select_stage1": {"n": 30}},
        "select_stage1",
        "136 labels from 4 clusters, but the pool has 90 rows",
    ),
    "a round after nothing": (
        {"rounds": {"stage2": {"after": "stage1", "m": 2}, "stage3": {"after": "stage9", "m": 2}}},
        None,
        "rounds.stage3.after = stage9: no such stage; possible: stage1, stage2, stage3",
    ),
    "rounds in a loop": (
        {"rounds": {"stage2": {"after": "stage3", "m": 2}, "stage3": {"after": "stage2", "m": 2}}},
        None,
        "stage2 after stage3, stage3 after stage2 is a loop",
    ),
    "an unknown arm": ({"arms": ["entropi"]}, None, "arms names entropi, which is no file of stages/core/strategies; possible: "),
    "an unknown arm where no other stage runs": ({"arms": ["entropi"]}, "compare_arm", "stages/core/strategies/entropi.py"),
    "a budget of 1.0": (
        {"rounds": {"stage2": {"after": "stage1", "m": 1.0}}, "random_at": ["stage1", "stage2"]},
        "select_stageN",
        "rounds.stage2.m = 1.0: must be a whole number of rows, 1 or more, or a share above 0 and below 1",
    ),
    "a share of less than a row": ({"select_stage1": {"n": 0.001}}, "select_stage1", "select_stage1.n is a share of the pool"),
    "a stage without its random arm": ({"random_at": ["stage1", "stage2"]}, None, "random_at lacks stage3"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_params_end_in_one_clear_line_and_lose_nothing(finished, what):
    changes, stage, message = BAD[what]
    params, lock = finished.folder / "params.yaml", finished.folder / "dvc.lock"
    before = params.read_text(), lock.read_bytes()
    try:
        finished.change(changes)
        check = ("python", "-m", "stages.core.settings")
        done = finished.run(*(("dvc", "repro", stage) if stage else check), check=False)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert message in said
        assert "Traceback" not in said
        assert lock.read_bytes() == before[1]
    finally:
        params.write_text(before[0])
        finished.run("dvc", "checkout", "--quiet", check=False)
        finished.run("git", "checkout", "--quiet", "--", "data", "metrics")
        assert finished.repro() == []


def test_an_artifact_of_the_wrong_shape_is_refused_with_the_command_that_mends_it(copy_of_finished):
    project = copy_of_finished
    file = project.folder / "data/clusters.npy"
    file.unlink()
    np.save(file, np.zeros((90, 2), np.int32))
    done = project.run("python", "-m", "stages.select_stage1", check=False)
    assert done.returncode == 1
    assert "data/clusters.npy: expected shape ('any',), found (90, 2)" in done.stderr
    assert "dvc checkout --force" in done.stderr
    assert "Traceback" not in done.stderr


READERS = {
    "stage1/labelled.npy": ["train_stage1", "score_entropy stage2", "select_stageN stage2"],
    "results/random/stage1/labelled.npy": ["report"],
    "results/full/pool/labelled.npy": ["report"],
    "stage2/predicted.npy": ["select_stageN stage2", "select_stageN stage3"],
    "clusters.npy": ["select_stage1", "select_stageN stage2", "compare_arm entropy", "report"],
}


@pytest.mark.parametrize(
    ("file", "place", "value", "message"),
    [
        ("stage1/labelled.npy", (1, 0), -1, "found -1, possible: 0 to 89"),
        ("results/random/stage1/labelled.npy", (0, 0), 90, "found 90, possible: 0 to 89"),
        ("results/full/pool/labelled.npy", (0, 0), 5, "row 5 stands 2 times for seed number 1"),
        ("stage2/predicted.npy", (0, 7), 2, "found 2, possible: -1 to 1"),
        ("clusters.npy", 3, -1, "found -1, possible: 0 or more"),
        ("clusters.npy", 3, 9, "no row is in bucket 4, but one is in 9"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_every_stage_that_reads_it(copy_of_finished, file, place, value, message):
    project = copy_of_finished
    path = project.folder / "data" / file
    array = np.load(path)
    array[place] = value
    path.unlink()
    np.save(path, array)
    for stage in READERS[file]:
        done = project.run("python", "-m", *f"stages.{stage}".split(), check=False)
        assert done.returncode == 1
        assert f"data/{file}: {message}" in done.stderr
        assert "dvc checkout --force" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_hand_edited_artifact_is_made_again(copy_of_finished):
    project = copy_of_finished
    file = project.folder / "data/clusters.npy"
    file.unlink()
    np.save(file, np.zeros(90, np.int32))
    assert "cluster" in project.run("dvc", "status").stdout
    assert project.run("dvc", "repro", "cluster").returncode == 0
    assert np.load(file).max() == 3
