"""Threads → as few pools of memory as there are cores, so that what one has freed serves the others.

The GNU C library gives nearly every thread a pool of its own. Each grows to the largest photo that it has met, and so a
server grows for as long as photos meet threads that had none before.
"""

import ctypes
import os

_ARENAS = -8  # M_ARENA_MAX of malloc.h


def share_memory() -> None:
    """Limit the pools, where the C library can; to be called before threads are started."""
    limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if limit is not None:
        limit(_ARENAS, os.cpu_count() or 1)
