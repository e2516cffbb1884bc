"""engine: local. This process does the work, one shard after the other."""

from collections.abc import Callable, Iterator
from typing import Any


def check(machine: Any) -> None:
    """Nothing has to be installed or reached."""


def begin(machine: Any) -> None:
    """Nothing has to be there first."""


def run(work: Any, shards: Iterator[tuple[Any, Any]], machine: Any, moved: Callable[[int], None]) -> Iterator[tuple[Any, Any]]:
    """(mark, result) of every (mark, shard), in order, as shards.run says."""
    for mark, shard in shards:
        yield mark, work(shard, moved)
