"""Dropout with masks of its own: shares, scale, gradients, seeds, and whatever else torch does."""

import numpy as np
import pytest
import torch

from stages.core.encoding import encoder
from stages.core.encoding.dropout import BYTES, Dropout
from tests.support.tiny import tiny_encoder

drop = torch.nn.functional.dropout


@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_numbers_are_dropped_by_their_share_and_the_others_scaled_so_that_the_mean_stays(p, dtype):
    numbers = torch.ones(100, 1_001, dtype=dtype, requires_grad=True)
    share = round(BYTES * p) / BYTES
    with Dropout(0):
        dropped = drop(numbers, p)
    kept = dropped > 0
    assert dropped.dtype == dtype
    assert abs(kept.float().mean() - (1 - share)) < 6 * (share * (1 - share) / numbers.numel()) ** 0.5
    assert dropped[kept].float().detach().numpy() == pytest.approx(1 / (1 - share), rel=4e-3)
    dropped.sum().backward()
    assert torch.equal(numbers.grad, dropped.detach())


def test_rows_and_columns_are_dropped_apart():
    with Dropout(0):
        kept = drop(torch.ones(512, 512), 0.5) > 0
    for axis in (0, 1):
        assert np.corrcoef(kept.numpy(), rowvar=bool(axis))[np.triu_indices(512, 1)].std() < 0.06  # 1 / sqrt(512) = 0.044


def test_a_seed_gives_the_same_masks_whatever_torchs_generator_drew_and_leaves_that_alone():
    def drawn(seed: int) -> list[torch.Tensor]:
        with Dropout(seed):
            return [drop(torch.ones(5, 7)) for _ in range(3)]

    state = torch.get_rng_state()
    once, other = drawn(1), drawn(2)
    assert torch.equal(state, torch.get_rng_state())
    torch.rand(1)
    assert all(map(torch.equal, once, drawn(1)))
    assert not any(map(torch.equal, once, other))
    assert not torch.equal(once[0], once[1])


@pytest.mark.parametrize(("p", "training", "sum_"), [(0.0, True, 35), (0.5, False, 35), (1.0, True, 0)])
def test_nothing_or_all_is_dropped_where_that_is_asked_for(p, training, sum_):
    with Dropout(0):
        assert drop(torch.ones(5, 7), p, training).sum() == sum_


@pytest.mark.parametrize("words", [3, 28])
def test_an_encoder_draws_no_mask_from_torchs_generator_on_short_rows_nor_on_long_ones(tmp_path, monkeypatch, words):
    monkeypatch.setattr(encoder, "SHORT", 8)
    body = encoder.Encoder(str(tiny_encoder(tmp_path / "tiny")), 32).train()
    ids, state, said = torch.full((4, words), 5), torch.get_rng_state(), []
    for seed in (0, 0, 1):
        with Dropout(seed):
            said.append(body(ids))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(said[0], said[1])
    assert not torch.equal(said[0], said[2])
