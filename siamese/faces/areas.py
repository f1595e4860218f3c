"""Photos → means over rectangles of theirs, many at once: scaled photos, and crops of all sizes brought to one.

A summed-area table (Crow 1984) tells the sum over any rectangle from its four corners. The windows are those of
PyTorch's «area» interpolation, which facenet-pytorch uses: this is the exact way, and `pyramid` the fast one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHANNELS = 4  # the fourth is empty, so that a point takes 16 bytes, which NumPy copies in one go


class Areas:
    """Photos (n, height, width, 3) with values 0…255, in any size and cut out anywhere."""

    def __init__(self, photos: NDArray[np.uint8] | NDArray[np.float32]) -> None:
        """Bytes are summed as 32-bit integers: should they overflow, the differences are right all the same."""
        n, self.height, self.width, channels = photos.shape
        kind = np.uint32 if photos.dtype == np.uint8 else np.float64
        self._table: NDArray[Any] = np.zeros((n, self.height + 1, self.width + 1, _CHANNELS), kind)
        inner = self._table[:, 1:, 1:]
        inner[..., :channels] = photos
        np.cumsum(inner, axis=1, out=inner)
        np.cumsum(inner, axis=2, out=inner)

    def scaled(self, height: int, width: int) -> NDArray[np.float32]:
        """The photos in another size, (n, 3, height, width): the mean over each window."""
        top, bottom = _windows(np.zeros(1, np.int64), np.array([self.height]), height)
        left, right = _windows(np.zeros(1, np.int64), np.array([self.width]), width)
        rows = self._table[:, bottom[0]] - self._table[:, top[0]]
        sums = rows.take(right[0], axis=2) - rows.take(left[0], axis=2)
        return _means(sums, (bottom - top)[:, :, None] * (right - left)[:, None])

    def crops(self, photo: NDArray[np.int64], corners: NDArray[np.int64], size: int) -> NDArray[np.float32]:
        """Rectangles (left, top, right, bottom), (k, 4), of the photos that `photo` (k,) counts: (k, 3, size, size)."""
        left, right = _windows(corners[:, 0], corners[:, 2], size)
        top, bottom = _windows(corners[:, 1], corners[:, 3], size)
        points = self._table.reshape(-1, _CHANNELS)
        first = (photo * self._table.shape[1])[:, None]

        def at(y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[Any]:
            return points.take(((first + y) * self._table.shape[2])[:, :, None] + x[:, None], axis=0)

        sums = at(bottom, right) - at(top, right) - at(bottom, left) + at(top, left)
        return _means(sums, (bottom - top)[:, :, None] * (right - left)[:, None])


def _windows(start: NDArray[np.int64], end: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], ...]:
    """Where each of `count` windows over start…end begins and ends, (k, count) each; they overlap where they must."""
    steps, length = np.arange(count), (end - start)[:, None]
    return start[:, None] + steps * length // count, start[:, None] - (steps + 1) * -length // count


def _means(sums: NDArray[Any], areas: NDArray[np.int64]) -> NDArray[np.float32]:
    means = sums[..., :3] / areas[..., None].astype(np.float32)
    return np.ascontiguousarray(np.moveaxis(means, 3, 1), dtype=np.float32)
