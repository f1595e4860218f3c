"""An image and where its face lies in it → the crops that a choice made at test time looks at, and their mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.exposure import equalize_adapthist, equalize_hist

from siamese.faces.align import CROP_SIZE, face_crop
from siamese.faces.contrast import stretched

GAMMA = 1.5  # exponent of brightness in 0…1: a crop is shown darker by it, and brighter by its inverse
ZOOM = 1.08  # times as near, and as far
SHIFT = 2.0  # crop pixels, along both axes
CLAHE_TILE = 24  # crop pixels, a side of the tiles whose histograms are equalised
CLAHE_CLIP = 0.02  # of a tile's pixels, at most so many in one of the histogram's bins

Crop = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """One way to look at a face: cut out so much larger, shifted by (x, y) crop pixels, and retouched."""

    size: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    retouch: Callable[[Crop], Crop] = lambda crop: crop

    def crop(self, image: NDArray[np.uint8], transform: NDArray[np.float32]) -> Crop:
        """The crop (96, 96) uint8 of an image by the crop-to-image transform (2, 3) of the face as it is aligned."""
        return self.retouch(face_crop(image, moved(transform, self.size, self.shift)))


@dataclass(frozen=True)
class Choice:
    """What a face is read from: the mean over some views and, with `mirror`, over their mirror images."""

    views: tuple[str, ...]
    mirror: bool = True


def moved(transform: NDArray[np.float32], size: float, shift: tuple[float, float]) -> NDArray[np.float32]:
    """The crop-to-image transform (2, 3) of a crop so many times as large about its middle, shifted in crop pixels."""
    middle = np.full(2, CROP_SIZE / 2)
    turn, start = transform[:, :2], transform[:, 2]
    return np.column_stack([turn * size, start + turn @ (middle - size * middle + shift)]).astype(np.float32)


def with_gamma(crop: Crop, gamma: float) -> Crop:
    """A crop uint8 whose brightness, in 0…1, is raised to a power: darker above one, brighter below."""
    return _grey((crop / 255) ** gamma)


def equalised(crop: Crop) -> Crop:
    """A crop uint8 in which every brightness is as frequent as any other."""
    return _grey(equalize_hist(crop))


def equalised_in_tiles(crop: Crop) -> Crop:
    """CLAHE (Zuiderveld 1994): a crop uint8 equalised tile by tile, where contrast is raised to a limit only."""
    return _grey(equalize_adapthist(crop, kernel_size=CLAHE_TILE, clip_limit=CLAHE_CLIP))


def _grey(shares: NDArray[np.floating]) -> Crop:
    return (255 * shares).round().clip(0, 255).astype(np.uint8)


VIEWS: Mapping[str, View] = {
    "as it is": View(),
    "darker": View(retouch=lambda crop: with_gamma(crop, GAMMA)),
    "brighter": View(retouch=lambda crop: with_gamma(crop, 1 / GAMMA)),
    "nearer": View(size=1 / ZOOM),
    "farther": View(size=ZOOM),
    "up and left": View(shift=(-SHIFT, -SHIFT)),
    "down and right": View(shift=(SHIFT, SHIFT)),
    "stretched": View(retouch=lambda crop: stretched(crop[None])[0]),
    "equalised": View(retouch=equalised),
    "CLAHE": View(retouch=equalised_in_tiles),
}

SHIPPED = "flip"
_ONE = ("as it is",)
_BRIGHTNESS = (*_ONE, "darker", "brighter")
_CROPS = (*_ONE, "nearer", "farther", "up and left", "down and right")
CHOICES: Mapping[str, Choice] = {
    "plain": Choice(_ONE, mirror=False),
    SHIPPED: Choice(_ONE),
    "flip, stretched": Choice(("stretched",)),
    "flip, equalised": Choice(("equalised",)),
    "flip, CLAHE": Choice(("CLAHE",)),
    "flip, with and without CLAHE": Choice((*_ONE, "CLAHE")),
    "flip, with and without stretching": Choice((*_ONE, "stretched")),
    "flip, 3 brightnesses": Choice(_BRIGHTNESS),
    "5 crops": Choice(_CROPS, mirror=False),
    "flip, 5 crops": Choice(_CROPS),
    "flip, 5 crops and 3 brightnesses": Choice((*_CROPS, "darker", "brighter")),
}
