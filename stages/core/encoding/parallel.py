"""Several batches, or several models, in parallel threads, where torch works on a processor.

Cores that share one batch wait for each other at every product (on 2 cores a fifth of the time, and half of it in training), so
each takes a batch of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import torch

LEAST_TOKENS = 1_024  # of a batch; below this, calls cost more than parallel batches save
TRAINING_BYTES = 48  # a parameter: weights, gradients and two moments, in float32, and twice as much for a batch on its way


def batches(batch_tokens: int, device: torch.device) -> int:
    """How many batches pass at once: one a core, as long as each has its share of `batch_tokens` and that is large enough."""
    return max(1, min(torch.get_num_threads(), batch_tokens // LEAST_TOKENS)) if device.type == "cpu" else 1


def models(wanted: int, parameters: int, device: torch.device) -> int:
    """How many of `wanted` models are tuned at once: all, if there are fewer than two a core, and memory for them."""
    if device.type != "cpu":
        return 1
    room = psutil.virtual_memory().available // (TRAINING_BYTES * parameters)
    return max(1, min(wanted, 2 * torch.get_num_threads() - 1, room))


@contextmanager
def parallel_map(workers: int, parts: int = 0) -> Iterator[Callable[..., Iterable]]:
    """A `map` with results in order that does `workers` parts at a time, each on its share of torch's threads.

    parts   how many there will be, where results depend on the number of threads: all get the same share, however many workers
            there is room for
    """
    if max(workers, parts) == 1:
        yield map
        return
    before = torch.get_num_threads()
    share = max(1, before // max(workers, parts))
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(share,)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(before)  # later threads take the number that any thread set last
