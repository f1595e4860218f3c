"""Photo and five landmarks → the square face crop that the network sees, in use and in training alike."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CROP_SIZE = 48  # pixels; the resolution of the training data, so that no photo is sharper than what was learned from
INPUT_SIZE = 96  # pixels of the crop as it is drawn: turned on a grid as coarse as its own, a picture would be blurred

SHARPEST = 1.5  # photo pixels per crop pixel; what has more is averaged down to CROP_SIZE before it is drawn
_AS_IT_IS = np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32)

_ENOUGH_DENSITY = 4  # photo pixels per crop pixel; a photo of twice that or more is first shrunk, which spares memory
_ENOUGH_FOR_EYES = 2  # the same, of what people look at, which may be a little less exact

# The median landmarks (left eye, right eye, nose, mouth corners) of the FER+ training images in which the detector
# finds a face, as (x, y) on a 48×48 crop. Written by `python -m siamese.datasets.crops`.
TEMPLATE: NDArray[np.float32] = np.array(
    [[15.4, 19.0], [33.4, 18.6], [24.4, 29.2], [17.2, 38.0], [32.0, 37.8]], dtype=np.float32
)


def alignment(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """The similarity transforms from crop to photo coordinates that lay TEMPLATE on landmarks, by least squares.

    `landmarks` is (n, 5, 2); the answer (n, 2, 3) maps a crop point (x, y, 1) to the photo. With four unknowns (scale
    and rotation as one complex number, and the shift) the solution is closed: regression of complex numbers.
    """
    crop = TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]
    photo = landmarks[..., 0] + 1j * landmarks[..., 1]
    crop_centred = crop - crop.mean()
    photo_mean = photo.mean(axis=-1)
    turn = ((photo - photo_mean[..., None]) * crop_centred.conj()).sum(axis=-1) / (np.abs(crop_centred) ** 2).sum()
    shift = photo_mean - turn * crop.mean()
    rows = [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    return np.moveaxis(np.asarray(rows, dtype=np.float32), (0, 1), (-2, -1))


def box_transform(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """The transform (2, 3) from crop to photo that stretches a box (left, top, right, bottom) over the crop."""
    left, top, right, bottom = (float(edge) for edge in box)
    return np.array(
        [[(right - left) / CROP_SIZE, 0, left], [0, (bottom - top) / CROP_SIZE, top]],
        dtype=np.float32,
    )


def whole_picture(height: int, width: int) -> NDArray[np.float32]:
    """The transform (2, 3) that takes a picture's whole area as the face."""
    return box_transform(np.array([0, 0, width, height], dtype=np.float32))


def warp(photo: NDArray[np.uint8], transform: NDArray[np.float32], size: int = CROP_SIZE) -> NDArray[np.uint8]:
    """The crop that a crop-to-photo transform cuts out, (size, size[, 3]) uint8, area-averaged where it shrinks.

    Samples on a grid fine enough for the photo's resolution and averages it down; outside the photo its border is
    repeated. `transform` is for a crop of CROP_SIZE; `size` only changes how finely that crop is drawn.
    """
    return cutting(photo, transform, size)()


def cutting(
    photo: NDArray[np.uint8], transform: NDArray[np.float32], size: int = CROP_SIZE
) -> Callable[[], NDArray[np.uint8]]:
    """What cuts that crop out whenever it is called; of the photo it keeps what it needs, at the size that it needs."""
    region, transform = _surroundings(photo, transform)
    enough = _ENOUGH_FOR_EYES if size > CROP_SIZE else _ENOUGH_DENSITY
    spare = int(density(transform, size) // enough)
    if spare > 1:
        region, transform = np.asarray(Image.fromarray(region).reduce(spare)), transform / np.float32(spare)
    return partial(_cut, region, transform, size)


def _cut(region: NDArray[np.uint8], transform: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    oversampling = max(1, math.ceil(density(transform, size) - 0.01))
    sampled = _sampled(np.atleast_3d(region), transform, size * oversampling)
    crop = sampled.reshape(size, oversampling, size, oversampling, -1).mean(axis=(1, 3))
    return crop.round().clip(0, 255).astype(np.uint8).reshape(size, size, *region.shape[2:])


def face_crop(photo: NDArray[np.uint8], transform: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The network's input, (INPUT_SIZE, INPUT_SIZE) uint8 grey, cut from an RGB or grey photo.

    Training data are sampled as finely as they are; of a photo with more pixels only as much is kept as they have.
    """
    region, transform = _surroundings(photo, transform)
    grey = region if region.ndim == 2 else np.asarray(Image.fromarray(region).convert("L"))
    if density(transform) > SHARPEST:
        return as_input(warp(grey, transform))
    return warp(grey, transform, INPUT_SIZE)


def as_input(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop (CROP_SIZE, CROP_SIZE) drawn as the network's input is; one of INPUT_SIZE stays as it is."""
    return crop if len(crop) == INPUT_SIZE else warp(crop, _AS_IT_IS, INPUT_SIZE)


def _sampled(photo: NDArray[np.uint8], transform: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """A crop (size, size, channels) of a photo (height, width, channels), bilinear, the photo's border repeated."""
    height, width, channels = photo.shape
    steps = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(CROP_SIZE / size)
    x, y = (row[0] * steps[None, :] + row[1] * steps[:, None] + (row[2] - np.float32(0.5)) for row in transform)
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    pixels = photo.reshape(-1, channels)
    across, down = (x - left)[..., None], (y - top)[..., None]

    def row(of: NDArray[np.int32]) -> NDArray[np.float32]:
        first, second = (pixels.take(of * width + column, axis=0).astype(np.float32) for column in (left, right))
        return first + (second - first) * across

    upper, lower = row(top), row(bottom)
    return upper + (lower - upper) * down


def density(transform: NDArray[np.float32], size: int = CROP_SIZE) -> float:
    """How many photo pixels lie along one pixel of a crop of `size`, in the direction in which most do.

    `transform` (2, 3) is from crop to photo.
    """
    return float(np.linalg.norm(transform[:, :2], ord=2)) * CROP_SIZE / size


def _surroundings(
    photo: NDArray[np.uint8], transform: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The part of a photo that a transform touches, and the transform in its coordinates; spares copying the rest."""
    height, width = photo.shape[:2]
    corners = np.array([[0, 0, 1], [CROP_SIZE, 0, 1], [0, CROP_SIZE, 1], [CROP_SIZE, CROP_SIZE, 1]], dtype=np.float32)
    points = corners @ transform.T
    left, top = np.clip(np.floor(points.min(axis=0)) - 2, 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(points.max(axis=0)) + 2, [left + 1, top + 1], [width, height]).astype(int)
    moved = transform.copy()
    moved[:, 2] -= (left, top)
    return np.ascontiguousarray(photo[top:bottom, left:right]), moved
