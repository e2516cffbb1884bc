"""Arms side by side, with and without random rows and a full model: by hand, then by stage report in a tiny project."""

import functools
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from stages import report
from stages.core.base import paths
from stages.core.reporting import answer, comparison, markdown, result_tables
from stages.core.reporting.description import agreement_of
from stages.core.rows import labels, measures, results
from stages.core.rows.results import Result

#                  row  0  1  2  3
ACTUAL = np.array([     0, 0, 1, 1])  # fmt: skip
CLASSES = ["neg", "pos"]
STAGES = ["stage1", "stage2"]
COMPARED = ("gain", "gain_low", "gain_high", "p", "p_holm", "seeds_for_one_point")
TO_RANDOM, TO_FULL = (
    tuple(f"labels_to_{target}{end}" for end in ("", "_low", "_high")) for target in ("random", "95_of_full")
)  # fmt: skip


def result(labels, *predicted, **more):
    """Of one stage, given the classes that each seed's model predicts on the holdout."""
    rows = np.tile(np.arange(labels), (len(predicted), 1))
    return Result(rows, rows % 2, np.eye(2, dtype=np.float32)[np.array(predicted)], **more)


HALF, THREE, ALL = [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]  # right on 2, 3 and 4 of the four rows
TESTED = {
    ("random", "stage1"): result(10, HALF, HALF),
    ("random", "stage2"): result(20, THREE, HALF),
    ("bucketed", "stage1"): result(10, HALF, THREE),
    ("bucketed", "stage2"): result(20, ALL, ALL),
    ("full", "pool"): result(90, ALL),
}


def without(*arms):
    return {which: result for which, result in TESTED.items() if which[0] not in arms}


def stage(tested, arm="bucketed", stage="stage2"):
    return comparison.at_a_stage(tested[arm, stage], tested.get(("random", stage)), ACTUAL, CLASSES, "accuracy")


@functools.cache
def over_budgets(*without_arms, measure="accuracy"):
    return comparison.over_budgets(without(*without_arms), STAGES, ACTUAL, measure)


def test_the_measures_of_a_stage_are_means_over_the_seeds_and_the_gain_is_paired():
    row = stage(TESTED, stage="stage1")
    assert (row["labels"], row["accuracy"], row["gain_vs_random"]) == (10, 0.625, 0.125)  # 0.5 and 0.75; 0 and 0.25 above
    assert (row["accuracy_std"], row["gain_vs_random_se"]) == (pytest.approx(0.176777), pytest.approx(0.125))
    assert (row["false_negatives_pos"], row["false_positives_neg"]) == (1.5, 1.5)


def test_the_gain_of_the_full_model_with_its_one_seed_is_over_the_mean_and_has_no_error():
    row = comparison.at_a_stage(TESTED["full", "pool"], TESTED["random", "stage2"], ACTUAL, CLASSES, "accuracy")
    assert (row["gain_vs_random"], row["gain_vs_random_se"], row["accuracy_std"]) == (0.375, None, None)


def test_over_all_budgets_an_arm_is_compared_with_random_rows_and_the_full_model():
    overall = over_budgets()
    assert list(overall) == ["random", "bucketed"]
    bucketed = overall["bucketed"]
    assert (bucketed["mean_accuracy"], bucketed["gain"]) == (0.8125, 0.25)  # seed by seed 0.125 and 0.375 above
    assert bucketed["labels_to_random"] == 10  # random ends at 0.625, where it begins
    assert overall["random"]["labels_to_random"] == 20
    assert bucketed["labels_to_95_of_full"] == pytest.approx(10 + 10 * (0.95 - 0.625) / 0.375, abs=1e-6)
    assert [overall["random"][key] for key in ("gain", "p", "p_holm", "seeds_for_one_point")] == [0, None, None, None]


def test_macro_f1_can_decide_the_comparison():
    by = {name: over_budgets(measure=name)["bucketed"] for name in ("accuracy", "macro_f1")}
    f1 = [[measures.macro_f1(p, ACTUAL) for p in TESTED[arm, "stage1"].probabilities] for arm in ("bucketed", "random")]
    row = comparison.at_a_stage(TESTED["bucketed", "stage1"], TESTED["random", "stage1"], ACTUAL, CLASSES, "macro_f1")
    assert row["gain_vs_random"] == pytest.approx(np.subtract(*f1).mean(), abs=1e-6) != 0.125
    assert by["macro_f1"]["gain"] != by["accuracy"]["gain"]
    assert by["macro_f1"]["mean_accuracy"] == by["accuracy"]["mean_accuracy"] == 0.8125
    assert by["macro_f1"]["mean_macro_f1"] == by["accuracy"]["mean_macro_f1"]


