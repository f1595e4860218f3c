"""Readings of a face, or the brightness of frames, over time → the few moments that best represent them.

Two ways. `Choosing` keeps, as readings come, the confident ones whose embeddings differ most. `outlying` is the
published method, which looks at nothing but how bright whole frames are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from siamese.video.following import Sighting

CONFIDENT = 0.5  # a reading below is not sure of what it shows, as when one expression turns into another
SAME_LOOK = 0.9  # cosine; above, two readings of a face show the same: as `siamese.gallery.album` has it

_LONG_AGO = 0.5  # seconds

MOST = 20  # frames, as published
LEFT_OUT = 20  # values at the beginning and at the end, as published
LAGS = (1, 2, 5, 10)  # frames; that there are several is published, how many are not
OUTLYING = 3.5  # deviations, as Iglewicz and Hoaglin (1993) advise
BLUR = 2.0  # pixels
_NORMAL = 1.4826  # a normal distribution's standard deviation is so many median absolute deviations


@dataclass(frozen=True, eq=False)
class KeyFrame:
    """A moment that represents a face: when it is, what the face shows and where it is, (4,) as its timeline has it.

    It stands for so many readings, itself among them.
    """

    face: int
    seconds: float
    emotion: str
    confidence: float
    box: NDArray[np.float32]
    stands_for: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "seconds": round(self.seconds, 3),
            "emotion": self.emotion,
            "confidence": self.confidence,
            "box": np.round(self.box.astype(float), 1).tolist(),
            "stands_for": self.stands_for,
        }


class Choosing:
    """Chooses the most different confident readings of one face while they come, and remembers no more than those.

    Each chosen reading opens a group, and the readings most like it join. A reading unlike all of them opens another;
    when there are more than `most`, the two groups most alike become one, that of the larger. Each is shown by its most
    confident reading. Readings count that are confident, and settled: like those before and after, and not on the way
    from one expression to another.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._last: _Seen | None = None
        self._groups: list[_Group] = []
        self._middles = np.empty((0, 0), np.float32)  # the embedding that opened each group

    def add(self, seconds: float, sighting: Sighting, scale: float | NDArray[np.float32] = 1.0) -> None:
        """The face in the next frame; `scale` is what its box, or each of its edges, is multiplied by."""
        reading, steady = sighting.momentary, sighting.steady
        moment = _Group(seconds, reading.emotion, min(reading.confidence, steady.confidence), reading.box * scale)
        settled = self._last is None or self._last.like(seconds, reading.embedding)
        if self._last and settled:
            self._take(self._last)
        counts = settled and reading.confidence >= CONFIDENT and reading.emotion == steady.emotion
        self._last = _Seen(seconds, reading.embedding, moment if counts else None)

    def chosen(self, face: int) -> list[KeyFrame]:
        """The moments chosen until now, in their order, of the face with this number."""
        if self._last:
            self._take(self._last)
        return [group.key_frame(face) for group in sorted(self._groups, key=lambda group: group.seconds)]

    def _take(self, seen: "_Seen") -> None:
        """Let a reading that turned out to be settled join its group or open one, if it counts; only once."""
        moment, seen.moment = seen.moment, None
        if moment is None:
            return
        nearest, likeness = self._nearest(seen.embedding)
        if likeness >= SAME_LOOK:
            self._groups[nearest].join(moment)
            return
        middle = seen.embedding[None]
        self._middles = np.concatenate([self._middles, middle]) if self._groups else middle
        self._groups.append(moment)
        if len(self._groups) > self._most:
            self._unite()

    def _nearest(self, embedding: NDArray[np.float32]) -> tuple[int, float]:
        if not self._groups:
            return 0, -1.0
        likeness = self._middles @ embedding
        nearest = int(likeness.argmax())
        return nearest, float(likeness[nearest])

    def _unite(self) -> None:
        likeness = self._middles @ self._middles.T
        np.fill_diagonal(likeness, -np.inf)
        pair = np.unravel_index(likeness.argmax(), likeness.shape)
        smaller, larger = sorted(map(int, pair), key=lambda place: self._groups[place].stands_for)
        self._groups[larger].stands_for += self._groups[smaller].stands_for
        del self._groups[smaller]
        self._middles = np.delete(self._middles, smaller, axis=0)


@dataclass
class _Seen:
    """A reading, of which it is known only with the next whether it was settled; its moment, if it may count then."""

    seconds: float
    embedding: NDArray[np.float32]
    moment: "_Group | None"

    def like(self, seconds: float, embedding: NDArray[np.float32]) -> bool:
        """Whether the next reading is like it, or comes too late to tell."""
        return seconds - self.seconds > _LONG_AGO or float(self.embedding @ embedding) >= SAME_LOOK


@dataclass
class _Group:
    """The readings that one moment stands for, shown by the most confident of them."""

    seconds: float
    emotion: str
    confidence: float
    box: NDArray[np.float32]
    stands_for: int = 1

    def join(self, other: "_Group") -> None:
        if other.confidence > self.confidence:
            self.seconds, self.emotion, self.confidence, self.box = (
                other.seconds,
                other.emotion,
                other.confidence,
                other.box,
            )
        self.stands_for += 1

    def key_frame(self, face: int) -> KeyFrame:
        return KeyFrame(face, self.seconds, self.emotion, self.confidence, self.box, self.stands_for)


def brightness(picture: NDArray[np.uint8]) -> float:
    """The published method's number for a frame, RGB (height, width, 3): the sum of its grey pixels, blurred."""
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    return float(gaussian_filter(grey, BLUR).sum(dtype=np.float64))


def outlying(sums: Sequence[float] | NDArray[np.float64], lags: Sequence[int] = LAGS, most: int = MOST) -> list[int]:
    """Which frames represent a video, by the published method, from the `brightness` of each; ascending, from 0.

    The first and last twenty values are left out. At each lag the series is subtracted from itself, and differences
    far from their median, in median absolute deviations, are outliers; a frame is where such a change has happened. One
    that is found at several lags counts once. Of more than `most`, those farthest out are taken.
    """
    series = np.asarray(sums, np.float64)[LEFT_OUT:-LEFT_OUT]
    farthest = np.zeros(len(series))
    for lag in lags:
        if len(series) > lag:
            farthest[lag:] = np.maximum(farthest[lag:], _deviations(series[lag:] - series[:-lag]))
    order = np.argsort(-farthest, kind="stable")[:most]
    return (np.sort(order[farthest[order] > OUTLYING]) + LEFT_OUT).tolist()


def _deviations(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each is from the median of all, in standard deviations of the many (Hampel 1974)."""
    apart = np.abs(differences - np.median(differences))
    usual = _NORMAL * float(np.median(apart))
    if usual > 0:
        return apart / usual
    return np.where(apart > 0, OUTLYING + apart, 0.0)  # most are alike to the last bit, as where the picture is still
