"""A network, and a service that uses it → how long one image takes, and how many multiplications the network does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from siamese.faces.align import INPUT_SIZE

_WARM_UP = 5  # calls, in which memory is laid out and lazy parts are loaded


@dataclass(frozen=True)
class Timing:
    """Median milliseconds of wall-clock time for one image, over `repeats` calls on `threads` threads.

    `network_ms`: a crop and its mirror image → their embedding; `whole_ms`: a photo → its readings, with detection and
    alignment. `multiply_adds` are the network's for one crop, without the mirror image.
    """

    threads: int
    repeats: int
    network_ms: float
    whole_ms: float
    multiply_adds: int

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, ready for JSON."""
        return asdict(self)


def measure_time(
    embed: Callable[[NDArray[np.uint8]], object],
    recognise: Callable[[NDArray[np.uint8]], object],
    photo: NDArray[np.uint8],
    network: nn.Module,
    threads: int,
    repeats: int = 50,
) -> Timing:
    """Time `Embedder.embed` on one crop and `ExpressionService.recognise` on one RGB photo (height, width, 3) uint8.

    Both are to be loaded with the same number of `threads`, which PyTorch's detector is given here. `network` is the
    PyTorch network that was exported, of which operations are counted, not timed.
    """
    crop = np.random.default_rng(0).integers(0, 256, (1, INPUT_SIZE, INPUT_SIZE), dtype=np.uint8)
    with torch_threads(threads):
        return Timing(
            threads=threads,
            repeats=repeats,
            network_ms=median_milliseconds(lambda: embed(crop), repeats),
            whole_ms=median_milliseconds(lambda: recognise(photo), repeats),
            multiply_adds=multiply_adds(network),
        )


def photo_of(face: NDArray[np.uint8], width: int = 640, height: int = 480) -> NDArray[np.uint8]:
    """A photo (height, width, 3) with one face (h, w, 3) in its middle, on the grey of the face's first pixel."""
    photo = np.tile(face[0, 0], (height, width, 1))
    top, left = (height - face.shape[0]) // 2, (width - face.shape[1]) // 2
    photo[top : top + face.shape[0], left : left + face.shape[1]] = face
    return photo


def median_milliseconds(action: Callable[[], object], repeats: int = 50) -> float:
    """The median time of one call, of `repeats` after five that are not counted."""
    times = [_seconds(action) for _ in range(_WARM_UP + repeats)]
    return 1000 * float(np.median(times[_WARM_UP:]))


def multiply_adds(network: nn.Module, size: int = INPUT_SIZE) -> int:
    """How often a network multiplies and adds for one crop (1, 1, size, size), in convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, 1, size, size))
    return counter.get_total_flops() // 2  # it counts multiplications and additions apart


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch compute on `count` threads; afterwards on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _seconds(action: Callable[[], object]) -> float:
    started = perf_counter()
    action()
    return perf_counter() - started
