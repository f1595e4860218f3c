"""Photos → means over rectangles of theirs, many at once: scaled photos, and crops of all sizes brought to one.

A summed-area table (Crow 1984) tells the sum over any rectangle from its four corners. The windows are those of
PyTorch's «area» interpolation, which facenet-pytorch uses.
"""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.sessions import side_by_side, slices

_BITS = 21  # of a 64-bit number, for each channel
_CHANNEL = np.uint64(2**_BITS - 1)
_MOST = int(_CHANNEL) // 255  # pixels that a channel has room for

Table = NDArray[Any]  # (n, height, width) uint64, or (n, height, width, 3) float64
Steps = NDArray[np.int64]


class Areas:
    """Photos (n, height, width, 3) with values 0…255, in any size and cut out anywhere.

    Of bytes, a pixel's three channels are summed as one 64-bit number, whose lower bits are right even where the upper
    ones overflow; other numbers are summed in double precision.
    """

    def __init__(self, photos: NDArray[np.uint8] | NDArray[np.float32], parts: int = 1) -> None:
        """Sum them, in so many parts side by side."""
        n, self.height, self.width, channels = photos.shape
        packed = photos.dtype == np.uint8
        size = (n, self.height + 1, self.width + 1)
        self._table: Table = np.empty(size, np.uint64) if packed else np.empty((*size, channels), np.float64)
        self._table[:, 0] = self._table[:, :, 0] = 0

        def sum_rows(rows: slice) -> None:
            pixels = _packed(photos[:, rows]) if packed else photos[:, rows]
            np.cumsum(pixels, axis=2, out=self._table[:, rows.start + 1 : rows.stop + 1, 1:])

        side_by_side([partial(sum_rows, rows) for rows in slices(self.height, parts)])
        for row in range(1, self.height):  # several times as fast as NumPy's own running sum over rows
            self._table[:, row + 1] += self._table[:, row]

    def scaled(self, height: int, width: int) -> NDArray[np.float32]:
        """The photos in another size, (n, 3, height, width): the mean over each window."""
        top, bottom = _windows(np.zeros(1, np.int64), np.array([self.height]), height)
        left, right = _windows(np.zeros(1, np.int64), np.array([self.width]), width)

        def between(first: Steps, last: Steps) -> Table:
            rows = self._table[:, last[0]] - self._table[:, first[0]]
            sums: Table = rows.take(right[0], axis=2) - rows.take(left[0], axis=2)
            return sums

        return _means(between, top, bottom, left, right)

    def crops(self, photo: NDArray[np.int64], corners: NDArray[np.int64], size: int) -> NDArray[np.float32]:
        """Rectangles (left, top, right, bottom), (k, 4), of the photos that `photo` (k,) counts: (k, 3, size, size)."""
        left, right = _windows(corners[:, 0], corners[:, 2], size)
        top, bottom = _windows(corners[:, 1], corners[:, 3], size)
        points = self._table.reshape(-1, *self._table.shape[3:])
        before = (photo * self._table.shape[1])[:, None]

        def at(y: Steps, x: Steps) -> Table:
            return points.take(((before + y) * self._table.shape[2])[:, :, None] + x[:, None], axis=0)

        def between(first: Steps, last: Steps) -> Table:
            sums: Table = at(last, right) - at(first, right) - at(last, left) + at(first, left)
            return sums

        return _means(between, top, bottom, left, right)


def _packed(photos: NDArray[Any]) -> NDArray[np.uint64]:
    """The three bytes of each pixel in one number, (n, height, width)."""
    packed = photos[..., 2].astype(np.uint64)
    for channel in (1, 0):
        packed <<= np.uint64(_BITS)
        packed |= photos[..., channel]
    return packed


def _windows(start: Steps, end: Steps, count: int) -> tuple[Steps, Steps]:
    """Where each of `count` windows over start…end begins and ends, (k, count) each; they overlap where they must."""
    steps, length = np.arange(count), (end - start)[:, None]
    return start[:, None] + steps * length // count, start[:, None] - (steps + 1) * -length // count


def _means(
    between: Callable[[Steps, Steps], Table], top: Steps, bottom: Steps, left: Steps, right: Steps
) -> NDArray[np.float32]:
    """The means (k, 3, …) over windows, whose sums from some rows to others `between` tells.

    Windows with more pixels than a channel has room for are summed in several strips.
    """
    rows, columns = bottom - top, right - left
    strips = max(1, math.ceil(rows.max(initial=0) * columns.max(initial=0) / _MOST))
    edges = [top + rows * number // strips for number in range(strips + 1)]
    sums = _channels(between(edges[0], edges[1]))
    for first, last in pairwise(edges[1:]):
        sums += _channels(between(first, last))
    sums /= (rows[:, :, None] * columns[:, None]).astype(np.float32)[:, None]
    return sums


def _channels(sums: Table) -> NDArray[np.float32]:
    """The channels of sums, (k, 3, height, width)."""
    if sums.ndim == 4:
        return np.ascontiguousarray(sums.transpose(0, 3, 1, 2), dtype=np.float32)
    channels = np.empty((len(sums), 3, *sums.shape[1:]), np.float32)
    for number in range(3):
        channels[:, number] = (sums >> np.uint64(number * _BITS)) & _CHANNEL
    return channels
