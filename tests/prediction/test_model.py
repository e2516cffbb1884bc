"""Which of the trained models is the one to use, and what is known of it."""

import json
import shutil

import numpy as np
import pytest

import gleaner
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.prediction import record
from stages.core.rows import measures, results
from tests.support.project import InProcess


@pytest.fixture(scope="module")
def made(clustered, tmp_path_factory) -> InProcess:
    """A tiny project with the probe's models of three stages, whose last are the model to use."""
    with pytest.MonkeyPatch.context() as patch:
        project = clustered.entered(tmp_path_factory.mktemp("made") / "a projéct", patch)
        project.label_in_stages()
        project.call("calibrate")
    return project


@pytest.fixture
def project(made, tmp_path, monkeypatch) -> InProcess:
    """A copy of `made`, in which this process is."""
    return made.entered(tmp_path / "a projéct", monkeypatch)


def told() -> dict:
    return json.loads(record.METRICS.read_text(encoding="utf-8"))


def pool_texts(rows: int = 90) -> list[str]:
    return artifacts.texts(paths.POOL)[:rows]


def test_without_a_final_model_the_last_stages_are_the_ones_to_use_and_named_not_copied(project):
    about = record.load(record.FOLDER)
    assert (about.stage, about.trainer, about.classes, about.labels) == ("stage3", "probe", ["neg", "pos"], 28)
    assert list(about.members) == ["data/stage3/models/0", "data/stage3/models/1"]
    assert sorted(file.name for file in record.FOLDER.iterdir()) == ["answered.json", "model.json"]


@pytest.mark.slow
def test_a_final_model_goes_before_those_of_the_loop(project):
    project.change({"train_final": {"arms": ["bucketed"], "trainer": "finetune"}})
    project.call("train_final", "bucketed")
    project.call("calibrate")
    about = record.load(record.FOLDER)
    assert (about.stage, about.trainer) == ("final", "finetune")
    assert list(about.members) == ["data/final/bucketed/0", "data/final/bucketed/1"]
    probabilities = gleaner.load("data/model").predict_proba(pool_texts())
    assert probabilities.shape == (90, 2)
    assert probabilities.sum(1) == pytest.approx(np.ones(90), abs=1e-5)


def test_what_was_measured_is_what_the_holdout_says_of_the_mean(project):
    said = results.load("bucketed", "stage3", 90, 30, 2).probabilities
    actual = np.load(paths.HOLDOUT_LABELS)
    assert told()["accuracy"] == pytest.approx(measures.accuracy(said.mean(0), actual), abs=1e-6)
    alone = [measures.accuracy(each, actual) for each in said]
    assert told()["accuracy_of_one"] == pytest.approx(np.mean(alone), abs=1e-6)
    assert told()["labels_in_all"] == len(np.unique(results.load("bucketed", "stage3", 90, 30, 2).labelled))


def test_python_says_of_the_holdout_what_the_stage_measured(project):
    model = gleaner.load()
    probabilities = model.predict_proba(artifacts.texts(paths.HOLDOUT))
    actual = np.load(paths.HOLDOUT_LABELS)
    assert measures.accuracy(probabilities, actual) == pytest.approx(told()["accuracy"], abs=1e-6)
    assert model.classes_.tolist() == ["neg", "pos"]
    assert model.predict(artifacts.texts(paths.HOLDOUT)).tolist() == model.classes_[probabilities.argmax(1)].tolist()


def test_a_text_is_told_the_same_whatever_stands_beside_it(project):
    model, texts = gleaner.load(), pool_texts()
    together = model.predict_proba(texts)
    alone = np.concatenate([model.predict_proba([text]) for text in texts[:5]])
    assert alone == pytest.approx(together[:5], abs=1e-5)


def test_one_seed_alone_can_be_the_model_and_is_asked_alone(project):
    project.change({"predict": {"seed": 1, "temperature": "none"}})
    project.call("calibrate")
    about = record.load(record.FOLDER)
    assert list(about.members) == ["data/stage3/models/1"]
    assert about.rows == about.labels == 28
    said = results.load("bucketed", "stage3", 90, 30, 2).probabilities[1]
    assert gleaner.load().predict_proba(artifacts.texts(paths.HOLDOUT)) == pytest.approx(said, abs=1e-5)


def test_one_seed_alone_is_calibrated_by_training_on_folds_of_its_own_rows(project, capsys):
    project.change({"predict": {"seed": 0}, "train": {"folds": 4}})
    project.call("calibrate")
    assert "by 28 labelled rows, each as models see it that do not know it" in capsys.readouterr().out


def test_the_temperature_is_used_and_none_leaves_the_probabilities_as_they_are(project):
    content = json.loads((record.FOLDER / "model.json").read_text())
    before = gleaner.load().predict_proba(pool_texts())
    (record.FOLDER / "model.json").write_text(json.dumps(content | {"temperature": 3.0}))
    after = gleaner.load().predict_proba(pool_texts())
    assert (after.argmax(1) == before.argmax(1)).all()
    assert (after.max(1) < before.max(1)).all()
    project.change({"predict": {"temperature": "none"}})
    project.call("calibrate")
    assert told()["temperature"] == 1
    assert told()["calibration_error"] == told()["calibration_error_before"]


