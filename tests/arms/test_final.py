"""The model to use: trained on an arm's last rows, by a learner of its own."""

import itertools
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages import train_full
from stages.core.base import artifacts, paths
from stages.core.base.label_codes import OPEN
from stages.core.base.params import Section
from stages.core.rows import finals, results
from tests.support.project import InProcess

pytestmark = pytest.mark.slow
ARMS = ("bucketed", "random")


@pytest.fixture(scope="module")
def ended(clustered, tmp_path_factory) -> InProcess:
    """A tiny project whose bucketed and random arms labelled with the probe, and ended with contrastive models."""
    with pytest.MonkeyPatch.context() as patch:
        project = clustered.entered(tmp_path_factory.mktemp("final") / "a projéct", patch)
        project.change({"train_final": {"arms": [*ARMS], "trainer": "contrastive"}, "train": {"contrastive_steps": 4}, "arms": []})
        project.label_in_stages()
        for stage in ("stage1", "stage2", "stage3"):
            project.call("train_random", stage)
        shutil.move(paths.ANSWERS, "answers.npy")  # nothing more can be bought
        for arm in ARMS:
            project.call("train_final", arm)
        shutil.move("answers.npy", paths.ANSWERS)
    return project


@pytest.fixture
def project(ended, tmp_path, monkeypatch) -> InProcess:
    return ended.entered(tmp_path / "a projéct", monkeypatch)


def load(arm, stage):
    return results.load(arm, stage, 90, 30, 2)


def mean_accuracy(arm, stage) -> float:
    """Over the seeds, not rounded."""
    return float((load(arm, stage).probabilities.argmax(2) == np.load(paths.HOLDOUT_LABELS)).mean())


def test_the_final_learner_trains_on_the_last_rows_and_on_labels_that_were_bought(project):
    answers = np.load(paths.ANSWERS)
    for arm in ARMS:
        last, final = load(arm, "stage3"), load(results.FINAL, arm)
        assert last.bought.tolist() == answers[last.labelled].tolist()
        assert (final.labelled.tolist(), final.bought.tolist()) == (last.labelled.tolist(), last.bought.tolist())
        assert (final.probabilities != last.probabilities).any()
        saved = [json.loads((project.folder / f"data/final/{arm}/{seed}/classifier.json").read_text()) for seed in (0, 1)]
        assert [about["trainer"] for about in saved] == ["contrastive", "contrastive"]


def test_with_trainer_none_nothing_is_trained(project, capsys):
    project.change({"train_final": {"trainer": "none"}})
    shutil.rmtree("data/final")
    project.call("train_final", "bucketed")
    assert "train_final bucketed: nothing to do, train_final.trainer is none" in capsys.readouterr().out
    assert not load(results.FINAL, "bucketed").trained
    assert not list((project.folder / "data/final/bucketed").iterdir())


def test_the_table_ends_with_the_final_models_compared_with_the_final_random_ones(project):
    for stage in ("train_full", "calibrate", "report"):
        project.call(stage)
    table = (project.folder / "data/summary.md").read_text(encoding="utf-8").splitlines()
    ends = [[cell.strip() for cell in line.split("|")[1:4]] for line in table if line.startswith("|")][2:11]
    assert ends[-5:] == [
        ["random", "stage3", "28"], ["bucketed", "stage3", "28"], ["full", "pool", "90"],
        ["random", "final", "28"], ["bucketed", "final", "28"],
    ]  # fmt: skip
    [line] = [line for line in table if line.startswith("With 28 labels")]
    finals, loop = line.split(" The models of stage3: ")
    assert re.fullmatch(r"With 28 labels [\d.]+, random rows [\d.]+ \(accuracy, contrastive\)\.", finals)  # no bound of that kind
    assert re.match(r"[\d.]+, random rows [\d.]+, all 90 labels [\d.]+ \(probe\);", loop)
    summary, bucketed, random = (
        json.loads((project.folder / f"metrics/{name}.json").read_text()) for name in ("summary", "bucketed/final", "random/final")
    )
    assert summary == bucketed
    assert (bucketed["accuracy"], random["accuracy"]) == pytest.approx(
        [mean_accuracy(results.FINAL, arm) for arm in ARMS], abs=1e-6
    )
    gain = mean_accuracy(results.FINAL, "bucketed") - mean_accuracy(results.FINAL, "random")
    assert bucketed["gain_vs_random"] == pytest.approx(gain, abs=1e-6)
    curves = json.loads((project.folder / "data/plots/learning_curve.json").read_text())
    assert {row["arm"] for row in curves} == {"bucketed", "random", "bucketed, final", "random, final", "full (90 labels)"}


def test_final_models_are_held_against_a_full_model_of_their_own_kind_where_that_is_asked_for(project, monkeypatch, capsys):
    project.change({"train_full": {"final": True}})
    monkeypatch.setattr(train_full, "FINAL_ROWS", 60)  # a larger pool is sampled
    for stage in ("train_full", "calibrate", "report"):
        project.call(stage)
    pool, final = load("full", "pool"), load("full", "final")
    assert (len(np.unique(pool.labelled)), len(np.unique(final.labelled))) == (90, 60)
    measured = json.loads((project.folder / "metrics/full/final.json").read_text())
    gain = mean_accuracy("full", "final") - mean_accuracy(results.FINAL, "random")
    assert measured["gain_vs_random"] == pytest.approx(gain, abs=1e-6)
    said = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("With 28 labels"))
    finals, loop = said.split(" The models of stage3: ")
    assert f"60 of all 90 labels {measured['accuracy']:.2f}" in finals
    assert "all 90 labels" in loop
    project.change({"train_full": {"final": False}})
    project.call("train_full")
    assert not load("full", "final").trained


