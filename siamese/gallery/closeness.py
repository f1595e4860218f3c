"""Aligned crops → how nearly two of them are the same picture: Pearson correlation of the pixels inside the face.

SAME_PICTURE is the bound, and this is why it lies where it does. Over FER+'s training images, aligned, the correlation
of an image with the most similar other one has two humps. Different pictures reach about 0.8; the same photo, cut or
scaled differently (FER2013 holds many), lies close to 1; at 0.9 to 0.92 is the valley between them. Below the bound, a
composite is no nearer to any source than two different photos are to each other.

The mean of n pictures that correlate with one another at ρ correlates with each of them at √((1 + (n − 1) ρ) / n): with
n = 16 that stays below the bound for ρ under 0.79, while a picture that dominates its average tends to 1. Averages of
similar frontal faces do reach the bound, and are dropped. A test measures the humps again where the data are at hand.
"""

import numpy as np
from numpy.typing import NDArray

from siamese.faces.align import CROP_SIZE

SAME_PICTURE = 0.9

_HALF_WIDTH, _HALF_HEIGHT = 0.40, 0.46  # of the face's ellipse, in shares of the aligned crop
_BLOCK = 1024


def ellipse_radius(size: int) -> NDArray[np.float64]:
    """Each pixel's distance from the middle of an aligned picture (size, size), 1 on the edge of the face's ellipse."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size - 0.5
    return np.hypot(x / _HALF_WIDTH, y / _HALF_HEIGHT)


def patterns(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The face's pixels of crops (n, 48, 48), or of larger ones averaged down to that, each row with mean 0 and length
    1: inner products are correlations."""
    count, size = crops.shape[:2]
    blocks = crops.reshape(count, CROP_SIZE, size // CROP_SIZE, CROP_SIZE, size // CROP_SIZE)
    pixels = blocks.mean(axis=(2, 4), dtype=np.float32)[:, ellipse_radius(CROP_SIZE) < 1]
    pixels -= pixels.mean(axis=1, keepdims=True)
    return pixels / np.maximum(np.linalg.norm(pixels, axis=1, keepdims=True), 1e-6)


def closest_source(crop: NDArray[np.uint8], sources: NDArray[np.float32]) -> tuple[int, float]:
    """The row of `sources` (their `patterns`) that a crop correlates with most, and that correlation."""
    correlations = sources @ patterns(crop[None])[0]
    row = int(correlations.argmax())
    return row, float(correlations[row])


def closest_others(sources: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """For each of `rows`, the highest correlation of that source with any other, (len(rows),)."""
    highest = []
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        correlations = sources[block] @ sources.T
        correlations[np.arange(len(block)), block] = -1
        highest.append(correlations.max(axis=1))
    return np.concatenate(highest)


def distinct(sources: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows that are left when every picture that repeats an earlier one kept (SAME_PICTURE or above) is dropped."""
    repeated = np.zeros(len(sources), dtype=bool)
    for start in range(0, len(sources), _BLOCK):
        alike = sources[start : start + _BLOCK] @ sources[start:].T >= SAME_PICTURE
        for place, others in enumerate(alike):
            if not repeated[start + place]:
                repeated[start + place + 1 :] |= others[place + 1 :]
    return np.flatnonzero(~repeated)


def symmetry(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How alike each crop (n, size, size) and its mirror image are, (n,): high for a face seen from the front."""
    return np.einsum("np,np->n", patterns(crops), patterns(crops[:, :, ::-1]))
