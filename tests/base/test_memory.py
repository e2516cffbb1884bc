"""Memory is returned to the system."""

from pathlib import Path

import numpy as np
import pytest

from stages.core.base import memory


def resident() -> float:
    """Megabytes of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


@pytest.mark.skipif(not hasattr(memory.ctypes.CDLL(None), "malloc_trim"), reason="another C library")
def test_memory_freed_between_objects_that_stay_is_returned():
    # Small enough to come from the heap. Every second one stays, so the end of the heap is never free.
    arrays = [np.ones(8_000) for _ in range(2_000)]
    before = resident()
    del arrays[::2]
    memory.trim()
    assert before - resident() > 30  # of 64 that were freed


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    memory.trim()
