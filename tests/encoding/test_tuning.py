"""Objectives against numbers worked out by hand, the search for a batch size, and the tuning of a tiny encoder."""

import importlib
import json
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sentence_transformers import SentenceTransformer

from stages.core.base.errors import Refused
from stages.core.encoding import encoder, examples, pair_tuning
from tests.support.tiny import tiny_encoder

pytestmark = pytest.mark.slow

SHORT = "[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
HOW = {"batch_rows": 4, "pairs_at_once": 4, "epochs": 2, "learning_rate": 1e-3, "warmup_share": 0.25, "dtype": "float32", "seed": 0}
PAIRS = {
    "left": ["good film", "bad plot", "dull end", "fine scene", "great music", "poor actor"],
    "right": ["great film", "good plot", "awful end", "poor scene music", "lovely music", "fine actor"],
    "label": [1.0, 0.0, 1.0, 0.0, 1.0, 0.0],
}
RELATED = PAIRS | {"label": [0, 1, 2, 0, 1, 2]}


@pytest.fixture(scope="module")
def with_dropout(tmp_path_factory) -> encoder.Encoder:
    return encoder.Encoder(str(tiny_encoder(tmp_path_factory.mktemp("with_dropout"))), 16).eval()


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> encoder.Encoder:
    """Without dropout: what is left to compare is the arithmetic."""
    folder = tiny_encoder(tmp_path_factory.mktemp("encoder"))
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return encoder.Encoder(str(folder), 16).eval()


def tune(model, pairs=PAIRS, objective=pair_tuning.cosine_loss, **how) -> pair_tuning.Tuned:
    return pair_tuning.tune(model, pairs, objective, SimpleNamespace(**HOW | how), "test")


# ---- objectives


class Vectors(torch.nn.Module):
    """An encoder that gives its ids as vectors."""

    width = 2

    def forward(self, ids, real):
        return ids.float()


def loss(objective, u, v, label, weights=None) -> float:
    module = objective(SentenceTransformer(modules=[pair_tuning.Body(Vectors())], device="cpu"))
    if weights:
        module.classifier.weight.data = torch.tensor(weights)
        module.classifier.bias.data.zero_()
    sides = [{"input_ids": torch.tensor([side]), "attention_mask": torch.ones(1, 2)} for side in (u, v)]
    return module(sides, torch.tensor([label])).item()


@pytest.mark.parametrize("label", [0, 1, 2])
def test_the_softmax_stands_on_u_v_and_their_distance(label):
    # u = (1, 2), v = (3, 1): the head sees (1, 2, 3, 1, 2, 1).
    weights = [[1.0, 1.0, 0.1, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0, 0.5], [0.0] * 6]
    logits = [1 + 2 + 0.3, 2 + 0.5, 0]
    expected = math.log(sum(math.exp(x) for x in logits)) - logits[label]
    assert loss(pair_tuning.nli_loss, [1, 2], [3, 1], label, weights) == pytest.approx(expected, abs=1e-6)


def test_the_cosine_is_held_against_the_score():
    # cos((3, 4), (4, 3)) = 24 / 25
    assert loss(pair_tuning.cosine_loss, [3, 4], [4, 3], 0.46) == pytest.approx(0.5**2, abs=1e-6)
    assert loss(pair_tuning.cosine_loss, [3, 4], [6, 8], 1.0) == pytest.approx(0, abs=1e-6)


# ---- the search for a batch size


def trial_up_to(most: int, error: Exception):
    def trial(rows: int) -> None:
        tried.append(rows)
        if rows > most:
            raise error

    tried = []
    return trial, tried


def test_sizes_are_tried_until_memory_is_short(capsys):
    trial, tried = trial_up_to(4, RuntimeError(SHORT))
    assert pair_tuning.fitting(trial, [1, 2, 4, 8, 16]) == [1, 2, 4]
    assert tried == [1, 2, 4, 8]
    assert "out of memory with 8 pairs at once" in capsys.readouterr().out


def test_nothing_is_tried_beyond_the_cap(model, monkeypatch):
    sizes = []
    monkeypatch.setattr(pair_tuning, "fitting", lambda trial, rising: sizes.extend(rising) or rising)
    assert (tune(model, pairs_at_once=8, batch_rows=12).rows_at_once, sizes) == (6, [1, 2, 3, 4, 6])


def test_an_error_that_is_not_of_memory_is_no_reason_to_try_less():
    trial, _ = trial_up_to(1, RuntimeError("shapes"))
    with pytest.raises(RuntimeError, match="shapes"):
        pair_tuning.fitting(trial, [1, 2])


def test_where_not_one_pair_fits_it_is_said_before_training(model, monkeypatch):
    monkeypatch.setattr(pair_tuning.Trainer, "train", lambda *_: pytest.fail("training began"))

    def short(*_):
        raise RuntimeError(SHORT)

    monkeypatch.setattr(encoder.Encoder, "forward", short)
    with pytest.raises(Refused, match=r"out of memory on a single pair of texts; lower embed.max_tokens"):
        tune(model)


