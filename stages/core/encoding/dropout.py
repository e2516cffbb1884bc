"""Dropout from a generator of its own: faster than torch's on a processor, and free of its global state."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

STEPS = 1 << 16  # a share of kept numbers is a whole number of these


class Dropout(torch.overrides.TorchFunctionMode):
    """While it is entered, torch.nn.functional.dropout of this thread draws its masks from `rng`.

    torch draws a mask one number after the other, which is a sixth of a training step where products are fast; here one draw
    of 64 bits serves four numbers. Elsewhere than on a processor torch's own dropout stays. Fused attention has a dropout
    inside, out of reach; encoder.Encoder does without it in training.
    """

    def __init__(self, rng: np.random.Generator):
        super().__init__()
        self.rng = rng

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if function is torch.nn.functional.dropout and args[0].device.type == "cpu":
            function = self.dropped
        return function(*args, **kwargs or {})

    def dropped(self, states: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
        """The states, of any shape and dtype, a share `p` of them 0 and the others larger to match; never in place."""
        kept = round((1 - p) * STEPS)
        if not training or kept == STEPS:
            return states
        drawn = self.rng.integers(1 << 64, size=-(-states.numel() // 4), dtype=np.uint64).view(np.uint16)
        mask = torch.from_numpy(drawn[: states.numel()] < kept).view(states.shape)
        return states * mask.to(states.dtype).mul_(STEPS / max(1, kept))
