"""A photo → smaller and smaller copies of it, and crops brought to one size, each from the copy that fits it.

The fast way to what `areas` does exactly: every copy is made from the one before, and a crop from the copy in which
one of its pixels spans between one and a few, so that few of them are looked at.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siamese.sessions import load_session

CROPPING = "cropping-{}.onnx"  # by the crops' size
COPY, PLACES, WHICH = "copy", "places", "which"

Array = NDArray[np.float32]


class Croppers:
    """What cuts crops of some sizes out of a copy, bilinearly (RoIAlign, He et al. 2017)."""

    def __init__(self, folder: Path, sizes: tuple[int, ...], threads: int) -> None:
        self._of_size = {size: load_session(folder / CROPPING.format(size), threads) for size in sizes}

    def cut(self, copy: Array, places: Array, size: int) -> Array:
        """Places (left, top, right, bottom), (k, 4), of a copy (1, 3, height, width) as (k, 3, size, size)."""
        which = np.zeros(len(places), np.int64)
        (crops,) = self._of_size[size].run(None, {COPY: copy, PLACES: places, WHICH: which})
        return np.asarray(crops)


class Pyramid:
    """One photo (height, width, 3) uint8 and its copies, which answer as `areas.Areas` does."""

    def __init__(self, photo: NDArray[np.uint8], croppers: Croppers) -> None:
        self.height, self.width, _ = photo.shape
        self._croppers = croppers
        self._last = Image.fromarray(photo)
        self._copies = [_floats(photo)]

    def scaled(self, height: int, width: int) -> Array:
        """The photo in another size, (1, 3, height, width), no larger than what was asked for before."""
        self._last = self._last.resize((width, height), Image.Resampling.HAMMING)
        self._copies.append(_floats(np.asarray(self._last)))
        return self._copies[-1]

    def crops(self, photo: NDArray[np.int64], corners: NDArray[np.int64], size: int) -> Array:
        """Rectangles (left, top, right, bottom), (k, 4), of the photo as (k, 3, size, size)."""
        sides = (corners[:, 2:] - corners[:, :2]).max(axis=1)
        heights = np.array([copy.shape[2] for copy in self._copies])
        fitting = (sides[:, None] * heights / self.height >= size).sum(axis=1)
        answer = np.empty((len(corners), 3, size, size), np.float32)
        for number in np.unique(chosen := np.maximum(fitting - 1, 0)):
            copy, rows = self._copies[number], np.flatnonzero(chosen == number)
            scale = np.array([copy.shape[3] / self.width, copy.shape[2] / self.height] * 2, np.float32)
            answer[rows] = self._croppers.cut(copy, corners[rows].astype(np.float32) * scale, size)
        return answer


def _floats(photo: NDArray[np.uint8]) -> Array:
    """(height, width, 3) → (1, 3, height, width)."""
    return np.ascontiguousarray(photo.transpose(2, 0, 1)[None], dtype=np.float32)
