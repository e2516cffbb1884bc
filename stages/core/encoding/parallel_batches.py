"""Several batches in parallel, where torch works on a processor.

Cores that share one batch wait for each other at every product (on 2 cores a fifth of the time), so each takes a batch of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

LEAST_TOKENS = 1_024  # of a batch; below this, calls cost more than parallel batches save


def threads(batch_tokens: int, device: torch.device) -> int:
    """How many batches pass at once: one a core, as long as each has its share of `batch_tokens` and that is large enough."""
    return max(1, min(torch.get_num_threads(), batch_tokens // LEAST_TOKENS)) if device.type == "cpu" else 1


@contextmanager
def parallel_map(workers: int) -> Iterator[Callable[..., Iterable]]:
    """A `map` with results in order that does `workers` parts at a time, each on its share of torch's threads."""
    if workers == 1:
        yield map
        return
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(before // workers,)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(before)  # later threads take the number that any thread set last
