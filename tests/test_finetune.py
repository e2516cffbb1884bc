"""Fine-tuning a tiny BERT: epochs told, early stopping on rows held back, and going on from another model."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stages.core import artifacts, finetune, labels, results, training
from stages.core.errors import Refused
from stages.core.finetune import FineTune
from stages.core.labels import Labels
from tests.tiny import tiny_encoder

TEXTS = [f"{word} film {end}" for word in ("good", "bad", "great", "poor") for end in ("plot", "actor", "scene", "music", "end")]
LABELS = np.repeat([0, 1, 0, 1], 5)
OFF = SimpleNamespace(patience=0, holdout_share=0.25)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The encoder named tiny, in a folder with a pointer to it, and this process there."""
    monkeypatch.chdir(tmp_path)
    tiny_encoder(tmp_path / "tiny")
    artifacts.save_json(artifacts.POINTER, {"model": "tiny"})


def learner(**changes) -> FineTune:
    train = {
        **{"epochs": 3, "min_steps": 0, "batch_rows": 5, "learning_rate": 1e-3, "weight_decay": 0.01, "warmup_share": 0.1},
        **{"dtype": "float32", "freeze_word_embeddings": True, "early_stopping": OFF},
    }
    embed = SimpleNamespace(model="tiny", pooling="mean", max_tokens=16, dtype="float32", batch_tokens=64)
    return FineTune(SimpleNamespace(**train | changes), embed, 2)


def fit(trainer: FineTune, values=LABELS, start=None, seed=0):
    return trainer.fit(trainer.pretrained.tokenise(TEXTS), values, seed, "test", start)


def said(model) -> np.ndarray:
    return model.probabilities(model.pretrained.tokenise(TEXTS), "test")


def stopping(patience: int, share: float = 0.25) -> SimpleNamespace:
    return SimpleNamespace(patience=patience, holdout_share=share)


def test_every_epoch_is_told_and_the_loss_falls():
    history = fit(learner(epochs=6)).history
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["loss"] < history[0]["loss"]
    assert set(history[0]) == {"epoch", "loss"}


def test_steps_are_filled_up_with_epochs():
    assert len(fit(learner(epochs=1, min_steps=9)).history) == 3  # 4 steps an epoch


def test_rows_held_back_are_a_share_drawn_by_seed_and_no_others_are_trained_on():
    rows, held = finetune._held_back(20, stopping(1), np.random.default_rng(0))
    assert (len(rows), len(held)) == (15, 5)
    assert sorted([*rows, *held]) == [*range(20)]
    # After one epoch there is nothing to choose from: the labels of rows held back change the measure and nothing else.
    trainer = learner(epochs=1, early_stopping=stopping(1))
    flipped = LABELS.copy()
    flipped[held] = 1 - flipped[held]
    one, other = fit(trainer), fit(trainer, flipped)
    np.testing.assert_array_equal(said(one), said(other))
    assert one.history[0]["held_back_loss"] != other.history[0]["held_back_loss"]


def test_the_best_epoch_on_rows_held_back_is_what_stays():
    _, held = finetune._held_back(20, stopping(99), np.random.default_rng(0))
    flipped = LABELS.copy()
    flipped[held] = 1 - flipped[held]  # the better it learns the rest, the worse it does on these
    model = fit(learner(epochs=8, early_stopping=stopping(99)), flipped)
    losses = [epoch["held_back_loss"] for epoch in model.history]
    assert len(losses) == 8
    assert np.argmin(losses) < 7
    kept = model.on_held_back(model.pretrained.tokenise([TEXTS[row] for row in held]), flipped[held])
    assert kept["held_back_loss"] == pytest.approx(min(losses), abs=1e-5)


def test_training_stops_after_so_many_epochs_without_a_better_one():
    still = learner(epochs=50, learning_rate=1e-12, early_stopping=stopping(3))
    assert len(fit(still).history) <= 8  # rounding alone makes an epoch better here and there


@pytest.mark.parametrize("share", [0.02, 0.98])
def test_too_few_rows_to_hold_any_back_are_refused_before_training(monkeypatch, share):
    monkeypatch.setattr(torch.optim, "AdamW", lambda *_, **__: pytest.fail("training began"))
    with pytest.raises(Refused, match=r"train\.early_stopping\.holdout_share = .*: of 20 labelled rows that is (0|20), and both"):
        fit(learner(early_stopping=stopping(1, share)))


def test_training_goes_on_from_the_weights_of_another_model():
    before = fit(learner(epochs=30, learning_rate=1e-2))
    after = fit(learner(epochs=1, learning_rate=1e-12), start=before)
    np.testing.assert_allclose(said(after), said(before), atol=1e-5)
    assert abs(said(fit(learner(epochs=1, learning_rate=1e-12))) - said(before)).max() > 0.1


@pytest.mark.parametrize("warm", [True, False])
def test_a_warm_start_goes_through_the_stages_before(monkeypatch, warm):
    asked = []

    class Bench:
        def __init__(self, params):
            pass

        def fit(self, rows, paid, seed, title, before):
            asked.append((rows.tolist(), before and before.name))
            return SimpleNamespace(name=f"model of {len(rows)}", history=lambda seed: [])

        def on_holdout(self, fitted, labelled):
            return np.zeros((1, 2), np.float32)

    monkeypatch.setattr(training, "Bench", Bench)
    monkeypatch.setattr(labels, "paid_for", lambda rows: Labels(LABELS, rows))
    monkeypatch.setattr(results, "save", lambda *_: None)
    params = SimpleNamespace(seeds=[0], train=SimpleNamespace(warm_start=warm))
    budget = {"path": [1, 3, 4], "sufficient_since": None}
    training.fit_and_try("random", "stage3", np.array([[7, 8, 9, 10]]), params, budget)
    way = [([7], None), ([7, 8, 9], "model of 1"), ([7, 8, 9, 10], "model of 3")]
    assert asked == (way if warm else [([7, 8, 9, 10], None)])