def test_without_a_random_arm_nothing_is_compared_and_nothing_fails():
    [(arm, row)] = over_budgets("random").items()
    assert (arm, row["mean_accuracy"]) == ("bucketed", 0.8125)
    assert {row[key] for key in (*COMPARED, *TO_RANDOM)} == {None}
    assert row["labels_to_95_of_full"] == pytest.approx(18.666667)
    assert result_tables.verdict(row) == "no random arm"
    assert set(row) == set(over_budgets()["bucketed"])
    at_stage = stage(without("random"))
    assert (at_stage["gain_vs_random"], at_stage["gain_vs_random_se"]) == (None, None)
    assert set(at_stage) == set(stage(TESTED))


def test_a_random_arm_with_some_stages_is_compared_there_and_not_over_all_budgets():
    tested = {which: result for which, result in TESTED.items() if which != ("random", "stage1")}
    [(arm, row)] = comparison.over_budgets(tested, STAGES, ACTUAL, "accuracy").items()
    assert (arm, row["gain"], result_tables.verdict(row)) == ("bucketed", None, "no random arm")
    assert [stage(tested, stage=name)["gain_vs_random"] for name in STAGES] == [None, 0.375]


def test_without_a_full_model_labels_to_it_are_none_and_nothing_else_changes():
    for arm in ("random", "bucketed"):
        row = over_budgets("full")[arm]
        assert row == over_budgets()[arm] | dict.fromkeys(TO_FULL)


@pytest.mark.parametrize(("missing", "to_full"), [(["random"], "19 ["), (["random", "full"], "no full model")])
def test_the_tables_show_what_is_not_compared(missing, to_full):
    measured = {which: stage(without(*missing), *which) for which in without(*missing)}
    text = result_tables.summary(measured, over_budgets(*missing), {}, 2, STAGES, {}, "accuracy")
    assert "not reached" not in text
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| bucketed")]
    [first, second] = rows[-2:]  # a wide table is split in two
    cells = first + second[1:]
    assert cells[:2] + cells[3:7] == ["bucketed", "0.8125", "", "", "no random arm", "no random arm"]
    assert cells[7].startswith(to_full)
    assert cells[8] == ""
    assert 0.5 < float(cells[2]) < 1
    assert "None" not in text


def test_rows_without_a_class_or_in_conflict_are_no_labels():
    said = result(6, HALF, THREE)
    said.bought[:, 4:] = [labels.NO_CLASS, labels.CONFLICT]
    assert said.labels == stage({("bucketed", "stage2"): said})["labels"] == 4
    said.bought[1, 2:4] = labels.NO_CLASS
    assert said.labels == 3  # a mean over the seeds


@pytest.mark.parametrize(
    ("waiting", "how"),
    [({}, "ended after stage1, with 10 labels."), ({"stage2": 8}, "has come to stage1, with 10 labels. stage2 waits.")],
)
def test_labelling_that_waits_has_not_ended(waiting, how):
    measured = {("bucketed", "stage1"): stage(TESTED, stage="stage1")}
    text = result_tables.by_stage(measured, 2, STAGES, "accuracy", waiting)
    assert text.splitlines()[-1] == f"Labelling {how}"


def test_the_error_of_a_gain_takes_rows_of_the_holdout_as_a_sample_and_so_does_the_test():
    """Three seeds alike: the arm is right on row 3 alone of those where they differ. By seeds alone there would be no error."""
    tested = {
        (arm, name): result(10, *[predicted] * 3) for arm, predicted in (("random", THREE), ("bucketed", ALL)) for name in STAGES
    }
    row = stage(tested)
    assert (row["gain_vs_random"], row["gain_vs_random_se"]) == (0.25, 0.25)  # one row of four differs: sd 0.5 / 2
    over = comparison.over_budgets(tested, STAGES, ACTUAL, "accuracy")["bucketed"]
    assert over["p"] == pytest.approx(0.391, abs=1e-3)  # t = 1 with 3 degrees of freedom
    assert over["seeds_for_one_point"] is None


def test_the_full_model_is_drawn_as_a_line_at_every_budget():
    rows = comparison.by_seed(TESTED, [7, 8], ACTUAL, CLASSES)
    assert [(row["arm"], row["labels"], row["accuracy"]) for row in rows if row["arm"].startswith("full")] == [
        ("full (90 labels)", 10, 1), ("full (90 labels)", 20, 1),
    ]  # fmt: skip
    assert [(row["seed"], row["accuracy"]) for row in rows if (row["arm"], row["stage"]) == ("bucketed", "stage1")] == [
        (7, 0.5), (8, 0.75),
    ]  # fmt: skip


