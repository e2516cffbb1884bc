"""Batches on several threads at a time, where torch works on a processor.

Within a batch all cores wait for each other at every product and share out what is too small for that: on 2 cores a fifth of
the time. Batches do not know of each other, so each core takes its own.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

LEAST_TOKENS = 1_024  # of a batch: with fewer, calls cost more than is won


def threads(batch_tokens: int, device: torch.device) -> int:
    """How many batches pass at once, to hold `batch_tokens` tokens together: one a core, as long as they are large enough."""
    return max(1, min(torch.get_num_threads(), batch_tokens // LEAST_TOKENS)) if device.type == "cpu" else 1


@contextmanager
def each(workers: int) -> Iterator[Callable[..., Iterable]]:
    """A map whose results come in order: so many parts at a time, each on its share of torch's threads."""
    if workers == 1:
        yield map
        return
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(before // workers,)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(before)  # those that start later take the number that was set last, in whatever thread


def done(work: Callable[[Any], Any], parts: Iterable[Any], workers: int) -> Iterator[Any]:
    """work(part) of every part, as `each` does it."""
    with each(workers) as mapped:
        yield from mapped(work, parts)
