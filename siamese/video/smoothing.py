"""Class probabilities from frame to frame → steady ones, and a label that changes only when another clearly leads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Smoothing:
    """How the last readings of a face are averaged: one weight a frame, the newest first, and the lead of a new label.

    `lead` is by how much another class's average must exceed that of the class shown, before it is shown instead.
    """

    weights: tuple[float, ...] = (1.0,)
    lead: float = 0.0


def none() -> Smoothing:
    """Every frame by itself."""
    return Smoothing()


def linear(window: int) -> Smoothing:
    """Weights that fall evenly over so many frames: of five, 5 4 3 2 1."""
    return Smoothing(tuple(float(weight) for weight in range(window, 0, -1)))


def exponential(window: int, strength: float, lead: float = 0.0) -> Smoothing:
    """Weights of which each is `strength` (0…1) times the one of the frame after it, over so many frames."""
    return Smoothing(tuple(strength**age for age in range(window)), lead)


class Smoother:
    """One face's readings, averaged over its last frames."""

    def __init__(self, smoothing: Smoothing) -> None:
        self._weights = np.array(smoothing.weights)
        self._sums = np.cumsum(self._weights)
        self._lead = smoothing.lead
        self._last = np.empty((len(self._weights), 0))  # probabilities, the newest first
        self._count = 0
        self._label: int | None = None

    def add(self, probabilities: NDArray[np.floating]) -> tuple[NDArray[np.float64], int]:
        """The weighted average (classes,) of this frame's probabilities and those before, and the class to show.

        While there are fewer frames than weights, the first weights alone count. A frame with another number of
        classes than those before, as when one was taught meanwhile, begins anew.
        """
        if len(probabilities) != self._last.shape[1]:
            self._last = np.zeros((len(self._weights), len(probabilities)))
            self._count, self._label = 0, None
        self._last[1:] = self._last[:-1]
        self._last[0] = probabilities
        frames = self._count = min(self._count + 1, len(self._weights))
        average: NDArray[np.float64] = self._weights[:frames] @ self._last[:frames] / self._sums[frames - 1]
        best = int(average.argmax())
        if self._label is None or average[best] > average[self._label] + self._lead:
            self._label = best
        return average, self._label
