"""An ONNX file → what runs it on the CPU, and parts of work that go on side by side."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import onnxruntime

from siamese.errors import ReferenceSetError

T = TypeVar("T")


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
    """The network in a file; `threads` 0 takes every core. Raises ReferenceSetError when there is none."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # several sessions share the cores
    try:
        return onnxruntime.InferenceSession(Path(path).read_bytes(), options, providers=["CPUExecutionProvider"])
    except FileNotFoundError as error:
        raise ReferenceSetError(
            f"{path} is not a network that Semblance exported: there is no such file. Name the folder that holds it."
        ) from error
    except Exception as error:  # onnxruntime raises a dozen unrelated classes, all meaning «not a network»
        raise ReferenceSetError(f"{path} is not a network that Semblance exported: {error}") from error