def out_of_memory_above(rows: int, monkeypatch) -> None:
    usual = pair_tuning.Trainer.train

    def train(self):
        if self.args.per_device_train_batch_size > rows:
            raise RuntimeError(SHORT)
        return usual(self)

    monkeypatch.setattr(pair_tuning.Trainer, "train", train)


def test_where_training_itself_runs_short_it_starts_again_with_fewer(model, monkeypatch, capsys):
    out_of_memory_above(1, monkeypatch)
    tuned = tune(model)
    assert (tuned.rows_at_once, tuned.accumulation) == (1, 4)
    assert capsys.readouterr().out.count("out of memory in training; starting again with fewer pairs at once") == 2


def test_where_training_never_fits_it_is_refused(model, monkeypatch):
    out_of_memory_above(0, monkeypatch)
    with pytest.raises(Refused, match="out of memory on a single pair"):
        tune(model)


@pytest.mark.parametrize("cap", [1, 2])
def test_but_for_dropout_a_step_in_several_parts_is_the_same_step(model, cap):
    whole, parts = tune(model), tune(model, pairs_at_once=cap)
    assert (whole.rows_at_once, whole.accumulation) == (4, 1)
    assert (parts.rows_at_once, parts.accumulation) == (cap, 4 // cap)
    before = model.state_dict()
    for name, tensor in parts.encoder.state_dict().items():
        assert torch.allclose(tensor, whole.encoder.state_dict()[name], atol=1e-5), name
    moved = max((tensor - before[name]).abs().max().item() for name, tensor in whole.encoder.state_dict().items())
    assert moved > 1e-3


def test_with_dropout_a_step_in_parts_is_another_so_the_number_of_pairs_at_once_is_a_setting_of_the_stage(with_dropout):
    one, again, parts = tune(with_dropout), tune(with_dropout), tune(with_dropout, pairs_at_once=2)
    assert all(torch.equal(tensor, again.encoder.state_dict()[name]) for name, tensor in one.encoder.state_dict().items())
    assert not all(torch.equal(tensor, parts.encoder.state_dict()[name]) for name, tensor in one.encoder.state_dict().items())


# ---- tuning


def test_tuning_brings_equal_pairs_together_and_leaves_the_pretrained_encoder_as_it_was(model):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tuned = tune(model, epochs=20)
    assert pair_tuning.spearman(tuned.encoder, PAIRS) > pair_tuning.spearman(model, PAIRS)
    assert tuned.losses[-1]["loss"] < tuned.losses[0]["loss"]
    assert [point["step"] for point in tuned.losses] == list(range(1, 41))  # 6 pairs are 2 steps
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_head_over_u_v_and_their_distance_learns_at_a_rate_of_its_own(model):
    heads = []

    def objective(sentence_transformer):
        heads.append(pair_tuning.nli_loss(sentence_transformer))
        heads.append(heads[-1].classifier.weight.detach().clone())
        return heads[-2]

    tuned = tune(model, RELATED, objective, learning_rate=1e-6)
    head = (heads[-2].classifier.weight - heads[-1]).abs().max()
    body = max((new - old).abs().max() for new, old in zip(tuned.encoder.parameters(), model.parameters()))
    # Four steps, of which AdamW makes each as large as the rate, or smaller where it rises and falls.
    assert pair_tuning.HEAD_LEARNING_RATE < head < 5 * pair_tuning.HEAD_LEARNING_RATE
    assert 0 < body < 1e-5


def test_the_same_seed_gives_the_same_weights_and_torch_goes_on_as_if_nothing_had_been(model):
    torch.manual_seed(7)
    first = tune(model, RELATED, pair_tuning.nli_loss)
    drawn = torch.rand(1)
    torch.manual_seed(7)
    assert torch.rand(1) == drawn
    second = tune(model, RELATED, pair_tuning.nli_loss)
    assert first.losses == second.losses
    assert all(torch.equal(a, b) for a, b in zip(first.encoder.state_dict().values(), second.encoder.state_dict().values()))


def test_spearman_ranks_the_cosines_of_the_pairs(model):
    texts = PAIRS["left"] + PAIRS["right"]
    cosines = np.diag(examples.cosines(model, texts)[:6, 6:])
    graded = PAIRS | {"label": [5.0, 1.0, 3.0, 2.0, 4.0, 0.5]}
    assert pair_tuning.spearman(model, graded) == pytest.approx(spearmanr(cosines, graded["label"]).statistic, abs=1e-6)


def test_a_missing_package_is_named_with_the_file_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.delitem(sys.modules, "stages.core.encoding.pair_tuning")
    with pytest.raises(
        Refused, match=r"a package that is missing \(.*sentence_transformers.*\); pip install -r requirements-tune.txt"
    ):
        importlib.import_module("stages.core.encoding.pair_tuning")
