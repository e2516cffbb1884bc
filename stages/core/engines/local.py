"""engine: local. This process does the work, shard by shard."""

from collections.abc import Callable, Iterator
from typing import Any


def check(machine: Any) -> None:
    """Needs nothing."""


def begin(machine: Any) -> None:
    """Needs nothing."""


def run(work: Any, shards: Iterator[tuple[Any, Any]], machine: Any, moved: Callable[[int], None]) -> Iterator[tuple[Any, Any]]:
    """(mark, result) of every (mark, shard), in order; see shards.run."""
    for mark, shard in shards:
        yield mark, work(shard, moved)
