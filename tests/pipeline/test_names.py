"""Classes that have words: a model before the first label, and learners that know the words."""

from pathlib import Path

import numpy as np
import pytest

from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.rows import results
from stages.core.settings import rules
from stages.core.space import names

DESCRIBE = {"neg": "awful boring film", "pos": ["great film", "lovely scene"]}


@pytest.fixture
def project(clustered, tmp_path, monkeypatch):
    project = clustered.entered(tmp_path / "a projéct", monkeypatch)
    project.change({"train": {"names": "auto"}, "labels": {"describe": DESCRIBE}, "arms": []})
    return project


def test_the_stage_makes_phrases_a_model_and_a_result_without_a_label(project, capsys):
    paths.ANSWERS.unlink(missing_ok=True)
    project.call("name_classes")
    assert "3 phrases of 2 classes; labels spent: 0" in capsys.readouterr().out
    phrases, pool = names.load(), np.load(paths.EMBEDDINGS)
    assert (phrases.vectors.shape, phrases.classes.tolist()) == ((3, *pool.shape[1:]), [0, 1, 1])
    assert np.load("data/results/names/names/holdout.npy").shape == (1, 30, 2)
    assert set(np.load(paths.NAMED).tolist()) == {0, 1}
    before = {str(file): file.read_bytes() for file in Path("data/names").rglob("*") if file.is_file()}
    project.call("name_classes")
    assert {str(file): file.read_bytes() for file in Path("data/names").rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"train": {"names": "off"}}, ""),
        (
            {"labels": {"describe": {"neg": "xyzzy plugh", "pos": "qwerty asdf"}}},
            "no names: the tokenizer of encoder does not know most of 'xyzzy plugh'",
        ),
    ],
)
def test_without_names_there_are_no_phrases_and_no_model(project, capsys, changes, line):
    project.change(changes)
    project.call("name_classes")
    assert line in capsys.readouterr().out
    assert names.load() is None
    assert not any(Path("data/names/model").iterdir())
    assert np.load("data/results/names/names/holdout.npy").shape == (0, 30, 2)
    assert set(np.load(paths.NAMED).tolist()) == {-1}


def test_with_names_off_nothing_that_follows_depends_on_the_phrases(project):
    project.change({"train": {"names": "off"}})
    outs = {}
    for words in ("a bad film", "a terrible film"):
        project.change({"labels": {"describe": {"neg": words}}})
        project.call("name_classes")
        files = [file for out in ("data/names", "data/results/names") for file in sorted(Path(out).rglob("*")) if file.is_file()]
        outs[words] = {file: file.read_bytes() for file in files}
    first, second = outs.values()
    assert len(first) >= 6
    assert first == second


def test_numbers_say_nothing(clustered, tmp_path, monkeypatch, capsys):
    project = clustered.entered(tmp_path / "a projéct", monkeypatch)
    project.change({"train": {"names": "auto"}})
    artifacts.save_json(paths.CLASSES, ["0", "1"])
    project.call("name_classes")
    assert "no names: not words: 0, 1; describe every class in labels.describe" in capsys.readouterr().out
    assert names.load() is None


def test_a_class_that_there_is_not_is_refused(project):
    project.change({"labels": {"describe": {"positive": "good"}}})
    with pytest.raises(Refused, match=r"labels.describe.positive: no such class; possible: neg, pos"):
        project.call("name_classes")


def test_a_fine_tuned_model_learns_from_what_names_say_and_from_no_label(project):
    project.change(
        {"train_final": {"arms": ["names"], "trainer": "finetune"}, "train": {"min_steps": 1, "epochs": 9}, "seeds": [0]}
    )
    project.call("name_classes")
    Path(paths.ANSWERS).unlink(missing_ok=True)
    project.call("train_final", "names")
    final = results.load(results.FINAL, results.NAMES, len(np.load(paths.NAMED)), 30, 2)
    assert final.labelled.shape == (1, 0)
    assert final.probabilities.shape == (1, 30, 2)
    assert {entry["epoch"] for entry in final.history} == {1}
    about = artifacts.load_json(Path("data/final/names/0/classifier.json"))
    assert about["trainer"] == "finetune"
    project.change({"train": {"names": "off"}})
    with pytest.raises(Refused, match=r"train_final.arms names names, which has no models"):
        rules.check_file("train_final")


@pytest.mark.slow
def test_the_names_stand_in_the_table_at_no_labels(project):
    project.call("name_classes")
    for stage in ("collect_answers", "select_stage1", "buy_labels stage1", "train_stageN stage1"):
        project.call(*stage.split())
    for stage in ("stage2", "stage3"):
        for name in ("score_entropy", "select_stageN", "summarise_scores", "buy_labels", "train_stageN"):
            project.call(name, stage)
    for stage in ("train_random stage1", "train_random stage2", "train_random stage3", "train_full", "map", "calibrate", "report"):
        project.call(*stage.split())
    lines = Path("data/summary.md").read_text(encoding="utf-8").splitlines()
    [row] = [line for line in lines if line.startswith("| names")]
    assert [cell.strip() for cell in row.split("|")[1:4]] == ["names", "names", "0"]
    assert artifacts.load_json(Path("metrics/names/names.json"))["labels"] == 0
