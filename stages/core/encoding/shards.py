"""Encode rows in independent shards, by the engine of params machine.engine.

An engine is a file of stages/core/engines. It has

    check(machine)                      raises Refused where something it needs is missing; quick, before every stage
    begin(machine)                      raises Refused where it cannot work; before the work begins
    run(work, shards, machine, moved)   as `run` below

No stage depends on the engine: which processes do the work changes no byte. `local` is this process.
"""

import copy
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from stages.core.base import bars, plugins
from stages.core.encoding import encoder
from stages.core.encoding.tokens import Tokens

ROWS = 4_096  # of a shard
HOOKED = "_output_capturing_hooks_installed"  # where transformers notes that a model has its hooks


@dataclass(frozen=True)
class Work:
    """What to do with the rows of a shard. Can be sent to another process."""

    model: torch.nn.Module
    function: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]  # model, ids int64 [rows, length] -> [rows, *row_shape]
    row_shape: int | tuple[int, ...]  # width of a row, or its axes
    dtype: type  # of the result
    batch_tokens: int  # as in encoder.in_batches

    def __call__(self, shard: Tokens | list[str], moved: Callable[[int], None] = lambda amount: None) -> np.ndarray:
        """[rows, *row_shape]. Texts are tokenised here, so that the process that hands out shards need not.

        moved   called from time to time with the progress made, in units of `size`
        """
        tokens = shard if isinstance(shard, Tokens) else self.model.tokenise(shard)
        out = self.empty(len(tokens))
        progress = ShardProgress(size(shard) / max(1, len(tokens.ids)), moved)
        encoder.in_batches(lambda ids: self.function(self.model, ids), tokens, out, self.batch_tokens, progress)
        return out

    def empty(self, rows: int) -> np.ndarray:
        """An array for the results, [rows, *row_shape]."""
        return np.empty((rows, *np.atleast_1d(self.row_shape)), self.dtype)

    def portable(self) -> "Work":
        """The same work for another process: with a copy of the model on the CPU, without traces of use."""
        model = copy.deepcopy(self.model).cpu()
        for part in model.modules():  # transformers returns layers by hooks, and sets them in the process that has the model
            part._forward_hooks.clear()
            vars(part).pop(HOOKED, None)
        return replace(self, model=model)

    def settled(self) -> "Work":
        """The work that `portable` gave, made ready in another process: with the model on its device."""
        for part in self.model.modules():
            if isinstance(part, transformers.PreTrainedModel):
                with torch.device("meta"):
                    type(part)(part.config)  # on making the first, transformers notes which layers a kind of model can return
        return replace(self, model=self.model.to(encoder.device()))

    def in_less_memory(self, times: int) -> "Work":
        """The same work with batches halved `times` times; results stay the same."""
        return replace(self, batch_tokens=max(1, self.batch_tokens >> times))


@dataclass
class ShardProgress:
    """A bar for encoder.in_batches that turns tokens into units of `size` and passes them on."""

    per_token: float
    moved: Callable[[int], None]
    passed_on: int = 0
    tokens: int = 0

    def update(self, tokens: int) -> None:
        self.tokens += tokens
        done = round(self.tokens * self.per_token)
        self.moved(done - self.passed_on)
        self.passed_on = done


def size(shard: Tokens | list[str]) -> int:
    """What a progress bar counts: tokens of a shard, or characters where it holds texts."""
    return len(shard.ids) if isinstance(shard, Tokens) else sum(map(len, shard))


def about() -> dict[str, str]:
    """What the last bits of this process's results depend on, apart from work and shard."""
    on = encoder.device()
    processor = [vendor(), torch.backends.cpu.get_cpu_capability()]
    if on.type == "cpu":
        processor += ["bfloat16"] * torch.cpu._is_avx512_bf16_supported() + ["AMX"] * torch.cpu._is_amx_tile_supported()
    return {
        "device": torch.cuda.get_device_name(on) if on.type == "cuda" else on.type,
        "processor": " ".join(processor),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }


def vendor() -> str:
    """Maker of the processor: libraries take other paths on another maker's."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("vendor_id")), platform.machine())


def begin(machine: Any) -> None:
    """Raise Refused where the engine of params machine.engine cannot work."""
    plugins.load("engines", machine.engine).begin(machine)


def run(
    work: Work, shards: Iterable[tuple[Any, Any]], machine: Any, moved: Callable[[int], None] = lambda amount: None
) -> Iterator[tuple[Any, np.ndarray]]:
    """(mark, array [rows, *row_shape]) of every shard, in any order.

    shards    (mark, shard); one is taken when a worker is free
    machine   the section of params.yaml
    moved     as in Work

    A worker gets its next shard only when the caller asks for the next result: by then the caller has stored the last one.
    """
    yield from plugins.load("engines", machine.engine).run(work, iter(shards), machine, moved)


def map_rows(work: Work, tokens: Tokens, machine: Any, title: str = "") -> np.ndarray:
    """[rows of tokens, *row_shape]: the result of every row, with a progress bar of this title."""
    with bars.bar(title, len(tokens.ids), "tokens") as bar:
        if len(tokens) <= ROWS:  # not worth sending to another process
            return work(tokens, bar.update)
        out = work.empty(len(tokens))
        order = np.argsort(-tokens.lengths, kind="stable")
        parts = np.split(order, range(ROWS, len(order), ROWS))
        for rows, made in run(work, ((rows, tokens[rows]) for rows in parts), machine, bar.update):
            out[rows] = made
        return out
