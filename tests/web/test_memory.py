"""Memory of threads: what many threads used one after another does not stay in as many pools."""

import os
import subprocess
import sys

import pytest

_PROGRAM = """
import sys, threading
if sys.argv[1] == "shared":
    from siamese.web.memory import share_memory
    share_memory()
import numpy as np

ready = threading.Barrier(12)

def work():
    ready.wait()
    small = [bytes(1000) for _ in range(20_000)]

threads = [threading.Thread(target=work) for _ in range(12)]
[each.start() for each in threads]
[each.join() for each in threads]
import ctypes
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the GNU C library")
def test_threads_share_as_many_pools_as_there_are_cores():
    def pools(way: str) -> int:
        told = subprocess.run([sys.executable, "-c", _PROGRAM, way], capture_output=True, text=True, check=True)
        return told.stdout.count("<heap nr=")

    assert pools("shared") <= (os.cpu_count() or 1) < pools("alone")
