"""Giving memory back to the system: what was freed, and pages of files that were read."""

import ctypes
import mmap
from collections.abc import Iterator

import numpy as np


def trim() -> None:
    """Freed memory goes back to the system. The C library keeps it, in pieces that ever fewer of the next arrays fit into, so
    that what works through a long file grows by and by. Nothing happens where the C library is not GNU's.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def release(array: np.ndarray) -> None:
    """Give back the memory that a memory-mapped array's pages take; they are read again from the file, or the system's copy of it.

    Without it a process that goes through a file once seems to need as much memory as the file has bytes.
    """
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def in_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Views of an array's rows, 64 MiB each or so, one after the other; what was looked at is let go before the next."""
    for block in np.array_split(array, max(1, array.nbytes // 2**26)):
        yield block
        release(array)
