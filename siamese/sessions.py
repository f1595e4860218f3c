"""An ONNX file → what runs it on the CPU, and parts of work that go on side by side."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from siamese.errors import ReferenceSetError

PARTS = 2  # of a batch, at most

T = TypeVar("T")


class Network:
    """An exported network, safe to call from several threads.

    A batch is split in two, each with half of the threads: to share each layer among threads would cost a wait at every
    layer, of which small networks have many.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        """Load a file; `threads` 0 takes every core. Raises ReferenceSetError when it is not a network."""
        threads = threads or os.cpu_count() or 1
        self.parts = min(PARTS, threads)
        self.session = load_session(path, max(1, threads // self.parts))
        self._input = self.session.get_inputs()[0].name

    def run(self, count: int, batch: Callable[[slice], NDArray[Any]]) -> list[NDArray[Any]]:
        """Every output, each with `count` rows, for a batch of which `batch` makes any part."""
        parts = side_by_side([partial(self._run_part, batch, part) for part in slices(count, self.parts)])
        return parts[0] if len(parts) == 1 else [np.concatenate(each) for each in zip(*parts, strict=True)]

    def run_alone(self, batch: NDArray[Any]) -> list[NDArray[Any]]:
        """Every output for a batch (n, …), undivided: for what is itself a part of something."""
        found: list[NDArray[Any]] = self.session.run(None, {self._input: batch})
        return found

    def _run_part(self, batch: Callable[[slice], NDArray[Any]], part: slice) -> list[NDArray[Any]]:
        return self.run_alone(batch(part))


def slices(count: int, parts: int) -> list[slice]:
    """So many things, in order, in at most so many parts of nearly one length; of nothing, one that is empty."""
    parts = max(1, min(parts, count))
    edges = [count * number // parts for number in range(parts + 1)]
    return [slice(*pair) for pair in pairwise(edges)]


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """What each task answers: the first is done here, and others too where all other threads are busy."""
    if not tasks:
        return []
    others = [_pool().submit(task) for task in tasks[1:]]
    first = tasks[0]()
    rest = zip(tasks[1:], others, strict=True)
    return [first, *(task() if other.cancel() else other.result() for task, other in rest)]


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="semblance")


def load_session(path: str | Path, threads: int = 0) -> onnxruntime.InferenceSession:
    """The network in a file; `threads` 0 takes every core. Raises ReferenceSetError when it is not one."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # several sessions share the cores
    try:
        return onnxruntime.InferenceSession(Path(path).read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated classes, all meaning «not a network»
        raise ReferenceSetError(f"{path} is not a network that Semblance exported: {error}") from error
