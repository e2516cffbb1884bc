"""trainer: contrastive. A model that is fitted, saved and loaded on a few texts."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from stages.core import learners
from stages.core.base import artifacts, paths
from stages.core.base.errors import Refused
from stages.core.encoding import contrast
from stages.core.encoding.tokens import Texts
from stages.core.learners import contrastive
from stages.core.learners.contrastive import TextsAndVectors
from stages.core.space import logistic
from tests.support.tiny import tiny_encoder

TEXTS = ["good film", "bad plot", "great film", "awful plot", "lovely scene", "dull scene", "fine end", "poor end"]
TRAIN = SimpleNamespace(
    trainer="contrastive", class_weight="even", contrastive_steps=8, batch_rows=4, learning_rate=1e-3, warmup_share=0.1,
    weight_decay=0.01, dtype="float32", freeze_word_embeddings=True, epochs=1, folds=2, pseudo_share=0.5, pseudo_rows=3_000,
    pseudo_weight=5,
)  # fmt: skip
EMBED = SimpleNamespace(model="tiny", max_tokens=16, pooling="mean", layers="last", dtype="float32", lower_case=False)
MACHINE = SimpleNamespace(batch_tokens=64, engine="local")


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory) -> Iterator[Path]:
    """A tiny encoder and eight texts, in the folder of this process."""
    with chdir(tmp_path_factory.mktemp("contrastive")):
        tiny_encoder(Path("tiny"))
        artifacts.save_json(paths.POINTER, {"model": "tiny"})
        artifacts.save_jsonl("texts.jsonl", ({"text": text} for text in TEXTS))
        yield Path.cwd()


def fitted(seed=0, labels=(0, 1) * 4):
    learner = learners.named(TRAIN, EMBED, MACHINE, 3)
    texts = learner.read(Path("texts.jsonl"), Path("none.npy"))
    return learner.fit(texts, np.arange(8), np.array(labels), seed, "test"), texts


@pytest.fixture(scope="module")
def made(folder):
    """(model, texts); the model is not changed."""
    return fitted()


def test_a_saved_model_predicts_the_same_and_keeps_only_what_changed(made, tmp_path):
    model, texts = made
    probabilities = model.probabilities(texts, "test")
    assert (probabilities.shape, probabilities.dtype) == ((8, 3), np.float32)
    assert probabilities.sum(1) == pytest.approx(np.ones(8), abs=1e-6)
    assert probabilities[:, 2].tolist() == [0] * 8  # a class without labels
    for name in ("a", "b"):
        model.save(tmp_path / name)
    weights = (tmp_path / "a/model.safetensors").read_bytes()
    assert weights == (tmp_path / "b/model.safetensors").read_bytes()
    assert b"word_embeddings" not in weights
    loaded = learners.load_model(tmp_path / "a", EMBED, MACHINE)
    assert type(loaded) is type(model)
    assert loaded.probabilities(texts, "test").tolist() == probabilities.tolist()


def test_a_model_of_another_encoder_is_refused(made, tmp_path, monkeypatch):
    made[0].save(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    tiny_encoder(Path("tiny"), seed=1)
    artifacts.save_json(paths.POINTER, {"model": "tiny"})
    with pytest.raises(Refused, match="was tuned from tiny, not from the tiny found here"):
        learners.load_model(tmp_path / "a", EMBED, MACHINE)


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        ("head.present", None, "lacks present; "),
        ("head.weights", torch.zeros(2, 33), "weights: expected float32 [2, 32], found float32 [2, 33]; "),
        ("head.present", torch.tensor([1, 3]), "present = [1, 3], expected rising numbers below 3; "),
        ("encoder.backbone.embeddings.LayerNorm.bias", None, "lacks encoder.backbone.embeddings.LayerNorm.bias; "),
    ],
)
def test_a_file_that_lacks_a_tensor_or_has_another_is_refused(made, tmp_path, name, tensor, said):
    made[0].save(tmp_path)
    tensors = {**load_file(tmp_path / "model.safetensors"), name: tensor}
    save_file({name: tensor for name, tensor in tensors.items() if tensor is not None}, tmp_path / "model.safetensors")
    with pytest.raises(Refused, match="run `dvc repro` to make it again, or `dvc checkout --force`") as refused:
        learners.load_model(tmp_path, EMBED, MACHINE)
    assert said in str(refused.value)


def test_the_encoder_is_tuned_and_the_same_seed_gives_the_same_model(made):
    (one, texts), (two, _), (three, _) = made, fitted(), fitted(seed=1)
    pretrained = one.pretrained.state_dict()
    assert not all(torch.equal(tensor, pretrained[name]) for name, tensor in one.body.state_dict().items())
    assert one.probabilities(texts, "").tolist() == two.probabilities(texts, "").tolist()
    assert one.probabilities(texts, "").tolist() != three.probabilities(texts, "").tolist()


def test_the_head_has_the_c_of_setfit_whatever_folds_of_rows_that_the_encoder_was_tuned_on_would_say(made):
    model, texts = made
    features, labels = model.features(texts, ""), np.array([0, 1] * 4)
    of_unit_vectors = 1 / float(np.square(features).sum(1).mean())
    plain = logistic.fitted(features, labels, 3, logistic.Choice(strength=of_unit_vectors, last=1.0), np.ones(8))
    assert model.head.weights.tolist() == plain.weights.tolist()


def test_open_rows_are_guessed_on_vectors_and_learned_from_but_for_those_that_nobody_could_name(monkeypatch):
    learner = learners.named(TRAIN, EMBED, MACHINE, 3)
    labels = np.arange(40) % 2
    vectors = np.random.default_rng(0).normal(np.where(labels[:, None], 3, -3), 1, (40, 4)).astype(np.float32)
    pool = TextsAndVectors(Texts(TEXTS * 5, learner.pretrained.tokenise), lambda: vectors)
    labelled, closed = np.array([8, 1, 30, 5]), np.array([2, 3])
    guessed, rows = learner.guessed(pool, labelled, labels[labelled], 0, "", closed)
    assert guessed.tolist() == labels[rows].tolist()
    assert len(rows) == len(set(rows)) == 16  # of each class the surest half of its 17 open rows
    assert not {*labelled.tolist(), *closed.tolist()} & set(rows.tolist())
    given = []
    tuned = contrast.tuned
    monkeypatch.setattr(contrast, "tuned", lambda *some: given.append(some) or tuned(*some))
    learner.fit(pool, labelled, labels[labelled], 0, "", None, closed)
    [(_, inputs, classes, known, *_)] = given
    assert inputs.texts.tolist() == [(TEXTS * 5)[row] for row in (*labelled, *rows)]
    assert (classes.tolist(), known) == ([*labels[labelled], *guessed], 4)
    monkeypatch.setattr(contrastive, "GUESSES", 9)
    few, _ = learner.guessed(pool, labelled, labels[labelled], 0, "", closed)
    assert np.bincount(few).tolist() == [3, 3]  # a third for each of three classes
    again, _ = learner.guessed(pool, np.arange(40), labels, 0, "", ())  # nothing is open
    assert len(again) == 0


def test_the_guesses_of_a_class_weigh_as_much_as_one_of_its_labelled_rows_together():
    labels, guessed = np.array([0, 0, 0, 0, 0, 1]), np.array([1, 1, 2, 2, 2, 2])
    plain, even = (contrastive.weights_of(labels, guessed, weight) for weight in ("none", "even"))
    assert plain == pytest.approx([6 / 8] * 6 + [3 / 8] * 2 + [3 / 16] * 4)
    assert np.bincount(np.concatenate([labels, guessed]), even) == pytest.approx([2, 2, 2])
    assert even[6] + even[7] == pytest.approx(even[5])