def test_the_answers_of_the_pool_are_not_looked_at(project):
    paths.ANSWERS.unlink()
    before = record.METRICS.read_bytes()
    project.call("calibrate")
    assert record.METRICS.read_bytes() == before


def test_texts_are_brought_into_the_form_that_the_pool_has(project):
    project.change({"prepare": {"normalise": True}})
    project.call("calibrate")
    model = gleaner.load()
    assert model.predict_proba(["  A GOOD Film "]).tolist() == model.predict_proba(["a good film"]).tolist()


def test_below_the_threshold_a_text_is_left_open(project):
    project.change({"predict": {"abstain": 0.99, "temperature": "none"}})
    project.call("calibrate")
    model, texts = gleaner.load(), pool_texts()
    sure = model.predict_proba(texts).max(1) >= 0.99
    assert 0 < sure.sum() < 90
    assert [label is None for label in model.predict(texts)] == (~sure).tolist()
    model.abstain = 0
    assert set(model.predict(texts)) == {"neg", "pos"}
    assert told()["abstain"] == 0.99
    assert 0.99 in [row["abstain"] for row in json.loads((record.FOLDER / "answered.json").read_text())]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("a text", "one text was given, possible: a list of texts"),
        (["a text", None], "text number 1 (counted from 0) is a NoneType, possible: str"),
        ([3.5], "text number 0 (counted from 0) is a float"),
    ],
)
def test_python_refuses_what_is_no_list_of_texts(project, given, message):
    with pytest.raises(Refused) as refused:
        gleaner.load().predict(given)
    assert message in str(refused.value)


def test_of_no_texts_there_is_nothing_to_say(project):
    model = gleaner.load()
    assert model.predict([]).tolist() == []
    assert model.predict_proba([]).shape == (0, 2)


def test_the_model_is_found_by_a_whole_path_from_any_folder(project, tmp_path, monkeypatch):
    expected = gleaner.load().predict_proba(["good film"])
    monkeypatch.chdir(tmp_path)
    assert gleaner.load(project.folder / "data/model").predict_proba(["good film"]).tolist() == expected.tolist()


def refusal() -> str:
    with pytest.raises(Refused) as refused:
        gleaner.load("data/model")
    return str(refused.value)


def test_no_model_yet_is_told_with_what_to_do(project):
    shutil.rmtree(record.FOLDER)
    assert refusal() == (
        f"{project.folder / 'data/model/model.json'} is missing, so there is no model yet; run `dvc repro`, which ends with one"
    )


def test_where_rows_wait_for_answers_there_is_no_model_and_the_stage_says_so(project, capsys):
    for stage in ("stage1", "stage2", "stage3"):
        found = results.load("bucketed", stage, 90, 30, 2)
        results.save("bucketed", stage, results.Result(found.labelled, found.bought, found.probabilities[:0], waits_for=3))
    project.call("calibrate")
    assert "model: nothing to do, stage1 has no models" in capsys.readouterr().out
    assert told() == {"members": 0}
    assert "there is no model yet: stage1 has none, since rows wait for an answer" in refusal()


def test_a_model_of_another_encoder_is_refused(project):
    from tests.support.tiny import tiny_encoder

    tiny_encoder(project.folder / "encoder", seed=7)
    assert (
        refusal() == "data/model belongs to another encoder than encoder, which is here now; run `dvc repro` to train for this one"
    )


def test_weights_that_are_not_those_that_were_measured_are_refused(project):
    shutil.copy("data/stage2/models/0/model.safetensors", "data/stage3/models/0/model.safetensors")
    assert refusal().startswith("data/stage3/models/0 holds another model than data/model/model.json was made of; run `dvc repro`")


def test_weights_that_are_missing_are_named(project):
    shutil.rmtree("data/stage3/models/1")
    assert refusal().startswith("data/stage3/models/1/classifier.json cannot be read (No such file or directory); run `dvc repro`")


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is no whole json file"), ("{}", "stage = None, expected str"), ('{"temperature": 1}', "stage = None, expected str")],
)
def test_a_broken_record_is_refused(project, content, message):
    (record.FOLDER / "model.json").write_text(content)
    assert message in refusal()


def test_the_report_has_the_table_of_accuracy_against_the_share_answered(project, capsys):
    project.change({"random_at": [], "arms": []})
    results.save("full", "pool", results.load("bucketed", "stage3", 90, 30, 2))
    project.call("report")
    summary = (project.folder / "data/summary.md").read_text(encoding="utf-8")
    assert "|   rows left open below |   share answered |   accuracy of the answered |" in summary
    first = next(line for line in summary.splitlines() if line.startswith("|                      0 |"))
    assert f"{told()['accuracy']:.4f}" in first
