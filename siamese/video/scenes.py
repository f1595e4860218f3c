"""Frames, one after another → the scene of an edited film that each belongs to.

Pictures are compared by the correlation of their miniatures, which does not mind noise, exposure or small moves.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 16  # pixels of a miniature
_SAMPLES = (
    6  # of a picture's pixels, at least, that a miniature's is the mean of, each way; all would cost milliseconds
)


def miniature(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture, grey (height, width) or RGB (height, width, 3), as a vector (256,) of mean 0 and length 1.

    The inner product of two is their pixels' correlation. That of an even picture is all zeros.
    """
    step = max(1, min(picture.shape[:2]) // (_SIDE * _SAMPLES))
    sampled = Image.fromarray(np.ascontiguousarray(picture[::step, ::step]))
    pixels = np.asarray(sampled.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32).ravel()
    centred = pixels - pixels.mean()
    return centred / max(1.0, float(np.linalg.norm(centred)))


class Scenes:
    """Tells where a film cuts: where a frame is less like the one before than `least`."""

    def __init__(self, least: float) -> None:
        self._least = least
        self._before: NDArray[np.float32] | None = None

    def cut(self, frame: NDArray[np.uint8]) -> bool:
        """Whether another scene begins with this frame, (height, width, 3) uint8; the first begins none."""
        before, now = self._before, miniature(frame)
        self._before = now
        return before is not None and float(before @ now) < self._least
