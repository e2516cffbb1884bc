"""Returning memory to the system: freed memory, and pages of files that were read."""

import ctypes
import mmap
from collections.abc import Iterator

import numpy as np


def trim() -> None:
    """Return freed memory to the system. Does nothing unless the C library is GNU's.

    The library keeps it in pieces that fit ever fewer of the next arrays, so a process that reads a long file would grow.
    """
    if malloc_trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        malloc_trim(0)


def release(array: np.ndarray) -> None:
    """Return the pages of a memory-mapped array. The next access reads them again, from the file or the system's cache.

    Otherwise a process that reads a file once appears to need as much memory as the file has bytes.
    """
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.base.madvise(mmap.MADV_DONTNEED)


def in_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Views of an array's rows, about 64 MiB each. Each one is released before the next."""
    for block in np.array_split(array, max(1, array.nbytes // 2**26)):
        yield block
        release(array)
