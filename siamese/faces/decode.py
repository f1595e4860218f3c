"""A photo as a path, bytes, PIL image or array → an RGB array, upright, within the limits, or a sentence why not."""

import io
import warnings
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from siamese.errors import ImageError
from siamese.settings import DecodeLimits

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_FORMAT_NAMES = "JPEG, PNG, WebP, BMP, GIF or TIFF"
_WHITE = (255, 255, 255, 255)
_SIXTEEN_TO_EIGHT_BITS = 65535 // 255
_DEPTHLESS_MODES = ("I", "F")  # 32-bit numbers, of which nothing says what white is

Photo = str | PathLike[str] | bytes | Image.Image | NDArray[np.uint8] | NDArray[np.uint16]

# Pillow's own check warns at 89 megapixels; the one here refuses, at a limit that can be set.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode(photo: Photo, limits: DecodeLimits | None = None) -> NDArray[np.uint8]:
    """A photo → RGB (height, width, 3) uint8, writable, turned upright as its EXIF orientation says.

    Files and bytes may be JPEG, PNG, WebP, BMP, GIF or TIFF (of several frames, the first); arrays are uint8 or uint16
    of shape (height, width) or (height, width, 1…4): grey, grey with alpha, RGB, RGBA. 16 bits are scaled to 8, and
    transparency is laid on white. The limits are checked before pixels are decoded. Raises ImageError for what is
    missing, empty, too large, truncated or not a photo.
    """
    limits = limits or DecodeLimits()
    if isinstance(photo, np.ndarray):
        return _from_array(photo, limits)
    if isinstance(photo, Image.Image):
        return _from_image(photo, "The picture", limits)
    if isinstance(photo, bytes | bytearray | memoryview):
        return _from_bytes(bytes(photo), "The photo", limits)
    if isinstance(photo, str | PathLike):
        path = Path(photo)
        return _from_bytes(read(path, limits), path.name, limits)
    raise ImageError(f"A photo is a path, bytes, a PIL image or an RGB array; this is a {type(photo).__name__}.")


def read(path: Path, limits: DecodeLimits) -> bytes:
    """A photo's file as it is, not yet decoded. Raises ImageError for what is missing, a folder, empty or too large."""
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder. Choose a photo in it.")
        _check_bytes(path.stat().st_size, path.name, limits)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {path}. Check its name and folder.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _from_bytes(content: bytes, name: str, limits: DecodeLimits) -> NDArray[np.uint8]:
    _check_bytes(len(content), name, limits)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(f"{name} claims more pixels than any photo has", limits) from error
    except Exception as error:  # each of Pillow's decoders raises its own classes for bytes that it cannot follow
        raise _damaged(name) if _starts_like_an_image(content) else _not_an_image(name) from error
    with image:
        return _from_image(image, name, limits)


def _from_image(image: Image.Image, name: str, limits: DecodeLimits) -> NDArray[np.uint8]:
    _check_pixels(image.width, image.height, name, limits)
    try:
        image.load()
        upright = ImageOps.exif_transpose(image)
    except Exception as error:  # as above
        raise _damaged(name) from error
    return np.array(_rgb(upright, name))


def _from_array(array: NDArray, limits: DecodeLimits) -> NDArray[np.uint8]:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or not 1 <= channels <= 4:
        raise ImageError(f"An array of shape {array.shape} is not a photo: give (height, width, 3), RGB.")
    if array.dtype not in (np.uint8, np.uint16):
        raise ImageError(
            f"An array of {array.dtype} has no agreed white: give uint8, 0 to 255, or uint16, 0 to 65535. "
            "For 0 to 1, that is (array * 255).round().astype('uint8')."
        )
    _check_pixels(array.shape[1], array.shape[0], "The array", limits)
    if array.dtype == np.uint8 and channels == 3:
        return np.array(array, order="C")
    pixels = _eight_bits(array) if array.dtype == np.uint16 else array
    return np.array(_rgb(Image.fromarray(pixels[..., 0] if channels == 1 and array.ndim == 3 else pixels), "The array"))


def _rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode in _DEPTHLESS_MODES:
        raise ImageError(f"{name} holds 32-bit numbers without an agreed white. Save it with 8 or 16 bits.")
    try:
        return _on_white(image) if image.has_transparency_data else image.convert("RGB")
    except ValueError as error:
        raise ImageError(f"{name} has colours ({image.mode}) that cannot be shown. Save it as RGB.") from error


def _on_white(image: Image.Image) -> Image.Image:
    picture = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, _WHITE), picture).convert("RGB")


def _eight_bits(pixels: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return np.rint(pixels / np.float32(_SIXTEEN_TO_EIGHT_BITS)).astype(np.uint8)


def _starts_like_an_image(content: bytes) -> bool:
    """Whether one of Pillow's readers knows the first bytes, whatever became of the others."""
    accepts = (Image.OPEN[name][1] for name in FORMATS)
    return any(accept is not None and accept(content[:16]) is True for accept in accepts)


def _check_bytes(size: int, name: str, limits: DecodeLimits) -> None:
    if size == 0:
        raise ImageError(f"{name} is empty: it has no bytes. Choose another.")
    if size > limits.max_file_bytes:
        raise ImageError(
            f"{name} is too large: it has {size / 1e6:.1f} MB, "
            f"and at most {limits.max_file_bytes / 1e6:g} MB are read. Save it smaller."
        )


def _check_pixels(width: int, height: int, name: str, limits: DecodeLimits) -> None:
    if width * height == 0:
        raise ImageError(f"{name} is empty: it is {width} × {height} pixels. Choose another.")
    if width * height > limits.max_pixels:
        raise _too_many_pixels(f"{name} is {width} × {height}, {width * height / 1e6:.1f} megapixels", limits)


def _too_many_pixels(what: str, limits: DecodeLimits) -> ImageError:
    return ImageError(f"Too large: {what}, and at most {limits.max_pixels / 1e6:g} megapixels are read. Scale it down.")


def _damaged(name: str) -> ImageError:
    return ImageError(f"{name} is truncated or damaged: the picture ends or breaks off too early. Fetch it again.")


def _not_an_image(name: str) -> ImageError:
    return ImageError(f"{name} is not an image that can be read. Give a {_FORMAT_NAMES} file.")
