"""Dropout masks from a generator of their own."""

import numpy as np
import pytest
import torch

from stages.core.encoding import encoder
from stages.core.encoding.dropout import STEPS, Dropout
from tests.support.tiny import tiny_encoder

ROWS = torch.ones(1_000, 1_001)  # an odd number of numbers: the last draw serves fewer than four


def dropped(seed: int, p: float, states: torch.Tensor = ROWS, training: bool = True) -> torch.Tensor:
    with Dropout(np.random.default_rng(seed)):
        return torch.nn.functional.dropout(states, p, training)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.999])
def test_a_share_is_dropped_and_what_is_left_grows_by_as_much(p):
    left = dropped(0, p)
    kept = round((1 - p) * STEPS) / STEPS
    assert left.unique().tolist() == pytest.approx([0, 1 / kept])
    deviation = (p * (1 - p) / ROWS.numel()) ** 0.5
    assert (left > 0).double().mean().item() == pytest.approx(1 - p, abs=5 * deviation)
    for axis in (0, 1):  # no row and no column has more of them than chance gives
        assert (left > 0).double().mean(axis).std().item() == pytest.approx((p * (1 - p) / 1_000) ** 0.5, rel=0.2)


def test_all_or_nothing_is_dropped_and_nothing_outside_training():
    assert dropped(0, 1.0).count_nonzero() == 0
    for same in (dropped(0, 0.0), dropped(0, 0.9, training=False)):
        assert torch.equal(same, ROWS)


def test_masks_follow_from_the_generator_alone_and_differ_from_call_to_call():
    before = torch.random.get_rng_state()
    assert torch.equal(dropped(1, 0.5), dropped(1, 0.5))
    assert not torch.equal(dropped(1, 0.5), dropped(2, 0.5))
    with Dropout(np.random.default_rng(1)):
        first, second = (torch.nn.functional.dropout(ROWS, 0.5) for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_gradients_are_dropped_as_the_numbers_were():
    states = ROWS.clone().requires_grad_()
    left = dropped(0, 0.5, states)
    left.sum().backward()
    assert torch.equal(states.grad, left)


def test_the_dtype_stays():
    assert dropped(0, 0.1, ROWS.bfloat16()).dtype == torch.bfloat16


def test_every_dropout_of_an_encoder_is_reached_however_long_its_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder, "SHORT", 6)
    model = encoder.Encoder(str(tiny_encoder(tmp_path / "tiny")), 16).train()
    before = torch.random.get_rng_state()
    for length in (4, 12):
        ids = torch.full((3, length), 5)
        with Dropout(np.random.default_rng(0)):
            one = model(ids)
        with Dropout(np.random.default_rng(0)):
            assert torch.equal(model(ids), one)
            assert not torch.equal(model(ids), one)
    assert torch.equal(torch.random.get_rng_state(), before)
