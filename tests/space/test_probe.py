"""trainer: probe. Models on disk, and broken ones that are refused."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from stages.core import learners
from stages.core.base.errors import Refused
from stages.core.learners.probe import Learner
from tests.space.test_logistic import ELSEWHERE, THREE, TWO, clouds

EMBED = SimpleNamespace(model="tiny", layers="last")


def fit(pool, labels, classes=3):
    """A probe of all rows of the pool."""
    learner = Learner(SimpleNamespace(folds=5, class_weight="none"), EMBED, None, classes)
    return learner.fit(pool, np.arange(len(pool)), labels, seed=0, title="")


def load(folder):
    return learners.load_model(folder, EMBED, None)


@pytest.mark.parametrize("labels", [TWO * 2, THREE], ids=["two classes", "three classes"])
def test_a_saved_model_predicts_the_same_and_the_same_rows_give_the_same_file(tmp_path, labels):
    models = [fit(clouds(labels, distance=1), labels) for _ in "ab"]
    for name, model in zip("ab", models):
        model.save(tmp_path / "new" / name)
    assert load(tmp_path / "new/a").probabilities(ELSEWHERE, "").tolist() == models[0].probabilities(ELSEWHERE, "").tolist()
    assert len({(tmp_path / f"new/{name}/model.safetensors").read_bytes() for name in "ab"}) == 1


@pytest.fixture(scope="module")
def two_of_three():
    """A model of classes 0 and 2 of 3."""
    return fit(clouds(TWO * 2, distance=1), TWO * 2)


@pytest.fixture
def saved(two_of_three, tmp_path):
    two_of_three.save(tmp_path)
    return tmp_path


def refusal(folder) -> str:
    """The message of load_model, which must name both commands that mend the folder."""
    with pytest.raises(Refused, match="run `dvc repro` to make it again, or `dvc checkout --force`") as refused:
        load(folder)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("bias", None, "model.safetensors lacks bias; "),
        ("present", None, "model.safetensors lacks present; "),
        ("scale", np.zeros(2, np.float32), "model.safetensors should not hold scale; "),
        ("weights", np.zeros((2, 5), np.float32), "weights: expected float32 [2, 4], found float32 [2, 5]; "),
        ("weights", np.zeros((3, 4), np.float32), "weights: expected float32 [2, 4], found float32 [3, 4]; "),
        ("bias", np.zeros(2, np.float64), "bias: expected float32 [2], found float64 [2]; "),
        ("present", np.array([0, 3]), "present = [0, 3], expected rising numbers below 3; "),
        ("present", np.array([-1, 1]), "present = [-1, 1], expected rising numbers below 3; "),
        ("present", np.array([1, 1]), "present = [1, 1], expected rising numbers below 3; "),
    ],
)
def test_a_file_with_other_tensors_is_refused(saved, name, tensor, said):
    tensors = {**load_file(saved / "model.safetensors"), name: tensor}
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, saved / "model.safetensors")
    assert said in refusal(saved)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"trainer": "probes"},
            "trainer = probes: no such learner; possible: contrastive, finetune, probe, self_training; did you mean probe?; ",
        ),
        ({"trainer": None}, "trainer = None, expected str; "),
        ({"classes": None}, "classes = None, expected int; "),
        ({"classes": True}, "classes = True, expected int; "),
        ({"model": 3}, "model = 3, expected str; "),
        ({"width": "4"}, "width = '4', expected int; "),
    ],
)
def test_a_broken_classifier_json_is_refused(saved, changes, said):
    file = saved / "classifier.json"
    about = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in about.items() if value is not None}))
    assert f"classifier.json: {said}" in refusal(saved)


def test_a_classifier_json_that_is_no_object_is_refused(saved):
    (saved / "classifier.json").write_text("[]")
    assert "classifier.json: trainer = None, expected str; " in refusal(saved)
