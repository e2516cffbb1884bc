"""Contrastive tuning: the loss against its formula, the rows of a batch, and vectors that move."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stages.core.encoding import contrast, encoder
from stages.core.encoding.tokens import Texts
from tests.support.tiny import tiny_encoder

TEXTS = ["good film", "bad plot", "great film", "awful plot", "lovely scene", "dull scene", "fine end", "poor end"]
TRAIN = {
    **{"contrastive_steps": 30, "epochs": 1, "batch_rows": 3, "learning_rate": 5e-3, "warmup_share": 0.1, "weight_decay": 0.01},
    **{"dtype": "float32", "freeze_word_embeddings": True},
}
WORDS = "backbone.embeddings.word_embeddings.weight"


def test_the_loss_is_that_of_the_paper_and_a_row_alone_in_its_class_is_only_told_apart():
    vectors, labels = np.random.default_rng(0).normal(size=(6, 4)), [0, 1, 0, 2, 1, 0]  # of class 2 there is one
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = np.exp(unit @ unit.T / contrast.TEMPERATURE)
    of_rows = []
    for row in (0, 1, 2, 4, 5):
        others = [other for other in range(6) if other != row]
        total = sum(likeness[row, other] for other in others)
        of_rows.append(np.mean([-np.log(likeness[row, other] / total) for other in others if labels[other] == labels[row]]))
    assert float(contrast.loss(torch.tensor(vectors), torch.tensor(labels))) == pytest.approx(np.mean(of_rows), rel=1e-9)


def test_a_batch_in_which_no_class_has_two_rows_has_no_loss_and_no_gradient():
    vectors = torch.eye(3, requires_grad=True)
    loss = contrast.loss(vectors, torch.arange(3))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not vectors.grad.any()


@pytest.mark.parametrize(
    ("counts", "size", "drawn"),
    [
        ([50, 50], 8, [4, 4]),
        ([50, 1], 8, [1, 4]),  # the small class gives what it has
        ([9] * 3, 8, [2, 2, 2]),
        ([9] * 77, 8, [2, 2, 2, 2]),  # room for four of the classes
        ([9] * 4, 2, [2, 2]),  # a pair of one class alone would have nothing to be held against
    ],
)
def test_a_batch_has_as_many_rows_of_every_class_as_fit_or_pairs(counts, size, drawn):
    by_class = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
    labels = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(400):
        rows = contrast.batch(by_class, size, rng)
        assert len(set(rows)) == len(rows)
        assert sorted(np.unique(labels[rows], return_counts=True)[1]) == drawn
        seen |= {*rows.tolist()}
    assert len(seen) > 0.95 * sum(counts)


@pytest.fixture
def body(tmp_path) -> encoder.Encoder:
    tiny_encoder(tmp_path / "tiny")
    return encoder.Encoder(str(Path(tmp_path / "tiny")), 16).eval()


def tuned(body, labels=(0, 1) * 4, seed=0, labelled=8, **changes) -> encoder.Encoder:
    inputs = Texts(TEXTS, body.tokenise)
    return contrast.tuned(body, inputs, np.array(labels), labelled, SimpleNamespace(**TRAIN | changes), seed, "test")


def apart(body: encoder.Encoder) -> float:
    """How much more alike texts of one class are than texts of two, by the mean cosine."""
    ids, real = body.tokenise(TEXTS).padded(np.arange(8), body.pad)
    with torch.inference_mode():
        unit = torch.nn.functional.normalize(body(torch.from_numpy(ids), torch.from_numpy(real)), dim=1)
    cosines, alike = unit @ unit.T, torch.arange(8)[:, None] % 2 == torch.arange(8) % 2
    return float(cosines[alike].mean() - cosines[~alike].mean())


def test_classes_move_apart_the_encoder_given_stays_and_frozen_word_vectors_too(body):
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    model = tuned(body)
    assert apart(model) > apart(body) + 0.5
    assert not model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in body.state_dict().items())
    assert torch.equal(model.state_dict()[WORDS], before[WORDS])
    assert not torch.equal(tuned(body, freeze_word_embeddings=False).state_dict()[WORDS], before[WORDS])


def test_the_seed_alone_decides_and_the_global_generator_is_left_alone(body):
    state = torch.get_rng_state()
    one, again, other = (tuned(body, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(tensor, again[name]) for name, tensor in one.items())
    assert any(not torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("labels", [[0] * 8, [*range(8)]])
def test_one_class_or_one_row_a_class_teaches_nothing(body, labels):
    model = tuned(body, labels)
    assert all(torch.equal(tensor, body.state_dict()[name]) for name, tensor in model.state_dict().items())


def test_guesses_are_half_of_each_step_and_many_labels_take_more_steps(body, monkeypatch):
    drawn, batch = [], contrast.batch
    monkeypatch.setattr(contrast, "batch", lambda part, size, rng: drawn.append((part, size)) or batch(part, size, rng))
    tuned(body, [0, 1, 0, 0, 1, 1, 0, 1], labelled=3, contrastive_steps=2, batch_rows=4)
    (known, half), (guessed, other_half) = drawn[:2]
    assert (half, other_half, len(drawn)) == (4, 4, 4)
    assert [part.tolist() for part in known] == [[0, 2], [1]]
    assert [part.tolist() for part in guessed] == [[3, 6], [4, 5, 7]]
    drawn.clear()
    tuned(body, contrastive_steps=2, batch_rows=1, epochs=3)
    assert len(drawn) == 12  # three times eight rows, two a step