def test_the_confusion_of_the_last_stage_is_a_mean_over_the_seeds():
    rows = {
        (r["arm"], r["actual"], r["predicted"]): (r["rows"], r["share"])
        for r in comparison.confusions(TESTED, ACTUAL, CLASSES, "stage2")
    }
    assert rows["random", "pos", "neg"] == (1.5, 0.75)
    assert rows["full", "pos", "pos"] == (2, 1)
    assert len(rows) == 3 * 4


def test_an_arm_that_uses_labels_of_the_pool_is_marked_in_every_plot():
    tested = {("hybrid", "stage1"): result(10, ALL, uses_pool_labels=True, history=[{"seed": 0, "epoch": 1, "loss": 0.5}])}
    assert [row["arm"] for row in comparison.by_seed(tested, [0], ACTUAL, CLASSES)] == ["hybrid (pool labels)"]
    assert comparison.epochs(tested) == [{"arm": "hybrid (pool labels) stage1", "seed": 0, "epoch": 1, "loss": 0.5}]


def test_agreement_of_buckets_and_labels_is_1_or_0_and_open_answers_do_not_count():
    assert agreement_of(np.array([3, 3, 1, 1]), np.array([0, 0, 1, 1])) == 1
    assert agreement_of(np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])) == 0
    assert agreement_of(np.array([3, 3, 1, 1, 3]), np.array([0, 0, 1, 1, -1])) == 1
    assert agreement_of(np.array([0, 1]), np.array([-1, -3])) is None


# ---- results on disk


def test_a_saved_result_is_loaded_unchanged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = result(3, HALF, ALL, waits_for=2, uses_pool_labels=True, history=[{"seed": 0, "epoch": 1, "loss": 0.5}])
    results.save("mine", "stage1", saved)
    read = results.load("mine", "stage1", 3, 4, 2)
    assert (read.labelled.tolist(), read.probabilities.tolist()) == (saved.labelled.tolist(), saved.probabilities.tolist())
    assert (read.waits_for, read.uses_pool_labels, read.history, read.labels, read.trained) == (2, True, saved.history, 3, True)


def test_only_results_that_params_no_longer_name_are_removed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arm, name in (("bucketed", "stage1"), ("bucketed", "stage2"), ("old", "stage1"), ("old", "stage2"), ("full", "pool")):
        results.save(arm, name, result(3, HALF))
    results.forget_all_but([("bucketed", "stage1"), ("full", "pool"), ("random", "stage1")])
    assert sorted(str(folder.relative_to(results.ROOT)) for folder in results.ROOT.rglob("*") if folder.is_dir()) == [
        *("bucketed", "bucketed/stage1", "full", "full/pool")
    ]
    assert capsys.readouterr().out.count("removed: params.yaml names it no longer") == 3
    results.forget_all_but([("bucketed", "stage1"), ("full", "pool"), ("random", "stage1")])
    assert capsys.readouterr().out == ""
    assert results.load("bucketed", "stage1", 3, 4, 2).labels == 3


# ---- stage report in a tiny project


def metrics(name):
    return json.loads((report.METRICS / f"{name}.json").read_text())


NAMES = ["stage1", "stage2", "stage3"]


