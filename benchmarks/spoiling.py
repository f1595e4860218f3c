"""Grey images → copies as a bad photo would show them, the same from the same seed: how well are these still read?"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

DARK = 0.3  # times the light
BRIGHT = 1.8  # times the light; what is above white is lost
BLUR = 1.5  # pixels, the deviation of a Gaussian
NOISE = 25.0  # grey levels of 255, the deviation of a Gaussian
TURN = 20.0  # degrees
HIDDEN = 128  # grey level of what lies before a half

Images = NDArray[np.uint8]
Spoiling = Callable[[Images, np.random.Generator], Images]


def lit(images: Images, times: float) -> Images:
    """Images (n, height, width) uint8 in so many times the light; beyond white they stay white."""
    return _grey(images * np.float32(times))


def blurred(images: Images, deviation: float = BLUR) -> Images:
    """Images (n, height, width) uint8 out of focus, by a Gaussian of so many pixels; the border is repeated."""
    return _grey(ndimage.gaussian_filter(images.astype(np.float32), (0, deviation, deviation), mode="nearest"))


def noisy(images: Images, chance: np.random.Generator, deviation: float = NOISE) -> Images:
    """Images (n, height, width) uint8 with noise of so many grey levels at each pixel."""
    return _grey(images + chance.normal(0, deviation, images.shape))


def turned(images: Images, degrees: float) -> Images:
    """Images (n, height, width) uint8 turned counter-clockwise about their middle; the border is repeated."""
    around = ndimage.rotate(images.astype(np.float32), degrees, axes=(2, 1), reshape=False, order=1, mode="nearest")
    return _grey(around)


def turned_either_way(images: Images, chance: np.random.Generator, degrees: float = TURN) -> Images:
    """Each of the images (n, height, width) uint8 turned by so many degrees to the left or to the right, by chance."""
    left = chance.integers(2, size=len(images)).astype(bool)
    return np.where(left[:, None, None], turned(images, degrees), turned(images, -degrees))


def half_hidden(images: Images, chance: np.random.Generator, level: int = HIDDEN) -> Images:
    """Each of the images (n, height, width) uint8 with its left, right, upper or lower half in even grey, by chance."""
    down, across = (np.arange(size) < size // 2 for size in images.shape[1:])
    shape = images.shape[1:]
    upper, left = np.broadcast_to(down[:, None], shape), np.broadcast_to(across, shape)
    halves = np.stack([upper, ~upper, left, ~left])
    return np.where(halves[chance.integers(4, size=len(images))], np.uint8(level), images)


def _grey(values: NDArray[np.floating]) -> Images:
    return values.round().clip(0, 255).astype(np.uint8)


CLEAN = "as they are"
SPOILINGS: Mapping[str, Spoiling] = {
    CLEAN: lambda images, chance: images,
    "darkened": lambda images, chance: lit(images, DARK),
    "brightened": lambda images, chance: lit(images, BRIGHT),
    "blurred": lambda images, chance: blurred(images),
    "noisy": noisy,
    "rotated": turned_either_way,
    "half-hidden": half_hidden,
}
