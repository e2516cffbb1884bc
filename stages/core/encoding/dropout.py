"""Dropout whose masks come from a generator of its own.

torch's masks take a sixth of a training step on a processor, and all threads draw them from one generator: models that are tuned
side by side would depend on each other's pace.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

BYTES = 256  # values of a byte: each number has a random one, so the share that is dropped is a multiple of 1/256


class Dropout(TorchFunctionMode):
    """A context in which `torch.nn.functional.dropout` draws from `seed`, in this thread alone."""

    def __init__(self, seed: int):
        super().__init__()
        self.random = np.random.SFC64(seed)

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        if function is torch.nn.functional.dropout:
            return self.dropped(*args, **kwargs or {})
        return function(*args, **kwargs or {})

    def dropped(self, numbers: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
        """Arguments as of torch.nn.functional.dropout; `inplace` is ignored."""
        least = round(BYTES * p)
        if not training or not least:
            return numbers
        # On a processor torch compares bytes ten times as slowly as NumPy, but turns them into numbers fast.
        kept = self.random.random_raw(-(-numbers.numel() // 8)).view(np.uint8)[: numbers.numel()] >= least
        mask = torch.from_numpy(kept.view(np.uint8)).to(numbers.device).to(numbers.dtype)
        return numbers * mask.mul_(BYTES / (BYTES - least) if least < BYTES else 0).view(numbers.shape)