@pytest.mark.slow
def test_a_project_without_a_random_arm_is_reported_and_old_results_are_removed(with_model):
    with_model.change({"random_at": [], "arms": ["entropy"]})
    for name in NAMES:
        bucketed = results.load("bucketed", name, 90, 30, 2)
        results.save("entropy", name, bucketed)
        results.save("random", name, bucketed)  # earlier params named it
    whole = result(90, np.load(paths.HOLDOUT_LABELS))
    results.save("full", "pool", whole)
    results.save("full", "final", results.nothing(30, 2))
    with_model.call("report")
    assert not (results.ROOT / "random").exists()
    for arm in ("bucketed", "entropy"):
        curve = metrics(f"{arm}/curve")
        assert {curve[key] for key in (*COMPARED, *TO_RANDOM)} == {None}
        assert 0 < curve["mean_accuracy"] <= 1
        assert [metrics(f"{arm}/{name}")["gain_vs_random"] for name in NAMES] == [None] * 3
        assert [metrics(f"{arm}/{name}")["labels"] for name in NAMES] == [12, 20, 28]
    assert (metrics("full/pool")["labels"], metrics("full/pool")["gain_vs_random"]) == (90, None)
    assert metrics("summary") == metrics("bucketed/stage3")
    assert 0 <= metrics("buckets")["label_agreement_nmi"] <= 1
    assert "no random arm" in (with_model.folder / "data/summary.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_if_labelling_ended_early_other_arms_are_compared_up_to_there(with_model):
    with_model.change({"random_at": NAMES, "arms": ["entropy"]})
    for name in NAMES:
        bucketed = results.load("bucketed", name, 90, 30, 2)
        for arm in ("entropy", "random"):
            results.save(arm, name, bucketed)
    second = results.load("bucketed", "stage2", 90, 30, 2)
    results.save("bucketed", "stage3", replace(second, probabilities=second.probabilities[:0]))  # as stage3 leaves it
    results.save("full", "pool", result(90, np.load(paths.HOLDOUT_LABELS)))
    results.save("full", "final", results.nothing(30, 2))
    with_model.call("report")
    for arm in ("bucketed", "entropy", "random"):
        assert sorted(file.stem for file in (report.METRICS / arm).iterdir()) == ["curve", "stage1", "stage2"]
    assert metrics("summary") == metrics("bucketed/stage2")
    assert metrics("bucketed/curve")["gain"] == 0
    text = (with_model.folder / "data/summary.md").read_text(encoding="utf-8")
    assert "Labelling ended after stage2, with 20 labels." in text


# ---- for a terminal


def test_a_wide_table_is_split_and_each_part_repeats_the_first_columns():
    text = markdown.table([["a", "1", "2", "3"], ["b", "4", "5", "6"]], ["arm", "x" * 40, "y" * 40, "z" * 40], left=1)
    parts = [[[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()] for part in text.split("\n\n")]
    assert [[row for row in part if "--" not in row[0]] for part in parts] == [
        [["arm", "x" * 40, "y" * 40], ["a", "1", "2"], ["b", "4", "5"]],
        [["arm", "z" * 40], ["a", "3"], ["b", "6"]],
    ]


def test_all_tables_fit_a_terminal_and_the_answer_comes_first():
    measured = {which: stage(TESTED, *which) for which in TESTED}
    overall = over_budgets()
    sentence = answer.sentence(measured, overall, STAGES[-1], "macro_f1", PLAIN)
    text = result_tables.summary(measured, overall, {}, 2, STAGES, {}, "macro_f1", sentence)
    assert text.startswith(f"{sentence}\n\n|")
    assert max(len(line) for line in text.splitlines() if line.startswith("|")) <= markdown.COLUMNS


ROW = {"labels": 300, "accuracy": 0.774, "macro_f1": 0.7}
CURVE = {"gain": 0.02, "gain_low": 0.01, "p_holm": 0.2}
PLAIN = SimpleNamespace(train=SimpleNamespace(trainer="self_training"), train_final=SimpleNamespace(trainer="finetune"))


@pytest.mark.parametrize(
    ("others", "curve", "sentence"),
    [
        ({("random", "stage3"): ROW | {"accuracy": 0.751}, ("full", "pool"): {"labels": 10_922, "accuracy": 0.8245}}, {},
         "With 300 labels 0.77, random rows 0.75, all 10,922 labels 0.82 (accuracy); no difference shown."),
        ({("random", "stage3"): ROW}, {"p_holm": 0.01},
         "With 300 labels 0.77, random rows 0.77 (accuracy); better than random rows over all budgets."),
        ({("random", "stage3"): ROW, ("bucketed", "final"): ROW | {"accuracy": 0.9}}, {"p_holm": 0.01, "gain": -0.1},
         "With 300 labels 0.90 (accuracy, finetune). The models of stage3: 0.77, random rows 0.77 (self_training); worse than "
         "random rows over all budgets."),
        ({("bucketed", "final"): ROW | {"accuracy": 0.9}, ("full", "pool"): {"labels": 30_000, "accuracy": 0.8},
          ("full", "final"): {"labels": 20_000, "accuracy": 0.95}}, {},
         "With 300 labels 0.90, 20,000 of all 30,000 labels 0.95 (accuracy, finetune). The models of stage3: 0.77, all 30,000 "
         "labels 0.80 (self_training); no difference shown."),
        ({}, {"gain": None}, "With 300 labels 0.77 (accuracy); no random arm."),
    ],
)  # fmt: skip
def test_the_answer_in_a_sentence(others, curve, sentence):
    measured = {("bucketed", "stage3"): ROW} | others
    assert answer.sentence(measured, {"bucketed": CURVE | curve}, "stage3", "accuracy", PLAIN) == sentence
