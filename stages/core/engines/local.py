"""engine: local. This process does the work, one shard after the other."""

from collections.abc import Callable, Iterator
from typing import Any


def look(machine: Any) -> None:
    """Nothing has to be installed or reached."""


def begin(machine: Any) -> None:
    """Nothing has to be there first."""


def each(work: Any, shards: Iterator[tuple[Any, Any]], machine: Any, moved: Callable[[int], None]) -> Iterator[tuple[Any, Any]]:
    """(mark, result) of every (mark, shard), in order, as shards.done says."""
    for mark, shard in shards:
        yield mark, work(shard, moved)
