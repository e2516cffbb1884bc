"""The model as a folder: it predicts what the project predicts, on a machine without the project."""

import dataclasses
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import huggingface_hub
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import gleaner
from stages.commands import model as command
from stages.core import learners
from stages.core.base import artifacts, params, paths
from stages.core.base.errors import Refused
from stages.core.encoding.encoder import dtype_of
from stages.core.prediction import record
from stages.core.prediction.ensemble import Ensemble
from stages.core.reporting.sureness import wilson
from stages.core.rows import labels
from stages.core.takeaway import card, folder, student
from tests.support.project import InProcess

pytestmark = pytest.mark.slow

TEXTS = ["a good film", "Dull, dull, dull", "", "great scene " * 20]


@pytest.fixture
def project(with_model) -> InProcess:
    return with_model


def script_of(folder: Path) -> ModuleType:
    """The folder's predict.py, imported into this process."""
    spec = importlib.util.spec_from_file_location("predict", folder / "predict.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def near(float32: float) -> float:
    """How far the folder, which computes in float32, may be from a project that embeds in bfloat16 where the processor can."""
    return float32 if dtype_of("auto") == torch.float32 else 0.03


def changed_json(file: Path, **changes) -> dict:
    """Change values in a json file; gives what it held before."""
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | changes))
    return content


def fitted(trainer: str, pooling: str, lower_case: bool = False) -> Ensemble:
    """Two models that each learned from eight rows, with the record of the project but for the temperature."""
    settings = params.read("train", "embed")
    embed = settings.embed.changed(pooling=pooling, dtype="float32", lower_case=lower_case)
    learner = learners.named(
        settings.train.changed(trainer=trainer, contrastive_steps=4), embed, params.machine(), len(labels.classes())
    )
    rows, answers = learner.read(paths.POOL, paths.EMBEDDINGS), labels.answers()
    members = [
        learner.fit(rows, picked, answers[picked], seed, "fit", None)
        for seed, picked in enumerate([np.arange(8), np.arange(8, 16)])
    ]
    about = replace(record.load(record.FOLDER), temperature=1.7)
    return Ensemble(members, about, embed, params.machine())


