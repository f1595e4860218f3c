"""Faces and backgrounds → photos with faces at known places, for benchmarks that want many or large ones."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images

SIZES = ((320, 240), (640, 480), (1280, 720), (1000, 1400))  # of photos, (width, height)
_SMALLEST, _LARGEST = 1 / 16, 2 / 3  # of the shorter side, that a face spans
_SWAY = 1 / 12  # of a frame's height, to either side
_FEATHER = 0.06  # of a face's side, over which it fades into the background


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo (height, width, 3) uint8 and where its faces are, (k, 4) as (left, top, right, bottom) in its pixels."""

    photo: NDArray[np.uint8]
    faces: NDArray[np.float32]


def backgrounds() -> list[Image.Image]:
    """Fifteen pictures without a person, from scikit-image and scikit-learn."""
    names = (
        "chelsea coffee rocket hubble_deep_field brick grass gravel page text immunohistochemistry retina colorwheel"
    )
    pictures = [getattr(skimage.data, name)() for name in names.split()]
    pictures += [skimage.data.stereo_motorcycle()[0], *load_sample_images().images]
    return [Image.fromarray(picture[..., :3] if picture.ndim == 3 else picture).convert("RGB") for picture in pictures]


def made_scenes(faces: NDArray[np.uint8], count: int, seed: int) -> list[Scene]:
    """Photos with none to three of the faces (n, side, side) grey, at places and sizes by chance, none over another."""
    chance, behind = np.random.default_rng(seed), backgrounds()
    return [_scene(faces, behind[number % len(behind)], SIZES[number % len(SIZES)], chance) for number in range(count)]


def enlarged(photo: Image.Image, width: int, height: int) -> NDArray[np.uint8]:
    """The photo cut in its middle to that shape, and scaled to that size, (height, width, 3) uint8."""
    scale = max(width / photo.width, height / photo.height)
    size = (max(width, round(photo.width * scale)), max(height, round(photo.height * scale)))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    scaled = photo.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    return np.asarray(scaled.crop((left, top, left + width, top + height)))


def framed(photo: Image.Image, width: int, height: int) -> NDArray[np.uint8]:
    """The whole photo in the middle of a grey picture of that size, (height, width, 3) uint8."""
    frame = Image.new("RGB", (width, height), (110, 110, 110))
    scale = min(width / photo.width, height / photo.height)
    size = (round(photo.width * scale), round(photo.height * scale))
    frame.paste(photo.resize(size, Image.Resampling.BICUBIC), ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.asarray(frame)


def swaying(picture: NDArray[np.uint8], width: int, height: int, frames: int) -> list[NDArray[np.uint8]]:
    """The picture on grey ground before a camera of that size, swaying once around the middle of so many frames."""
    scale = 0.95 * min(width / picture.shape[1], height / picture.shape[0])
    shown = Image.fromarray(picture)
    shown = shown.resize((round(shown.width * scale), round(shown.height * scale)), Image.Resampling.LANCZOS)
    found = []
    for angle in np.linspace(0, 2 * np.pi, frames, endpoint=False):
        frame = Image.new("RGB", (width, height), (110, 116, 124))
        left = (width - shown.width) / 2 + _SWAY * height * np.cos(angle)
        top = (height - shown.height) / 2 + _SWAY / 4 * height * np.sin(2 * angle)
        frame.paste(shown, (round(left), round(top)))
        found.append(np.asarray(frame))
    return found


def feathered(side: int) -> Image.Image:
    """A mask of that side to paste a face by: opaque within, and less so towards the edge."""
    distance = np.minimum(np.arange(side), np.arange(side)[::-1]) + 1
    share = np.clip(np.minimum.outer(distance, distance) / max(1.0, _FEATHER * side), 0, 1)
    return Image.fromarray((share * 255).astype(np.uint8))


def _scene(faces: NDArray[np.uint8], behind: Image.Image, size: tuple[int, int], chance: np.random.Generator) -> Scene:
    photo = Image.fromarray(enlarged(_part(behind, chance), *size))
    placed: list[tuple[int, int, int, int]] = []
    for _ in range(chance.integers(0, 4)):
        side = round(min(size) * float(np.exp(chance.uniform(np.log(_SMALLEST), np.log(_LARGEST)))))
        left, top = (int(chance.integers(0, length - side + 1)) for length in size)
        box = (left, top, left + side, top + side)
        if not any(_touch(box, other) for other in placed):
            face = Image.fromarray(faces[chance.integers(len(faces))]).resize((side, side), Image.Resampling.BICUBIC)
            photo.paste(face.convert("RGB"), (left, top), feathered(side))
            placed.append(box)
    return Scene(np.asarray(photo), np.array(placed, np.float32).reshape(-1, 4))


def _part(picture: Image.Image, chance: np.random.Generator) -> Image.Image:
    """At least half of a picture's width and height, from anywhere in it, or of its mirror image."""
    share, left, top = chance.uniform(0.5, 1), *chance.uniform(0, 1, 2)
    width, height = round(picture.width * share), round(picture.height * share)
    x, y = round((picture.width - width) * left), round((picture.height - height) * top)
    part = picture.crop((x, y, x + width, y + height))
    return ImageOps.mirror(part) if chance.random() < 0.5 else part


def _touch(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def group_photos(folder: Path) -> list[Image.Image]:
    """The photos of people that `make setup-test` fetches, in name order."""
    return [Image.open(path).convert("RGB") for path in sorted(folder.glob("sample*.jpg"))]
