"""A face's portrait → the small WebP picture that stands for it in the gallery; its crop ⇄ a PNG file."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL_SIZE = 160  # pixels, the longer side
_QUALITY = 86


def encode(portrait: NDArray[np.uint8], size: int = THUMBNAIL_SIZE) -> bytes:
    """A WebP file of a portrait (height, width[, 3]) uint8, grey or RGB, shrunk to `size` pixels where it is larger."""
    picture = Image.fromarray(portrait).convert("RGB")
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=6)
    return file.getvalue()


def pack(crop: NDArray[np.uint8]) -> bytes:
    """A PNG file of a crop (height, width) uint8, from which it comes back as it was."""
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "PNG", optimize=True)
    return file.getvalue()


def unpack(crop: bytes) -> NDArray[np.uint8]:
    """The crop of `pack`, (height, width) uint8."""
    return np.asarray(Image.open(io.BytesIO(crop)))


def decode(thumbnail: bytes) -> NDArray[np.uint8]:
    """The picture of `encode`, RGB (height, width, 3) uint8."""
    return np.asarray(Image.open(io.BytesIO(thumbnail)).convert("RGB"))
