"""Pairs of texts: reading them, and refusing mistakes before any training."""

from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from stages.core.base.errors import Refused
from stages.core.settings import rules
from stages.core.sources import pairs
from tests.support.sources import ROOT, write

AUTO = {
    "left_column": "auto",
    "right_column": "auto",
    "label_column": "auto",
    "score_range": [0, 1],
    "most_per_class": "all",
    "seed": 0,
}


def read(file, objective: str, **changes) -> dict:
    return pairs.to_tune_on(SimpleNamespace(**{**AUTO, "objective": objective, "dataset": str(file), **changes}))


def three(folder, labels, left=("a", "b", "c"), right=("x", "y", "z"), name="score"):
    return write(folder / "f.jsonl", {"sentence1": list(left), "sentence2": list(right), name: list(labels)})


def test_words_and_numbers_are_the_three_classes_and_rows_without_gold_are_dropped(tmp_path, capsys):
    labels = ["neutral", "-1", "2", "Entailment", None, "-", "contradiction"]
    columns = {"premise": list("abcdefg"), "hypothesis": list("tuvwxyz"), "gold_label": labels}
    assert read(write(tmp_path / "f.jsonl", columns), "nli") == {
        "left": ["a", "c", "d", "g"],
        "right": ["t", "v", "w", "z"],
        "label": [1, 2, 0, 2],
    }
    assert "3 of 7 pairs have no gold label: dropped" in capsys.readouterr().out


def test_scores_are_rescaled_from_the_declared_range(tmp_path):
    file = three(tmp_path, ["0", "2.5", 5])
    assert read(file, "pairs", score_range=[0, 5])["label"] == [0, 0.5, 1]
    assert read(file, "pairs", score_range=[-5, 5])["label"] == [0.5, 0.75, 1]


def test_each_objective_takes_its_own_label_column(tmp_path):
    columns = {"sentence1": ["a"], "sentence2": ["b"], "score": [0.25], "label": ["neutral"]}
    file = write(tmp_path / "f.csv", columns)
    assert read(file, "nli")["label"] == [1]
    assert read(file, "pairs")["label"] == [0.25]


def test_columns_can_be_named(tmp_path):
    file = write(tmp_path / "f.csv", {"one": ["a"], "two": ["b"], "alike": [1]})
    named = {"left_column": "one", "right_column": "two", "label_column": "alike"}
    assert read(file, "pairs", **named) == {"left": ["a"], "right": ["b"], "label": [1]}
    with pytest.raises(Refused, match=r"finetune_encoder.left_column = uno: no such column; possible: one, two, alike"):
        read(file, "pairs", **{**named, "left_column": "uno"})
    with pytest.raises(Refused, match=r"finetune_encoder.left_column = auto: no column has a usual name"):
        read(file, "pairs")


def test_columns_may_have_names_that_yaml_reads_as_numbers_or_bools(tmp_path):
    file = write(tmp_path / "f.csv", {"0": ["a"], "1.5": ["b"], "on": [1]})
    columns = {"left_column": 0, "right_column": 1.5, "label_column": True}
    assert read(file, "pairs", **columns) == {"left": ["a"], "right": ["b"], "label": [1]}
    with pytest.raises(Refused, match=r"finetune_encoder.left_column = 1: the first line looks like a row, not like names"):
        read(file, "pairs", **columns | {"left_column": 1})
    loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
    section = loaded["finetune_encoder"] | columns
    assert rules.checked(loaded | {"finetune_encoder": section}).finetune_encoder.model_dump() == section
    with pytest.raises(Refused, match=r"finetune_encoder.left_column = \[0\]: must be a name, or auto"):
        rules.checked(loaded | {"finetune_encoder": section | {"left_column": [0]}})


def test_train_of_a_folder_is_tuned_on_and_test_is_measured_by(tmp_path):
    for name, score in (("train", 1), ("validation", 0.5), ("test", 0)):
        write(tmp_path / f"{name}.csv", {"sentence1": [name], "sentence2": ["b"], "score": [score]})
    assert read(tmp_path, "pairs")["left"] == ["train"]
    assert pairs.to_measure_by(str(tmp_path))["left"] == ["test"]


