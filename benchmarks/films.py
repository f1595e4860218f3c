"""Composite faces → made videos in which a face changes its expression at known times, as long as one likes.

Faces are averages of many, as they ship in the gallery, and so no single person's.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.scenes import enlarged
from siamese.gallery.gallery import Gallery

RATE = 25  # frames a second
BLEND = 0.4  # seconds in which one expression turns into the next
LOOKS = 8  # different faces in a film, one of each expression first
SHORTEST, LONGEST = 1.0, 12.0  # seconds, that a scene lasts

_FACE_SHARE = 0.55  # of a frame's height, that the face takes
_SWAY = 0.06  # of the face's side, that it moves to each side
_LIGHT = 0.08  # share by which the light changes, slowly
_NOISE = 3.0  # standard deviation, in grey levels


@dataclass(frozen=True, eq=False)
class Look:
    """A face (side, side) grey that shows this emotion."""

    emotion: str
    face: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Scene:
    """From when until when, in seconds, a film shows which of its looks."""

    start: float
    end: float
    look: int


@dataclass(frozen=True, eq=False)
class Film:
    """What a film shows when. Where it is not `still`, the head sways, the light drifts, and the picture is noisy."""

    looks: tuple[Look, ...]
    scenes: tuple[Scene, ...]
    still: bool
    seed: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.scenes[-1].end


def looks_of(gallery: Gallery) -> list[Look]:
    """The composites of a gallery."""
    return [
        Look(item.emotion, np.asarray(Image.open(io.BytesIO(item.thumbnail)).convert("L"))) for item in gallery.items
    ]


def made_film(looks: Sequence[Look], seconds: float, still: bool, seed: int) -> Film:
    """A film of eight looks by chance, of as many expressions as there are; some last longer, and some come again."""
    chance = np.random.default_rng(seed)
    emotions = sorted({look.emotion for look in looks})
    chosen = []
    for place in range(LOOKS):
        fitting = [look for look in looks if look.emotion == emotions[place % len(emotions)]]
        chosen.append(fitting[chance.integers(len(fitting))])
    scenes: list[Scene] = []
    order = chance.permutation(LOOKS).tolist()
    while (start := scenes[-1].end if scenes else 0.0) < seconds:
        others = [look for look in range(LOOKS) if not scenes or look != scenes[-1].look]
        look = order.pop() if order else int(chance.choice(others))
        lasts = float(np.exp(chance.uniform(np.log(SHORTEST), np.log(LONGEST))))
        scenes.append(Scene(start, min(seconds, start + lasts), look))
    return Film(tuple(chosen), tuple(scenes), still, seed)


def frames(film: Film, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    """Its frames, RGB (height, width, 3)."""
    chance = np.random.default_rng(film.seed)
    behind = enlarged(Image.fromarray(skimage.data.brick()), width, height)
    side = round(height * _FACE_SHARE)
    faces = [np.asarray(Image.fromarray(look.face).resize((side, side)), np.float32) for look in film.looks]
    mask = _mask(side)
    # Noise of its own for each frame would cost more than all else; here each takes another part of the same.
    grain = chance.normal(0, 0 if film.still else _NOISE, (height + 64, width + 64, 1)).astype(np.float32)
    for number in range(round(film.seconds * RATE)):
        seconds = number / RATE
        sway = 0.0 if film.still else _SWAY * side
        left = (width - side) // 2 + round(sway * np.sin(1.1 * seconds))
        top = (height - side) // 2 + round(sway * np.cos(0.7 * seconds))
        picture = behind.astype(np.float32)
        part = picture[top : top + side, left : left + side]
        part += mask * (_face(film, faces, seconds)[..., None] - part)
        picture *= 1 if film.still else 1 + _LIGHT * np.sin(0.5 * seconds)
        y, x = chance.integers(0, 64, 2)
        yield np.clip(picture + grain[y : y + height, x : x + width], 0, 255).astype(np.uint8)


def write(film: Film, path: Path, width: int, height: int) -> Path:
    """The film as an H.264 file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "22"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in frames(film, width, height):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def repeat(path: Path, times: int, out: Path) -> Path:
    """The same video so many times over, as it is encoded."""
    with av.open(str(out), "w") as copy:
        copied = None
        for turn in range(times):
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                copied = copied or copy.add_stream_from_template(stream)
                shift = round(turn * Fraction(container.duration, av.time_base) / stream.time_base)
                for packet in container.demux(stream):
                    if packet.dts is not None and packet.pts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, copied
                        copy.mux(packet)
    return out


def _face(film: Film, faces: Sequence[NDArray[np.float32]], seconds: float) -> NDArray[np.float32]:
    """The face at a time, which in the first moments of a scene is still partly that of the scene before."""
    place = next(number for number, scene in enumerate(film.scenes) if seconds < scene.end)
    scene = film.scenes[place]
    face = faces[scene.look]
    share = min(1.0, (seconds - scene.start) / BLEND)
    return face if place == 0 or share == 1 else share * face + (1 - share) * faces[film.scenes[place - 1].look]


def _mask(side: int) -> NDArray[np.float32]:
    """An oval, soft at its edge."""
    oval = Image.new("L", (side, side))
    inset = side * 0.04
    ImageDraw.Draw(oval).ellipse((1.5 * inset, inset, side - 1.5 * inset, side - inset), fill=255)
    return np.asarray(oval.filter(ImageFilter.GaussianBlur(side / 40)), np.float32)[..., None] / 255
