"""Faces of frame after frame → for each face what it shows at what time, the share of each emotion, CSV and JSON.

A reading holds until the next frame that is read, so that shares are of time, whatever the frames' rate. Kept are some
seventy bytes for each face in each frame, and no picture.
"""

import csv
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from siamese.video.following import Sighting

_EDGES = ("left", "top", "right", "bottom")
_MILLISECONDS, _PROBABILITY_DECIMALS, _PIXEL_DECIMALS = 3, 4, 1


@dataclass(frozen=True, eq=False)
class FaceTimeline:
    """One face over time, in n readings: its number, and for each reading when it was, and how long it held (n,).

    `names` are the emotions, `labels` (n,) which of them was shown steadily, `probabilities` (n, emotions) the steady
    ones, `boxes` (n, 4) as (left, top, right, bottom) in pixels of the video as it is shown.
    """

    number: int
    names: tuple[str, ...]
    seconds: NDArray[np.float64]
    held: NDArray[np.float64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    boxes: NDArray[np.float32]

    @property
    def first_seen(self) -> float:
        """When, in seconds."""
        return float(self.seconds[0])

    @property
    def last_seen(self) -> float:
        """Until when, in seconds."""
        return float(self.seconds[-1] + self.held[-1])

    @cached_property
    def seen_seconds(self) -> float:
        """How long the face was seen in all."""
        return float(self.held.sum())

    @cached_property
    def shares(self) -> dict[str, float]:
        """Of the time in which the face was seen, the share in which it showed each emotion; they sum to one."""
        time = np.bincount(self.labels, self.held, minlength=len(self.names))  # not all zero, since times only grow
        return dict(zip(self.names, (time / time.sum()).tolist(), strict=True))

    @property
    def emotion(self) -> str:
        """What it showed longest."""
        return max(self.shares, key=self.shares.__getitem__)

    def at(self, seconds: float) -> int | None:
        """Which reading holds at this time, or None where the face is not seen."""
        row = int(np.searchsorted(self.seconds, seconds, side="right")) - 1
        return row if row >= 0 and seconds < self.seconds[row] + self.held[row] else None

    def curve(self, parts: int, until: float) -> NDArray[np.float64]:
        """Mean probabilities (parts, emotions) in equal parts of the time from 0 until then; NaN where it is not seen.

        A reading counts in each part for as long as it holds in it.
        """
        edges = np.linspace(0, until, parts + 1)
        ends = self.seconds + self.held
        known = np.concatenate([[0.0], np.cumsum(self.held)])
        weighted = np.vstack([np.zeros(len(self.names)), np.cumsum(self.probabilities * self.held[:, None], axis=0)])
        before = np.searchsorted(ends, edges, side="right")  # readings that have ended
        inside = np.minimum(before, len(ends) - 1)
        begun = np.clip(edges - self.seconds[inside], 0, self.held[inside]) * (before < len(ends))
        time = np.diff(known[before] + begun)
        sums = np.diff(weighted[before] + begun[:, None] * self.probabilities[inside], axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(time[:, None] > 1e-9, sums / time[:, None], np.nan)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; `timeline` holds columns, each with one value a reading."""
        probabilities = _rounded(self.probabilities, _PROBABILITY_DECIMALS)
        return {
            "face": self.number,
            "emotion": self.emotion,
            "first_seen": round(self.first_seen, _MILLISECONDS),
            "last_seen": round(self.last_seen, _MILLISECONDS),
            "seen_seconds": round(self.seen_seconds, _MILLISECONDS),
            "readings": len(self.seconds),
            "shares": self.shares,
            "timeline": {
                "seconds": _rounded(self.seconds, _MILLISECONDS).tolist(),
                "held": _rounded(self.held, _MILLISECONDS).tolist(),
                "emotion": [self.names[label] for label in self.labels],
                "box": _rounded(self.boxes, _PIXEL_DECIMALS).tolist(),
                "probabilities": dict(zip(self.names, probabilities.T.tolist(), strict=True)),
            },
        }

    def rows(self) -> Iterator[list[str]]:
        """One line of the table for each reading, as `write_csv` writes them."""
        for row, (seconds, held, label) in enumerate(zip(self.seconds, self.held, self.labels, strict=True)):
            probabilities = self.probabilities[row]
            yield [
                f"{seconds:.{_MILLISECONDS}f}",
                f"{held:.{_MILLISECONDS}f}",
                str(self.number),
                self.names[label],
                *(f"{edge:.{_PIXEL_DECIMALS}f}" for edge in self.boxes[row]),
                *(f"{share:.{_PROBABILITY_DECIMALS}f}" for share in probabilities),
            ]


class Timeline:
    """Gathers the faces of one video, frame by frame."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._columns: dict[int, _Columns] = {}
        self._last: tuple[float, list[int]] = (0.0, [])  # when the last frame was, and the faces in it

    def add(self, seconds: float, sightings: Sequence[Sighting], scale: float | NDArray[np.float32] = 1.0) -> None:
        """The faces of the next frame; `scale` is what their boxes, or each of their edges, are multiplied by."""
        self.end(seconds)
        for sighting in sightings:
            columns = self._columns.setdefault(sighting.number, _Columns())
            columns.add(seconds, sighting, self._label(sighting), scale)
        self._last = seconds, [sighting.number for sighting in sightings]

    def end(self, seconds: float) -> None:
        """Let the last frame's readings hold until then."""
        before, numbers = self._last
        for number in numbers:
            self._columns[number].held.append(seconds - before)
        self._last = seconds, []

    def faces(self) -> list[FaceTimeline]:
        """Every face, the one that was seen longest first. What the last frame shows counts once `end` was called."""
        names = tuple(self._names)
        found = [columns.timeline(number, names) for number, columns in self._columns.items() if columns.held]
        return sorted(found, key=lambda face: -face.seen_seconds)

    def _label(self, sighting: Sighting) -> int:
        """The emotion's place among the names, which grow where one is taught meanwhile."""
        for name in sighting.steady.probabilities:
            if name not in self._names:
                self._names.append(name)
        return self._names.index(sighting.steady.emotion)


class _Columns:
    """One face's readings: arrays of numbers, which take far less memory than objects."""

    def __init__(self) -> None:
        self.held = array("d")
        self._seconds, self._labels, self._boxes = array("d"), array("q"), array("f")
        self._probabilities: dict[str, array[float]] = {}

    def add(self, seconds: float, sighting: Sighting, label: int, scale: float | NDArray[np.float32]) -> None:
        for name in sighting.steady.probabilities.keys() - self._probabilities.keys():
            self._probabilities[name] = array("f", bytes(4 * len(self._seconds)))
        for name, column in self._probabilities.items():
            column.append(sighting.steady.probabilities.get(name, 0.0))
        self._seconds.append(seconds)
        self._labels.append(label)
        self._boxes.extend((sighting.steady.box * scale).tolist())

    def timeline(self, number: int, names: tuple[str, ...]) -> FaceTimeline:
        count = len(self.held)
        nothing = array("f", bytes(4 * count))
        probabilities = [np.array(self._probabilities.get(name, nothing)[:count], np.float32) for name in names]
        return FaceTimeline(
            number,
            names,
            np.array(self._seconds[:count]),
            np.array(self.held),
            np.array(self._labels[:count]),
            np.stack(probabilities, axis=1),
            np.array(self._boxes[: 4 * count], np.float32).reshape(-1, 4),
        )


def write_csv(faces: Sequence[FaceTimeline], file: TextIO) -> None:
    """One line for each face in each frame that was read, in the order of time.

    A line says when, how long that held, which face, what it showed, where it was and how probable each emotion was.
    """
    names: Sequence[str] = faces[0].names if faces else ()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["seconds", "held", "face", "emotion", *_EDGES, *names])
    rows = {face.number: face.rows() for face in faces}
    for number in _in_time(faces):
        writer.writerow(next(rows[number]))


def _in_time(faces: Sequence[FaceTimeline]) -> Iterator[int]:
    """The number of the face of each reading, in the order of time."""
    if faces:
        seconds = np.concatenate([face.seconds for face in faces])
        numbers = np.repeat([face.number for face in faces], [len(face.seconds) for face in faces])
        yield from numbers[np.lexsort((numbers, seconds))].tolist()


def _rounded(values: NDArray[np.floating], decimals: int) -> NDArray[np.float64]:
    return np.asarray(np.round(values.astype(np.float64), decimals))