@pytest.mark.parametrize(
    ("trainer", "pooling", "encoders"),
    [
        ("probe", "mean", ["encoder"]),
        ("probe", "max", ["encoder"]),
        ("finetune", "mean", ["0", "1"]),
        ("finetune", "cls", ["0", "1"]),
        ("contrastive", "mean", ["0", "1"]),
    ],
)
def test_the_folder_predicts_what_the_project_predicts(project, trainer, encoders, pooling, tmp_path):
    models = fitted(trainer, pooling)
    expected = models.probabilities(TEXTS)
    folder.write(tmp_path / "taken", models, "a card")
    assert json.loads((tmp_path / "taken/about.json").read_text())["encoders"] == encoders
    script = script_of(tmp_path / "taken")
    assert script.CLASSES == ["neg", "pos"]
    assert np.array(script.predict_proba(TEXTS)) == pytest.approx(expected, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("lower_case", [False, True])
def test_the_tokenizer_that_is_taken_away_lower_cases_if_the_projects_does(project, lower_case, tmp_path):
    models = fitted("probe", "mean", lower_case)
    folder.write(tmp_path / "taken", models, "a card")
    for predict in (script_of(tmp_path / "taken").predict_proba, models.probabilities):
        one, two = predict(["A GOOD Film", "a good film"])
        assert (list(one) == list(two)) == lower_case


def test_vectors_of_several_layers_are_of_length_one_and_stand_side_by_side(project, tmp_path):
    command.main(str(tmp_path / "taken"))
    changed_json(tmp_path / "taken/about.json", layers=[1, 2], temperature=1)
    weights = np.random.default_rng(0).normal(size=(2, 64)).astype(np.float32)
    biases = np.zeros((1, 1, 2), np.float32)
    save_file({"weights": weights[None, None], "biases": biases}, tmp_path / "taken/heads.safetensors")
    script = script_of(tmp_path / "taken")
    with torch.inference_mode():
        ids = torch.tensor([script.TOKENIZER.encode("a good film").ids])
        states = script.ENCODERS[0](input_ids=ids, output_hidden_states=True).hidden_states
    parts = [states[layer][0].mean(0).numpy() for layer in (1, 2)]
    vector = np.concatenate([part / np.linalg.norm(part) for part in parts]).astype(np.float16)
    odds = np.exp(weights @ vector.astype(np.float32))
    assert script.predict_proba(["a good film"])[0] == pytest.approx(odds / odds.sum(), abs=1e-5)


def test_a_class_without_labelled_rows_gets_no_probability(project, tmp_path):
    for file in Path("data/stage3/models").glob("*/classifier.json"):
        changed_json(file, classes=3)
    about = record.FOLDER / "model.json"
    members = {name: learners.fingerprint(Path(name)) for name in json.loads(about.read_text())["members"]}
    changed_json(about, classes=["neg", "pos", "mixed"], members=members)
    command.main(str(tmp_path / "taken"))
    for probabilities in (script_of(tmp_path / "taken").predict_proba(TEXTS), gleaner.load().predict_proba(TEXTS)):
        filled = np.array(probabilities)[[0, 1, 3]]
        assert filled[:, 2].tolist() == [0] * 3
        assert filled.sum(1) == pytest.approx(np.ones(3), abs=1e-5)


def test_the_script_runs_in_a_python_without_this_project(project, tmp_path):
    command.main(str(tmp_path / "taken"))
    code = (
        "import importlib.util, runpy, sys; assert importlib.util.find_spec('stages') is None; "
        "runpy.run_path('taken/predict.py', run_name='__main__')"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [sys.executable, "-I", "-c", code, *TEXTS[:2], " "]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    model = gleaner.load()
    *lines, blank = [line.split("\t") for line in done.stdout.splitlines()]
    assert blank == ["left open", "nan", " "]
    assert [(label, text) for label, _, text in lines] == list(zip(model.predict(TEXTS[:2]), TEXTS[:2]))
    assert [float(p) for _, p, _ in lines] == pytest.approx(model.predict_proba(TEXTS[:2]).max(1), abs=near(2e-4))


# ---- a student without an encoder


def test_a_student_learns_what_the_model_says_and_its_folder_needs_numpy_alone(project, tmp_path):
    command.main(str(tmp_path / "taken"), static="1")
    assert sorted(file.name for file in (tmp_path / "taken").iterdir()) == [
        "README.md", "about.json", "idf.npy", "predict.py", "weights.npy",
    ]  # fmt: skip
    code = (
        "import json, sys; sys.path.insert(0, 'taken'); import predict;"
        "print(json.dumps(predict.predict_proba(json.loads(sys.argv[1]))));"
        "assert not {'torch', 'sklearn', 'transformers', 'stages'} & {name.partition('.')[0] for name in sys.modules}"
    )
    words = [sys.executable, "-I", "-c", code, json.dumps(TEXTS)]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    pool = artifacts.texts(paths.POOL)
    teacher = gleaner.load().predict_proba(pool)
    made = student.taught(pool, teacher)
    filled = [text for text in TEXTS if text]
    expected = np.insert(made.probabilities(filled), 2, np.nan, axis=0)  # of the blank text
    assert np.array(json.loads(done.stdout)) == pytest.approx(expected, abs=1e-4, nan_ok=True)
    sure = teacher.max(1) > np.median(teacher.max(1))
    assert (made.probabilities(pool).argmax(1) == teacher.argmax(1))[sure].mean() > 0.9
    read = (tmp_path / "taken/README.md").read_text()
    measured = artifacts.load_json(record.METRICS)
    assert "pip install numpy\n" in read
    assert f"as it learned from what the full model (accuracy {measured['accuracy']:.4f}) says of the pool." in read
    right = (made.probabilities(artifacts.texts(paths.HOLDOUT)).argmax(1) == labels.holdout()).mean()
    assert f"- Accuracy {right:.4f} (95%" in read


def test_classes_that_no_text_has_stay_impossible_and_one_class_alone_is_refused():
    texts = ["a good film", "a good scene", "a dull film", "a dull scene"]
    said = np.array([[0.9, 0, 0.1], [0.8, 0, 0.2], [0.1, 0, 0.9], [0.2, 0, 0.8]])
    made = student.taught(texts, said)
    assert made.probabilities(texts).argmax(1).tolist() == [0, 0, 2, 2]
    assert made.probabilities(["good", "xyz"])[:, 1].tolist() == [0, 0]
    with pytest.raises(Refused, match=r"STATIC = 1: the model gives every text of the pool one class"):
        student.taught(texts, np.tile([0, 1.0, 0], (4, 1)))
    with pytest.raises(Refused, match=r"STATIC = 1: no word occurs in two texts of the pool"):
        student.taught(["alpha", "beta", "gamma", "delta"], said)


# ---- the card


def test_a_hub_can_read_the_card_with_labels_accuracy_and_settings_and_no_private_path(project, monkeypatch):
    project.change({"prepare": {"dataset": "/home/somebody/secret/reviews.csv"}})
    monkeypatch.setattr(command, "commit", lambda: "0123abc")
    command.main("taken")
    measured = artifacts.load_json(record.METRICS)
    read = huggingface_hub.ModelCard.load("taken/README.md")
    assert read.data.pipeline_tag == "text-classification"
    values = {result.metric_type: result.metric_value for result in read.data.eval_results}
    assert values == {"accuracy": measured["accuracy"], "f1": measured["macro_f1"]}
    low, high = wilson(measured["accuracy"], 30)
    for text in (
        f"Labels spent: {measured['labels']}, out of a pool of 90 rows. Each of the 2 models learned from 28 of them.",
        f"Accuracy {measured['accuracy']:.4f} (95% interval {low:.4f} to {high:.4f}, of 30 held-out rows)",
        "Commit 0123abc; python 3.",
        "pick: random",
        "reviews.csv",
    ):
        assert text in read.text
    assert "somebody" not in read.text
    assert not {"base_model", "datasets"} & read.data.to_dict().keys()  # local names are none of the hub's
    assert card._of_hub("google-bert/bert-base-uncased")
    assert not card._of_hub("a/b/c.csv")


def card_with_holdout(project: InProcess, answers: np.ndarray) -> huggingface_hub.ModelCard:
    """The card if the holdout has these labels, -1 where nobody has answered yet."""
    np.save(paths.HOLDOUT_LABELS, answers)
    project.call("calibrate")
    command.main("taken")
    return huggingface_hub.ModelCard.load("taken/README.md")


def test_with_an_unlabelled_holdout_the_card_says_that_nothing_was_measured(project):
    read = card_with_holdout(project, np.full(30, -1))
    assert "- Accuracy: not measured, since no row was held out and labelled. The probability is the mean of 2 models." in read.text
    assert "- Calibration: not measured; the temperature is" in read.text
    assert "share answered" not in read.text
    assert not {"metrics", "model-index"} & read.data.to_dict().keys()
    expected = pytest.approx(gleaner.load().predict_proba(TEXTS), abs=near(1e-5), nan_ok=True)
    assert np.array(script_of(Path("taken")).predict_proba(TEXTS)) == expected


def test_the_card_of_a_model_of_names_alone_says_that_no_label_was_spent(project):
    about = dataclasses.replace(record.load(record.FOLDER), labels=0)
    facts = card.Facts(about, {"members": 1}, [], 90, {}, "", {})
    assert card._labels(facts) == "- Labels spent: none. It knows what the classes are called, and the pool of 90 rows."


def test_open_rows_of_the_holdout_do_not_count_in_the_interval(project):
    answers = np.load(paths.HOLDOUT_LABELS)
    answers[:13] = -1
    read = card_with_holdout(project, answers)
    low, high = wilson(artifacts.load_json(record.METRICS)["accuracy"], 17)
    assert f"(95% interval {low:.4f} to {high:.4f}, of 17 held-out rows)" in read.text


# ---- the folder on disk, and on a hub


def test_the_folder_is_written_anew_and_a_folder_of_anything_else_stays(project):
    command.main("taken")
    Path("taken/more.txt").write_text("of before")
    command.main("taken")
    assert sorted(file.name for file in Path("taken").iterdir()) == [
        "README.md", "about.json", "encoder", "heads.safetensors", "predict.py", "tokenizer.json",
    ]  # fmt: skip
    Path("mine").mkdir()
    Path("mine/thesis.doc").write_text("all of it")
    with pytest.raises(
        Refused, match="mine is there already and is not a folder that `make model` wrote; give another name by OUT="
    ):
        command.main("mine")
    assert Path("mine/thesis.doc").read_text() == "all of it"


def test_a_failed_write_leaves_the_old_folder(project, monkeypatch):
    command.main("taken")
    before = load_file("taken/heads.safetensors")

    def full(*words):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(Refused, match=r"taken cannot be written: .*No space left on device; mend that and run the same again"):
        command.main("taken")
    assert load_file("taken/heads.safetensors").keys() == before.keys()
    assert sorted(file.name for file in Path().glob(".taken*")) == []


def test_where_the_new_folder_cannot_take_its_place_the_old_one_is_put_back(project, monkeypatch):
    command.main("taken")
    Path("taken/mine.txt").write_text("kept")
    rename = Path.rename

    def failing(self, target):
        if self.name.endswith(".part"):
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(Refused, match=r"taken cannot be written: .*Device or resource busy; mend that and run the same again"):
        command.main("taken")
    assert Path("taken/mine.txt").read_text() == "kept"
    assert list(Path().glob(".taken*")) == []


@pytest.mark.parametrize("name", ["nobody", "a/b/c", "a b/c", "https://x/y"])
def test_a_name_that_a_hub_cannot_have_is_refused_at_once(tmp_path, name):
    with pytest.raises(Refused, match=r"PUSH = .*: not a name on the hub; possible: user/name"):
        command.main(str(tmp_path / "taken"), name)
    assert not (tmp_path / "taken").exists()


def test_without_a_network_the_folder_is_complete_and_the_push_is_refused(project, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(Refused) as refused:
        command.main("taken", "somebody/reviews")
    message = str(refused.value)
    assert message.startswith("PUSH = somebody/reviews: not uploaded (Connect")
    assert message.endswith("taken is complete: check network and name, log in with `hf auth login`, and run the same again")
    assert Path("taken/predict.py").exists()


def test_a_project_without_git_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.commit() == "unknown"