def test_a_measure_needs_no_range(tmp_path):
    assert pairs.to_measure_by(str(three(tmp_path, [0, 3, 5])))["label"] == [0, 3, 5]


def test_classes_are_balanced_up_to_a_limit_and_keep_their_order(tmp_path):
    columns = {"question1": list("abcdefg"), "question2": list("tuvwxyz"), "is_duplicate": [0, 0, 1, 0, 1, 0, 1]}
    file = write(tmp_path / "f.csv", columns)
    assert read(file, "pairs")["label"] == [0, 0, 1, 0, 1, 0, 1]
    two = read(file, "pairs", most_per_class=2)
    assert sorted(two["label"]) == [0, 0, 1, 1]
    assert two["left"] == sorted(two["left"])
    assert [dict(zip("abcdefg", "tuvwxyz"))[left] for left in two["left"]] == two["right"]
    assert sorted(read(file, "pairs", most_per_class=500)["label"]) == [0, 0, 0, 1, 1, 1]  # the rarer class has three


def test_the_pairs_drawn_for_balance_depend_only_on_the_seed():
    many = {key: list(range(40)) for key in ("left", "right")} | {"label": [0.0, 1.0] * 20}
    drawn = [pairs.balanced(many, 5, np.random.default_rng(seed))["left"] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("objective", "labels", "message"),
    [
        ("nli", ["neutral", "maybe", "neutral"], r"row 2: label maybe; possible: entailment, neutral, contradiction or 0, 1, 2"),
        ("nli", ["neutral", "3", "neutral"], r"row 2: label 3; possible: entailment"),
        ("nli", ["-1", "-", ""], r"no pair to tune on"),
        ("pairs", [0, 0.5, 3.5], r"row 3: score 3.5, possible: a number from 0 to 1; declare .* in finetune_encoder.score_range"),
        ("pairs", [0, -0.1, 1], r"row 2: score -0.1, possible: a number from 0 to 1; declare"),
        ("pairs", [0, "much", 1], r"row 2: score much, possible: a number from 0 to 1$"),
        ("pairs", [0, None, 1], r"row 2: score None, possible: a number"),
        ("pairs", ["nan", 0, 1], r"row 1: score nan, possible: a number"),
        ("pairs", [0, "inf", 1], r"row 2: score inf, possible: a number from 0 to 1$"),
    ],
)
def test_a_label_that_cannot_be_used_is_refused_with_its_row(tmp_path, objective, labels, message):
    with pytest.raises(Refused, match=message):
        read(three(tmp_path, labels, name="label"), objective)


@pytest.mark.parametrize("objective", ["nli", "pairs"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("missing", [None, "", "  "])
def test_a_pair_with_a_missing_side_is_refused_with_its_row(tmp_path, objective, side, missing):
    file = three(tmp_path, [0, 1, 1], **{side: ["a", "b", missing]}, name="label")
    with pytest.raises(Refused, match=rf"params.yaml: finetune_encoder.dataset = .*, row 3: the pair has no {side} text"):
        read(file, objective)


def test_only_classes_can_be_balanced(tmp_path):
    with pytest.raises(Refused, match=r"most_per_class = 5: .* found 3 different ones; set it to all"):
        read(three(tmp_path, [0, 0.5, 1]), "pairs", most_per_class=5)
    with pytest.raises(Refused, match=r"found 1 different ones"):
        read(three(tmp_path, [1, 1, 1]), "pairs", most_per_class=5)


def test_an_objective_without_a_dataset_is_refused():
    with pytest.raises(Refused, match=r"finetune_encoder.dataset = none: objective nli needs pairs"):
        read("none", "nli")


def test_a_file_that_is_not_there_is_blamed_on_its_own_setting(tmp_path):
    with pytest.raises(Refused, match=r"params.yaml: finetune_encoder.dataset = .*no.csv: no such file or folder; looked for "):
        read(tmp_path / "no.csv", "pairs")
    with pytest.raises(Refused, match=r"params.yaml: finetune_encoder.evaluation = .*no.csv: no such file or folder"):
        pairs.to_measure_by(str(tmp_path / "no.csv"))
