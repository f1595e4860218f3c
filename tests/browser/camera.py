"""A portrait → the file of a camera before which it moves, for a browser that plays it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.scenes import swaying

WIDTH, HEIGHT, FRAMES = 640, 480, 60  # pixels; frames of each portrait, of 30 a second
_FADE = 8  # frames


def write_camera(frames: list[NDArray[np.uint8]], path: Path) -> Path:
    """Frames as the file of a fake camera of Chromium: JPEGs one after the other, named .mjpeg."""
    with path.open("wb") as file:
        for frame in frames:
            Image.fromarray(frame).save(file, "JPEG", quality=90)
    return path


def moving(portrait: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The portrait, swaying."""
    return swaying(portrait, WIDTH, HEIGHT, FRAMES)


def changing(portraits: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Portraits one after another, each for two seconds, fading into the next."""
    shown = [swaying(portrait, WIDTH, HEIGHT, FRAMES) for portrait in portraits]
    found = []
    for number, frames in enumerate(shown):
        coming = shown[(number + 1) % len(shown)]
        for index, frame in enumerate(frames):
            share = max(0.0, (index - FRAMES + _FADE) / _FADE)
            found.append((frame * (1 - share) + coming[index] * share).astype(np.uint8))
    return found
