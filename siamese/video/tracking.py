"""Faces frame by frame → the number of each, which it keeps from frame to frame.

Faces are matched with those before by position and embedding, all at once: the assignment of least cost (Kuhn 1955).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

_UNLIKE = 0.25  # what a cosine of 0 counts, where a shift by the face's own side counts 1
_FARTHEST = 1.0  # distance beyond which it is another face, whatever it shows: an expression may change at once
_NEVER = 1e6

Array = NDArray[np.float32]


@dataclass
class _Track:
    number: int
    box: Array
    embedding: Array
    seconds: float


class Tracker:
    """Gives the same number to the same face; one that was not seen for `memory` seconds is forgotten."""

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._tracks: list[_Track] = []
        self._next = 1

    def update(self, boxes: Array, embeddings: Array, seconds: float) -> list[int]:
        """The numbers, from 1, of faces with boxes (k, 4) and embeddings (k, size) in the frame at this time."""
        self._tracks = [track for track in self._tracks if seconds - track.seconds <= self._memory]
        costs = self._costs(boxes, embeddings)
        pairs = zip(*linear_sum_assignment(costs), strict=True)
        matched = {face: self._tracks[track] for track, face in pairs if costs[track, face] < _NEVER}
        return [
            self._seen(matched.get(face), box, embedding, seconds)
            for face, (box, embedding) in enumerate(zip(boxes, embeddings, strict=True))
        ]

    def _costs(self, boxes: Array, embeddings: Array) -> NDArray[np.float64]:
        """How little each track (row) and each face (column) go together; `_NEVER` where they are too far apart."""
        if not self._tracks:
            return np.empty((len(self._tracks), len(boxes)))
        before = np.stack([track.box for track in self._tracks])
        likeness = np.stack([track.embedding for track in self._tracks]) @ embeddings.T
        distances = _distances(before, boxes)
        return np.where(distances > _FARTHEST, _NEVER, distances + _UNLIKE * (1 - likeness))

    def _seen(self, track: _Track | None, box: Array, embedding: Array, seconds: float) -> int:
        if track is None:
            track = _Track(self._next, box, embedding, seconds)
            self._tracks.append(track)
            self._next += 1
        track.box, track.embedding, track.seconds = box, embedding, seconds
        return track.number


def _distances(before: Array, after: Array) -> NDArray[np.float64]:
    """How far each box (row) is from each (column) in sides of theirs, and how far they differ in size."""
    middles = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (before, after)]
    sides = [np.maximum((boxes[:, 2:] - boxes[:, :2]).mean(axis=1), 1) for boxes in (before, after)]
    apart = np.linalg.norm(middles[0][:, None] - middles[1][None], axis=2)
    ratio = np.log(sides[0][:, None] / sides[1][None])
    distances: NDArray[np.float64] = apart / np.sqrt(np.outer(*sides)) + np.abs(ratio)
    return distances
