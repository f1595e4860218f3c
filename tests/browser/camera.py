"""A portrait → the file of a camera before which it moves, for a browser that plays it."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 640, 480
_FRAMES = 60
_SIDE, _SWAY = 460, 40  # pixels


def moving_frames(portrait: NDArray[np.uint8], frames: int = _FRAMES) -> list[Image.Image]:
    """The portrait on grey ground, swaying once around the middle of each of so many frames."""
    picture = Image.fromarray(portrait).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    found = []
    for number in range(frames):
        angle = 2 * math.pi * number / frames
        frame = Image.new("RGB", (WIDTH, HEIGHT), (110, 116, 124))
        left = (WIDTH - _SIDE) / 2 + _SWAY * math.cos(angle)
        top = (HEIGHT - _SIDE) / 2 + _SWAY / 4 * math.sin(2 * angle)
        frame.paste(picture, (round(left), round(top)))
        found.append(frame)
    return found


def write_camera(portrait: NDArray[np.uint8], path: Path) -> Path:
    """The frames as the file of a fake camera of Chromium: JPEGs one after the other, named .mjpeg."""
    with path.open("wb") as file:
        for frame in moving_frames(portrait):
            frame.save(file, "JPEG", quality=90)
    return path
