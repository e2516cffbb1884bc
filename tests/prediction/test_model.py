"""Which of the trained models is the one to use, and what data/model says about it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import gleaner
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.prediction import record
from stages.core.rows import measures, results
from stages.core.rows.labels import NO_CLASS
from tests.support.tiny import tiny_encoder


@pytest.fixture
def project(with_model):
    return with_model


def metrics() -> dict:
    return json.loads(record.METRICS.read_text(encoding="utf-8"))


def pool_texts() -> list[str]:
    return artifacts.texts(paths.POOL)


def last_result() -> results.Result:
    return results.load("bucketed", "stage3", 90, 30, 2)


def refusal() -> str:
    with pytest.raises(Refused) as refused:
        gleaner.load("data/model")
    return str(refused.value)


# ---- which models


def test_without_final_models_the_last_stage_has_the_models_to_use_named_and_not_copied(project):
    about = record.load(record.FOLDER)
    assert (about.stage, about.trainer, about.classes, about.labels) == ("stage3", "probe", ["neg", "pos"], 28)
    assert list(about.members) == ["data/stage3/models/0", "data/stage3/models/1"]
    assert sorted(file.name for file in record.FOLDER.iterdir()) == ["answered.json", "model.json"]


@pytest.mark.slow
def test_final_models_come_before_those_of_the_stages(project):
    project.change({"train_final": {"arms": ["bucketed"], "trainer": "finetune"}})
    project.call("train_final", "bucketed")
    project.call("calibrate")
    about = record.load(record.FOLDER)
    assert (about.stage, about.trainer) == ("final", "finetune")
    assert list(about.members) == ["data/final/bucketed/0", "data/final/bucketed/1"]
    probabilities = gleaner.load("data/model").predict_proba(pool_texts())
    assert probabilities.shape == (90, 2)
    assert probabilities.sum(1) == pytest.approx(np.ones(90), abs=1e-5)


def test_a_single_seed_can_be_the_model(project):
    project.change({"predict": {"seed": 1, "temperature": "none"}})
    project.call("calibrate")
    about = record.load(record.FOLDER)
    assert list(about.members) == ["data/stage3/models/1"]
    assert about.rows == about.labels == 28
    expected = last_result().probabilities[1]
    assert gleaner.load().predict_proba(artifacts.texts(paths.HOLDOUT)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
def test_a_single_seed_is_calibrated_by_training_on_folds_of_its_own_rows(project, capsys):
    project.change({"predict": {"seed": 0}, "train": {"folds": 2}})
    project.call("calibrate")
    assert "from 28 labelled rows, each judged by models not trained on it" in capsys.readouterr().out


def test_where_all_seeds_learned_from_the_same_rows_folds_of_these_rows_calibrate(project, capsys):
    shared = last_result()
    results.save("bucketed", "stage3", results.Result(shared.labelled[[0, 0]], shared.bought[[0, 0]], shared.probabilities))
    project.call("calibrate")
    assert "from 28 labelled rows, each judged by models not trained on it" in capsys.readouterr().out


def test_rows_without_a_class_are_no_labels(project):
    last = last_result()
    last = replace(last, bought=np.where(np.arange(28) < 3, NO_CLASS, last.bought))
    results.save("bucketed", "stage3", last)
    project.call("calibrate")
    assert metrics()["labels_of_one"] == 25
    assert metrics()["labels"] == len(np.unique(last.labelled[last.bought >= 0]))


# ---- what is measured


def test_the_metrics_are_those_of_the_mean_on_the_holdout_and_python_predicts_the_same(project):
    probabilities, actual = last_result().probabilities, np.load(paths.HOLDOUT_LABELS)
    assert metrics()["accuracy"] == pytest.approx(measures.accuracy(probabilities.mean(0), actual), abs=1e-6)
    assert metrics()["accuracy_of_one"] == pytest.approx(
        np.mean([measures.accuracy(seed, actual) for seed in probabilities]), abs=1e-6
    )
    assert metrics()["labels"] == len(np.unique(last_result().labelled))
    model, texts = gleaner.load(), artifacts.texts(paths.HOLDOUT)
    predicted = model.predict_proba(texts)
    assert measures.accuracy(predicted, actual) == pytest.approx(metrics()["accuracy"], abs=1e-6)
    assert model.classes_.tolist() == ["neg", "pos"]
    assert model.predict(texts).tolist() == model.classes_[predicted.argmax(1)].tolist()


def test_the_temperature_softens_probabilities_and_none_leaves_them(project):
    content = json.loads((record.FOLDER / "model.json").read_text())
    before = gleaner.load().predict_proba(pool_texts())
    (record.FOLDER / "model.json").write_text(json.dumps(content | {"temperature": 3 * content["temperature"]}))
    after = gleaner.load().predict_proba(pool_texts())
    assert (after.argmax(1) == before.argmax(1)).all()
    assert (after.max(1) < before.max(1)).all()
    project.change({"predict": {"temperature": "none"}})
    project.call("calibrate")
    assert metrics()["temperature"] == 1
    assert metrics()["calibration_error"] == metrics()["calibration_error_before"]


def test_calibrate_does_not_read_the_answers_of_the_pool(project):
    paths.ANSWERS.unlink()
    before = record.METRICS.read_bytes()
    project.call("calibrate")
    assert record.METRICS.read_bytes() == before


def test_texts_below_the_threshold_stay_open(project):
    model, texts = gleaner.load(), pool_texts()
    between = float(np.median(model.predict_proba(texts).max(1)))
    project.change({"predict": {"abstain": between}})
    project.call("calibrate")
    model = gleaner.load()
    sure = model.predict_proba(texts).max(1) >= between
    assert 0 < sure.sum() < 90
    assert [label is None for label in model.predict(texts)] == (~sure).tolist()
    model.abstain = 0
    assert set(model.predict(texts)) == {"neg", "pos"}
    assert metrics()["abstain"] == pytest.approx(between, abs=1e-6)
    assert between in [row["abstain"] for row in artifacts.load_json(paths.ANSWERED)]


def test_the_report_shows_accuracy_against_the_share_answered(project):
    project.change({"random_at": [], "arms": []})
    results.save("full", "pool", last_result())
    results.save("full", "final", results.nothing(30, 2))
    project.call("report")
    summary = (project.folder / "data/summary.md").read_text(encoding="utf-8")
    assert "|   rows left open below |   share answered |   accuracy of the answered |" in summary
    first = next(line for line in summary.splitlines() if line.startswith("|                      0 |"))
    assert f"{metrics()['accuracy']:.4f}" in first


# ---- from Python


def test_a_text_gets_the_same_probabilities_alone_and_among_others(project):
    model, texts = gleaner.load(), pool_texts()
    together = model.predict_proba(texts)
    alone = np.concatenate([model.predict_proba([text]) for text in texts[:5]])
    assert alone == pytest.approx(together[:5], abs=1e-5)


def test_an_empty_or_blank_text_gets_no_class(project):
    model = gleaner.load()
    assert model.predict(["", "a good film", " \n\t"]).tolist() == [None, *model.predict(["a good film"]), None]
    probabilities = model.predict_proba(["", "a good film", " "])
    assert np.isnan(probabilities).all(1).tolist() == [True, False, True]
    assert probabilities[1].tolist() == model.predict_proba(["a good film"])[0].tolist()


def test_a_record_of_an_earlier_version_is_refused(project):
    content = json.loads((record.FOLDER / "model.json").read_text())
    del content["embed"]["lower_case"]
    (record.FOLDER / "model.json").write_text(json.dumps(content))
    assert "model.json: embed.lower_case is missing, since an earlier version wrote it; run `dvc repro`" in refusal()


def test_the_model_loads_by_an_absolute_path_from_any_folder(project, tmp_path, monkeypatch):
    expected = gleaner.load().predict_proba(["good film"])
    monkeypatch.chdir(tmp_path)
    assert gleaner.load(project.folder / "data/model").predict_proba(["good film"]).tolist() == expected.tolist()


def test_anything_but_a_list_of_texts_is_refused_and_an_empty_list_gives_nothing(project):
    model = gleaner.load()
    for given, message in (
        ("a text", "one text was given, possible: a list of texts"),
        (["a text", None], "text number 1 (counted from 0) is a NoneType, possible: str"),
        ([3.5], "text number 0 (counted from 0) is a float"),
    ):
        with pytest.raises(Refused) as refused:
            model.predict(given)
        assert message in str(refused.value)
    assert model.predict([]).tolist() == []
    assert model.predict_proba([]).shape == (0, 2)


# ---- what is refused


def test_a_missing_model_is_refused_with_what_to_do(project):
    shutil.rmtree(record.FOLDER)
    assert refusal() == (
        f"{project.folder / 'data/model/model.json'} is missing, so there is no model yet; run `dvc repro`, which ends with one"
    )


def test_there_is_no_model_while_rows_wait_for_answers(project, capsys):
    for stage in ("stage1", "stage2", "stage3"):
        result = results.load("bucketed", stage, 90, 30, 2)
        results.save("bucketed", stage, results.Result(result.labelled, result.bought, result.probabilities[:0], waits_for=3))
    project.call("calibrate")
    assert "calibrate: nothing to do, stage1 has no models" in capsys.readouterr().out
    assert metrics() == {"members": 0}
    assert "there is no model yet: stage1 has none, since rows wait for answers" in refusal()


def other_encoder() -> None:
    tiny_encoder(paths.POOL.parent.parent / "encoder", seed=7)


def other_weights() -> None:
    shutil.copy("data/stage2/models/0/model.safetensors", "data/stage3/models/0/model.safetensors")


def broken(content: str):
    return lambda: (record.FOLDER / "model.json").write_text(content)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_encoder, "data/model was made with another encoder than encoder, the present one; run `dvc repro` to train anew"),
        (other_weights, "data/stage3/models/0 has changed since data/model/model.json was written; run `dvc repro`"),
        (lambda: shutil.rmtree("data/stage3/models/1"),
         "data/stage3/models/1/classifier.json cannot be read (No such file or directory); run `dvc repro`"),
        (broken("{"), "is not a complete json file"),
        (broken("{}"), "stage = None, expected str"),
        (broken('{"temperature": 1}'), "stage = None, expected str"),
    ],
    ids=["encoder", "weights", "missing weights", "no json", "empty", "incomplete"],
)  # fmt: skip
def test_a_changed_or_broken_model_is_refused(project, change, message):
    change()
    assert message in refusal()
