"""Memory that was used and freed."""

import ctypes


def give_back() -> None:
    """Freed memory goes back to the system. The C library keeps it, in pieces that ever fewer of the next arrays fit into, so
    that what works through a long file grows by and by. Nothing happens where the C library is not GNU's.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
