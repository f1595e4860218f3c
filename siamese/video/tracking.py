"""Faces frame by frame → the number of each, which it keeps from frame to frame.

Faces are matched with those before, all at once: the assignment of least cost (Kuhn 1955). Within a scene cost is by
position and embedding; across a cut, where positions mean nothing, by how much their crops differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

_UNLIKE = 0.25  # what a cosine of 0 counts, where a shift by the face's own side counts 1
_FARTHEST = 1.0  # distance beyond which it is another face, whatever it shows: an expression may change at once
_NEVER = 1e6

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Seen:
    """A face in a frame: its box (4,), its embedding (size,), and its crop's `scenes.miniature` (256,)."""

    box: Array
    embedding: Array
    look: Array


@dataclass
class _Track:
    number: int
    seen: Seen
    seconds: float
    scene: int


class Tracker:
    """Gives the same number to the same face; one that was not seen for `memory` seconds is forgotten.

    After a cut, a face is one from before when their looks' inner product is at least `same_look`.
    """

    def __init__(self, memory: float, same_look: float) -> None:
        self._memory, self._same_look = memory, same_look
        self._tracks: list[_Track] = []
        self._next = 1

    def update(self, faces: Sequence[Seen], seconds: float, scene: int = 0) -> list[int]:
        """The numbers, from 1, of the faces in the frame at this time, which belongs to this scene."""
        self._tracks = [track for track in self._tracks if seconds - track.seconds <= self._memory]
        costs = self._costs(faces, scene)
        pairs = zip(*linear_sum_assignment(costs), strict=True)
        matched = {face: self._tracks[track] for track, face in pairs if costs[track, face] < _NEVER}
        return [self._number(matched.get(place), face, seconds, scene) for place, face in enumerate(faces)]

    def _costs(self, faces: Sequence[Seen], scene: int) -> NDArray[np.float64]:
        """How little each track (row) and each face (column) go together; `_NEVER` where they do not at all."""
        if not self._tracks or not faces:
            return np.empty((len(self._tracks), len(faces)))
        before, after = (_columns(each) for each in ([track.seen for track in self._tracks], faces))
        distances, alike = _distances(before[0], after[0]), before[2] @ after[2].T
        near = np.where(distances > _FARTHEST, _NEVER, distances + _UNLIKE * (1 - before[1] @ after[1].T))
        across = np.where(alike < self._same_look, _NEVER, 1 - alike)
        in_scene = np.array([track.scene == scene for track in self._tracks])
        return np.where(in_scene[:, None], near, across)

    def _number(self, track: _Track | None, face: Seen, seconds: float, scene: int) -> int:
        if track is None:
            track = _Track(self._next, face, seconds, scene)
            self._tracks.append(track)
            self._next += 1
        track.seen, track.seconds, track.scene = face, seconds, scene
        return track.number


def _columns(faces: Sequence[Seen]) -> tuple[Array, Array, Array]:
    """The boxes, embeddings and looks of several."""
    boxes, embeddings, looks = zip(*((face.box, face.embedding, face.look) for face in faces), strict=True)
    return np.stack(boxes), np.stack(embeddings), np.stack(looks)


def _distances(before: Array, after: Array) -> NDArray[np.float64]:
    """How far each box (row) is from each (column) in sides of theirs, and how far they differ in size."""
    middles = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (before, after)]
    sides = [np.maximum((boxes[:, 2:] - boxes[:, :2]).mean(axis=1), 1) for boxes in (before, after)]
    apart = np.linalg.norm(middles[0][:, None] - middles[1][None], axis=2)
    ratio = np.log(sides[0][:, None] / sides[1][None])
    distances: NDArray[np.float64] = apart / np.sqrt(np.outer(*sides)) + np.abs(ratio)
    return distances
