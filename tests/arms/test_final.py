"""The model one would use: trained on an arm's last rows, by a learner of its own."""

import json

import numpy as np
import pytest

from stages.core.base import paths
from stages.core.rows import results

pytestmark = pytest.mark.slow


@pytest.fixture
def labelled(in_process):
    """A tiny project whose bucketed and random arms came to stage3 with the probe."""
    in_process.change({"train_final": {"arms": ["bucketed", "random"], "trainer": "contrastive"}, "train": {"most_pairs": 8}})
    in_process.label_in_stages()
    for stage in ("stage1", "stage2", "stage3"):
        in_process.call("train_random", stage)
    return in_process


def final(arm):
    return results.load(results.FINAL, arm, 90, 30, 2)


def test_the_last_rows_of_each_arm_are_learned_from_by_the_final_learner_and_by_labels_that_were_bought(labelled):
    paths.ANSWERS.unlink()  # nothing more is bought
    for arm in ("bucketed", "random"):
        labelled.call("train_final", arm)
        last = results.load(arm, "stage3", 90, 30, 2)
        assert final(arm).labelled.tolist() == last.labelled.tolist()
        assert final(arm).bought.tolist() == last.bought.tolist()
        assert (final(arm).probabilities != last.probabilities).any()
        kept = [json.loads((labelled.folder / f"data/final/{arm}/{seed}/classifier.json").read_text()) for seed in (0, 1)]
        assert [about["trainer"] for about in kept] == ["contrastive", "contrastive"]


def test_what_an_arm_bought_is_what_the_source_says_of_its_rows(labelled):
    answers = np.load(paths.ANSWERS)
    for arm in ("bucketed", "random"):
        last = results.load(arm, "stage3", 90, 30, 2)
        assert last.bought.tolist() == answers[last.labelled].tolist()


def test_with_trainer_none_nothing_is_trained_and_the_report_ends_with_the_loop(labelled, capsys):
    labelled.change({"train_final": {"trainer": "none"}})
    labelled.call("train_final", "bucketed")
    assert "train_final bucketed: nothing to do, train_final.trainer is none" in capsys.readouterr().out
    assert not final("bucketed").trained
    assert not list((labelled.folder / "data/final/bucketed").iterdir())


def test_the_table_ends_with_the_final_models_held_against_the_final_random_ones(labelled):
    labelled.change({"arms": []})
    for arm in ("bucketed", "random"):
        labelled.call("train_final", arm)
    labelled.call("train_full")
    labelled.call("calibrate")
    labelled.call("report")
    table = (labelled.folder / "data/summary.md").read_text(encoding="utf-8").splitlines()
    ends = [[cell.strip() for cell in line.split("|")[1:4]] for line in table if line.startswith("|")][2:11]
    assert ends[-5:] == [
        ["random", "stage3", "28"], ["bucketed", "stage3", "28"], ["random", "final", "28"], ["bucketed", "final", "28"],
        ["full", "pool", "90"],
    ]  # fmt: skip
    said = {name: json.loads((labelled.folder / f"metrics/{name}.json").read_text()) for name in
            ("summary", "bucketed/final", "random/final", "bucketed/stage3")}  # fmt: skip
    assert said["summary"] == said["bucketed/final"]
    assert said["bucketed/final"]["gain_vs_random"] == pytest.approx(
        said["bucketed/final"]["accuracy"] - said["random/final"]["accuracy"], abs=1e-6
    )
    curves = json.loads((labelled.folder / "data/plots/learning_curve.json").read_text())
    assert {row["arm"] for row in curves} == {"bucketed", "random", "bucketed, final", "random, final", "full (90 labels)"}


def test_results_of_a_stage_that_is_no_more_do_not_count(labelled):
    results.save("bucketed", "stage9", results.load("bucketed", "stage3", 90, 30, 2))
    labelled.call("train_final", "bucketed")
    assert sorted(folder.name for folder in (labelled.folder / "data/results/bucketed").iterdir()) == ["stage1", "stage2", "stage3"]