@pytest.mark.parametrize("arm", ARMS)
def test_where_the_last_stage_has_no_models_the_rows_of_the_stage_before_are_learned_from(project, arm):
    last = load(arm, "stage3")
    results.save(arm, "stage3", replace(last, probabilities=last.probabilities[:0], waits_for=4))  # its rows wait for people
    before = load(results.FINAL, arm)
    project.call("train_final", arm)
    final = load(results.FINAL, arm)
    assert final.trained
    assert final.labelled.tolist() == load(arm, "stage2").labelled.tolist()
    assert final.labelled.shape[1] < before.labelled.shape[1]
    for stage in ("train_full", "calibrate", "report"):
        project.call(stage)
    assert json.loads((project.folder / "metrics/bucketed/final.json").read_text())["gain_vs_random"] is None  # other budgets
    [line] = [line for line in Path("data/summary.md").read_text(encoding="utf-8").splitlines() if line.startswith("With ")]
    assert "random rows" not in line.split(" The models of")[0]


def test_with_all_stages_earlier_rows_get_final_models_too_and_a_curve_of_their_own(project):
    project.change({"train_final": {"stages": "all"}})
    last = load(results.FINAL, "bucketed")
    for arm in ARMS:
        project.call("train_final", arm)
    for stage in ("train_full", "calibrate", "report"):
        project.call(stage)
    for arm, stage in itertools.product(ARMS, ("stage1", "stage2")):
        final = load(results.FINAL, f"{arm}/{stage}")
        assert final.labelled.tolist() == load(arm, stage).labelled.tolist()
        assert final.trained
    assert (load(results.FINAL, "bucketed").probabilities == last.probabilities).all()
    assert sorted(folder.name for folder in Path("data/final/bucketed").iterdir()) == ["0", "1"]  # models of the last rows alone
    curves = json.loads(Path("data/plots/learning_curve.json").read_text())
    points = {(row["stage"], row["labels"]) for row in curves if row["arm"] == "bucketed, final"}
    assert points == {("final-stage1", 12), ("final-stage2", 20), ("final", 28)}
    bucketed, random = (json.loads(Path(f"metrics/{arm}/final-stage1.json").read_text()) for arm in ARMS)
    gain = mean_accuracy(results.FINAL, "bucketed/stage1") - mean_accuracy(results.FINAL, "random/stage1")
    assert bucketed["gain_vs_random"] == pytest.approx(gain, abs=1e-6)
    assert random["labels"] == 12
    results.save("bucketed", "stage3", replace(load("bucketed", "stage3"), probabilities=last.probabilities[:0], waits_for=4))
    project.call("train_final", "bucketed")  # now stage2 is the last
    assert not load(results.FINAL, "bucketed/stage2").trained
    assert load(results.FINAL, "bucketed").labelled.shape[1] == 20


@pytest.mark.parametrize(
    ("least", "most", "learner", "said"),
    [(8, 14, "contrastive", "8 to 14"), (8, 13, "finetune", "more than 13"), (15, 20, "probe", "fewer than 15")],
)
def test_auto_goes_by_labels_a_class_and_a_full_model_of_another_kind_is_left_out(project, monkeypatch, least, most, learner, said):
    monkeypatch.setattr(finals, "LEAST", least)
    monkeypatch.setattr(finals, "MOST", most)
    project.change({"train_final": {"trainer": "auto", "arms": ["bucketed"]}, "train_full": {"final": True}})
    project.call("train_final", "bucketed")
    assert json.loads(Path("data/final/bucketed/0/classifier.json").read_text())["trainer"] == learner
    for stage in ("train_full", "calibrate", "report"):
        project.call(stage)
    [line] = [line for line in Path("data/summary.md").read_text(encoding="utf-8").splitlines() if line.startswith("With 28")]
    assert line.endswith(f"train_final.trainer: auto took {learner}, since 28 labels are {said} a class.")
    assert ("The models of stage3" in line) == (learner != "probe")  # one kind is quoted once
    assert load("full", "final").trained
    assert Path("metrics/full/final.json").exists() == (learner == "finetune")  # which the full one is with 90 labels


def test_where_texts_have_several_labels_auto_counts_these_and_takes_finetune_sooner(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    artifacts.save_json(paths.CLASSES, {"several": ["a", "b", "c"]})
    bought = np.ones((2, 20, 3), np.int8)
    bought[:, :2] = OPEN
    result = results.Result(np.zeros((2, 20), np.int64), bought, np.empty((0, 0, 3), np.float32))
    assert (result.labels, result.given) == (18, 54)
    settings = Section({"train_final": {"trainer": "auto"}, "train": {"trainer": "self_training"}})
    for labels, learner, said in ((39, "self_training", "at most 13"), (40, "finetune", "more than 13")):
        said = f"auto took {learner}, since {labels} labels of these texts are {said} a class."
        assert finals.trainer(settings, labels, 3) == learner
        assert finals.why(settings, labels, 3).endswith(said)


def test_results_of_a_removed_stage_are_deleted(project):
    results.save("bucketed", "stage9", load("bucketed", "stage3"))
    project.change({"train_final": {"trainer": "none"}})
    project.call("train_final", "bucketed")
    assert sorted(folder.name for folder in (project.folder / "data/results/bucketed").iterdir()) == ["stage1", "stage2", "stage3"]
