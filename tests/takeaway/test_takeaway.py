"""The model as a folder: it says what the project says, where nothing of the project is."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import huggingface_hub
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import gleaner
from stages.commands import model as command
from stages.core.base.errors import Refused
from stages.core.reporting.sureness import wilson
from stages.core.takeaway import card
from tests.support.project import InProcess

pytestmark = pytest.mark.slow

TEXTS = ["a good film", "Dull, dull, dull", "", "great scene " * 20]


def with_a_model(project: InProcess, trainer: str) -> None:
    project.change({"rounds": {}, "stages": ["stage1"], "random_at": [], "train": {"trainer": "probe", "most_pairs": 8}})
    project.change({"train_final": {"trainer": trainer, "arms": ["bucketed"]}})
    project.label_in_stages()
    project.call("train_final", "bucketed")
    project.call("calibrate")


@pytest.fixture(scope="module")
def made(clustered, tmp_path_factory) -> InProcess:
    """A tiny project whose final models are the probe's, two of them."""
    with pytest.MonkeyPatch.context() as patch:
        project = clustered.entered(tmp_path_factory.mktemp("made") / "a projéct", patch)
        with_a_model(project, "probe")
    return project


@pytest.fixture
def project(made, tmp_path, monkeypatch) -> InProcess:
    """A copy of `made`, in which this process is."""
    return made.entered(tmp_path / "a projéct", monkeypatch)


