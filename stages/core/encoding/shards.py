"""Rows through a model in shards that do not know of each other, by the engine of params machine.engine.

An engine is a file of stages/core/engines, found by its name as a learner is. It has

    look(machine)                        raises Refused where what it needs is not there; a glance, before every stage
    begin(machine)                       the same where it cannot work, before there is work
    each(work, shards, machine, moved)   what `done` says

and no stage depends on it: which processes do the work changes no byte. `local` is this process.
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

from stages.core.base import plugins
from stages.core.encoding import encoder
from stages.core.encoding.tokens import Tokens

ROWS = 4_096  # of a shard
HOOKED = "_output_capturing_hooks_installed"  # transformers' note, on a model, that its hooks are there


@dataclass(frozen=True)
class Work:
    """What is done with the rows of a shard; it can be handed to another process.

    model          what it keeps
    function       model, ids int64 [rows, length] -> [rows, width], or of more axes than one a row
    row_shape      width of a row, or its axes
    dtype          of the result
    batch_tokens   as in encoder.in_batches
    """

    model: torch.nn.Module
    function: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor]
    row_shape: int | tuple[int, ...]
    dtype: type
    batch_tokens: int

    def __call__(self, shard: Tokens | list[str], moved: Callable[[int], None] = lambda amount: None) -> np.ndarray:
        """Result of every row, [rows, *row_shape]. Texts are tokenised here: so whoever hands out many shards does not have to.

        moved   told from time to time how much was done, of what `size` says
        """
        tokens = shard if isinstance(shard, Tokens) else self.model.tokenise(shard)
        out = self.room(len(tokens))
        per_token = size(shard) / max(1, len(tokens.ids))
        encoder.in_batches(lambda ids: self.function(self.model, ids), tokens, out, self.batch_tokens, Share(per_token, moved))
        return out

    def room(self, rows: int) -> np.ndarray:
        """For the results of so many rows, [rows, *row_shape]."""
        return np.empty((rows, *np.atleast_1d(self.row_shape)), self.dtype)

    def portable(self) -> "Work":
        """The same with a copy of the model that another process can take up: on the processor, as if it had never been used."""
        model = copy.deepcopy(self.model).cpu()
        for part in model.modules():  # by its hooks transformers tells of layers; they are made in the process that has the model
            part._forward_hooks.clear()
            vars(part).pop(HOOKED, None)
        return replace(self, model=model)

    def settled(self) -> "Work":
        """The same with the model where this process computes: what `portable` gave is made ready in another process."""
        for part in self.model.modules():
            if isinstance(part, transformers.PreTrainedModel):
                with torch.device("meta"):
                    type(part)(part.config)  # transformers notes which layers a kind of model can tell of when it first makes one
        return replace(self, model=self.model.to(encoder.device()))

    def in_less_memory(self, times: int) -> "Work":
        """The same in batches halved so often; it changes no result."""
        return replace(self, batch_tokens=max(1, self.batch_tokens >> times))


@dataclass
class Share:
    """A bar for encoder.in_batches, which counts tokens; passes on the share of the shard that they are."""

    per_token: float
    moved: Callable[[int], None]
    passed: int = 0
    tokens: int = 0

    def update(self, tokens: int) -> None:
        self.tokens += tokens
        done = round(self.tokens * self.per_token)
        self.moved(done - self.passed)
        self.passed = done


def size(shard: Tokens | list[str]) -> int:
    """Tokens of a shard, or characters where it holds texts: what a bar counts."""
    return len(shard.ids) if isinstance(shard, Tokens) else sum(map(len, shard))


def about() -> dict[str, str]:
    """What the last bits of a result depend on beside work and shard, of this process."""
    on = encoder.device()
    units = {
        "bfloat16": on.type == "cpu" and torch.cpu._is_avx512_bf16_supported(),
        "AMX": on.type == "cpu" and torch.cpu._is_amx_tile_supported(),
    }
    return {
        "device": torch.cuda.get_device_name(on) if on.type == "cuda" else on.type,
        "processor": " ".join(
            [vendor(), torch.backends.cpu.get_cpu_capability(), *(unit for unit, there in units.items() if there)]
        ),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "numpy": np.__version__,
    }


def vendor() -> str:
    """Whose processor it is: their libraries take other paths on another's."""
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
    """What becomes of every shard, in whatever order it comes.

    shards    (mark, shard); taken one at a time, when there is somebody to do it
    machine   the section of params.yaml
    moved     as in Work

    Yields (mark, array [rows, *row_shape]), each once. A worker gets its next shard only when the caller asks for the next result:
    by then the caller has kept the last one.
    """
    yield from plugins.load("engines", machine.engine).run(work, iter(shards), machine, moved)


def map_rows(work: Work, tokens: Tokens, machine: Any, title: str = "") -> np.ndarray:
    """The result of every row, [rows of tokens, *row_shape], with a bar of that title."""
    with encoder.progress(title, tokens) as bar:
        if len(tokens) <= ROWS:  # not worth the way to another process
            return work(tokens, bar.update)
        out = work.room(len(tokens))
        order = np.argsort(-tokens.lengths, kind="stable")
        parts = np.split(order, range(ROWS, len(order), ROWS))
        for rows, made in run(work, ((rows, tokens[rows]) for rows in parts), machine, bar.update):
            out[rows] = made
        return out
