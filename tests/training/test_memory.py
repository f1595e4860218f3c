"""What a step frees, the next one gets again, without the system clearing it."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from siamese.training.memory import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(8_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

given_back = faults()
keep_memory()
faults()
print(given_back, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps memory as it likes")
def test_large_blocks_are_cleared_once_and_not_for_every_step() -> None:
    answer = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    given_back, kept = map(int, answer.stdout.split())
    assert given_back > 100 * max(kept, 1)