def alone(folder: Path) -> ModuleType:
    """The folder's predict.py, imported into this process."""
    spec = importlib.util.spec_from_file_location("predict", folder / "predict.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
def test_a_folder_gives_the_probabilities_that_the_project_gives(in_process, trainer, encoders, pooling, tmp_path):
    in_process.change({"embed": {"pooling": pooling, "dtype": "float32"}})
    if pooling != "mean":
        in_process.call("embed")
    with_a_model(in_process, trainer)
    content = json.loads(Path("data/model/model.json").read_text())
    Path("data/model/model.json").write_text(json.dumps(content | {"temperature": 1.7}))
    command.main(str(tmp_path / "taken"))
    assert json.loads((tmp_path / "taken/about.json").read_text())["encoders"] == encoders
    script = alone(tmp_path / "taken")
    assert script.CLASSES == ["neg", "pos"]
    assert np.array(script.predict_proba(TEXTS)) == pytest.approx(gleaner.load().predict_proba(TEXTS), abs=1e-5)


def test_vectors_of_several_layers_stand_side_by_side_each_of_length_one(project, tmp_path):
    command.main(str(tmp_path / "taken"))
    about, rng = json.loads((tmp_path / "taken/about.json").read_text()), np.random.default_rng(0)
    (tmp_path / "taken/about.json").write_text(json.dumps(about | {"layers": [1, 2], "temperature": 1}))
    weights = rng.normal(size=(2, 64)).astype(np.float32)
    biases = np.zeros((1, 1, 2), np.float32)
    save_file({"weights": weights[None, None], "biases": biases}, tmp_path / "taken/heads.safetensors")
    script = alone(tmp_path / "taken")
    with torch.inference_mode():
        ids = torch.tensor([script.TOKENIZER.encode("a good film").ids])
        states = script.ENCODERS[0](input_ids=ids, output_hidden_states=True).hidden_states
    parts = [states[layer][0].mean(0).numpy() for layer in (1, 2)]
    kept = np.concatenate([part / np.linalg.norm(part) for part in parts]).astype(np.float16)
    odds = np.exp(weights @ kept.astype(np.float32))
    assert script.predict_proba(["a good film"])[0] == pytest.approx(odds / odds.sum(), abs=1e-5)


def test_a_class_that_no_row_had_gets_no_probability(project, tmp_path):
    for file in (*Path("data/final/bucketed").glob("*/classifier.json"), Path("data/model/model.json")):
        content = json.loads(file.read_text())
        more = {"classes": [*content["classes"], "mixed"]} if file.name == "model.json" else {"classes": 3}
        file.write_text(json.dumps(content | more))
    content = json.loads(Path("data/model/model.json").read_text())
    from stages.core.prediction import record

    content["members"] = {folder: record.fingerprint(Path(folder)) for folder in content["members"]}
    Path("data/model/model.json").write_text(json.dumps(content))
    command.main(str(tmp_path / "taken"))
    for probabilities in (alone(tmp_path / "taken").predict_proba(TEXTS), gleaner.load().predict_proba(TEXTS)):
        assert np.array(probabilities)[:, 2].tolist() == [0] * 4
        assert np.array(probabilities).sum(1) == pytest.approx(np.ones(4), abs=1e-5)


@pytest.mark.slow
def test_it_runs_in_a_python_that_knows_nothing_of_this_project(project, tmp_path):
    command.main(str(tmp_path / "taken"))
    away = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    isolated = [sys.executable, "-I"]
    there = subprocess.run([*isolated, "-c", "import stages"], cwd=tmp_path, env=away, capture_output=True, text=True)
    assert "No module named 'stages'" in there.stderr
    done = subprocess.run(
        [*isolated, "taken/predict.py", *TEXTS[:2]], cwd=tmp_path, env=away, capture_output=True, text=True, check=True
    )
    model = gleaner.load()
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [(label, text) for label, _, text in lines] == list(zip(model.predict(TEXTS[:2]), TEXTS[:2]))
    assert [float(p) for _, p, _ in lines] == pytest.approx(model.predict_proba(TEXTS[:2]).max(1), abs=2e-4)


def test_the_card_is_one_that_a_hub_reads_and_tells_labels_accuracy_and_how_it_was_made(project, monkeypatch):
    project.change({"prepare": {"dataset": "/home/somebody/secret/reviews.csv"}})
    monkeypatch.setattr(command, "commit", lambda: "0123abc")
    command.main("taken")
    measured = json.loads(Path("data/model.json").read_text())
    said = huggingface_hub.ModelCard.load("taken/README.md")
    assert said.data.pipeline_tag == "text-classification"
    values = {result.metric_type: result.metric_value for result in said.data.eval_results}
    assert values == {"accuracy": measured["accuracy"], "f1": measured["macro_f1"]}
    assert (
        f"Labels spent: 12 for each of 2 models, {measured['labels_in_all']} different rows in all, out of a pool of 90"
        in said.text
    )
    low, high = wilson(measured["accuracy"], 30)
    assert f"Accuracy {measured['accuracy']:.4f} (95% interval {low:.4f} to {high:.4f}, of 30 held-out rows)" in said.text
    assert "Commit 0123abc; python 3." in said.text
    assert "pick: random" in said.text
    assert "reviews.csv" in said.text
    assert "somebody" not in said.text


def of_a_holdout(answers: np.ndarray) -> huggingface_hub.ModelCard:
    """The card where the holdout has these labels, -1 where nobody has answered yet."""
    np.save("data/holdout_labels.npy", answers)
    import_module("stages.calibrate").main()
    command.main("taken")
    return huggingface_hub.ModelCard.load("taken/README.md")


def test_of_a_holdout_that_nobody_labelled_the_card_says_that_nothing_was_measured(project):
    said = of_a_holdout(np.full(30, -1))
    assert "- Accuracy: not measured, since no row was held out and labelled. The probability is the mean of 2 models." in said.text
    assert "- Calibration: not measured; the temperature is 1." in said.text
    assert "share answered" not in said.text
    assert not {"metrics", "model-index"} & said.data.to_dict().keys()
    assert np.array(alone(Path("taken")).predict_proba(TEXTS)) == pytest.approx(gleaner.load().predict_proba(TEXTS), abs=1e-5)


def test_open_rows_of_a_holdout_are_not_counted_among_those_it_was_measured_on(project):
    answers = np.load("data/holdout_labels.npy")
    answers[:13] = -1
    said = of_a_holdout(answers)
    measured = json.loads(Path("data/model.json").read_text())
    low, high = wilson(measured["accuracy"], 17)
    assert f"(95% interval {low:.4f} to {high:.4f}, of 17 held-out rows)" in said.text


def test_the_interval_is_wilsons():
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    low, high = wilson(1, 30)
    assert (round(low, 3), high) == (0.886, 1)


def test_only_names_that_a_hub_could_have_are_told_to_it(project):
    command.main("taken")
    data = huggingface_hub.ModelCard.load("taken/README.md").data.to_dict()
    assert not {"base_model", "datasets"} & data.keys()
    assert card._of_hub("google-bert/bert-base-uncased")
    assert not card._of_hub("a/b/c.csv")


def test_a_folder_is_made_anew_and_what_is_none_is_left_alone(project):
    command.main("taken")
    Path("taken/more.txt").write_text("of before")
    command.main("taken")
    assert not Path("taken/more.txt").exists()
    assert sorted(file.name for file in Path("taken").iterdir()) == [
        "README.md", "about.json", "encoder", "heads.safetensors", "predict.py", "tokenizer.json",
    ]  # fmt: skip
    Path("mine").mkdir()
    Path("mine/thesis.doc").write_text("all of it")
    with pytest.raises(Refused, match="mine is there and is no model that was taken away; give another name by OUT="):
        command.main("mine")
    assert Path("mine/thesis.doc").read_text() == "all of it"


def test_what_cannot_be_written_leaves_the_folder_of_before(project, monkeypatch):
    command.main("taken")
    before = load_file("taken/heads.safetensors")

    def full(*words):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(Refused, match=r"taken cannot be written: .*No space left on device; mend that and run the same again"):
        command.main("taken")
    assert load_file("taken/heads.safetensors").keys() == before.keys()
    assert sorted(file.name for file in Path().glob(".taken*")) == []


@pytest.mark.parametrize("name", ["nobody", "a/b/c", "a b/c", "https://x/y"])
def test_a_name_that_no_hub_has_is_refused_before_anything_is_made(project, name):
    with pytest.raises(Refused, match=r"PUSH = .*: no name that a hub could have; possible: user/name"):
        command.main("taken", name)
    assert not Path("taken").exists()


def test_without_a_network_the_folder_is_whole_and_the_push_is_refused(project, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(Refused) as refused:
        command.main("taken", "somebody/reviews")
    said = str(refused.value)
    assert said.startswith("PUSH = somebody/reviews: not on the hub (Connect")
    assert said.endswith("taken is whole: check the network and the name, log in by `hf auth login`, and run the same again")
    assert Path("taken/predict.py").exists()


def test_a_project_without_git_has_no_commit(project):
    assert command.commit() == "unknown"
