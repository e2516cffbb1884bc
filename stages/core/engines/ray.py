"""engine: ray. Workers on the machines of a Ray cluster do the shards, and give the bytes that this process would."""

from collections.abc import Callable, Iterator
from typing import Any

from stages.core.engines import _session


def check(machine: Any) -> None:
    """Raises Refused where Ray is not installed, or no cluster answers at machine.ray_address."""
    _session.refuse_missing()
    _session.found(machine.ray_address)


def begin(machine: Any) -> None:
    """Connects. Raises Refused as `check` does, and where the cluster has another version or no room for a worker."""
    _session.connect(machine.ray_address)
    _workers(machine).refuse_without_room()


def run(work: Any, shards: Iterator[tuple[Any, Any]], machine: Any, moved: Callable[[int], None]) -> Iterator[tuple[Any, Any]]:
    """(mark, result) of every (mark, shard), as they come; see shards.run. Raises Refused as `begin` does."""
    begin(machine)
    yield from _workers(machine).run(work, shards, moved)


def _workers(machine: Any) -> Any:
    from stages.core.engines import _pool  # imports Ray, which reads its environment variables at import

    return _pool.of_session(machine.ray_cores, machine.ray_mixed)
