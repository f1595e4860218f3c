"""RGB photos → the faces in them, by MTCNN's three networks in ONNX Runtime.

Zhang et al. 2016, «Joint face detection and alignment using multitask cascaded convolutional networks»: the first
network proposes boxes at every scale, the second refines them, the third judges them and finds five landmarks.
`siamese.faces.export_cascade` wrote the networks. With its defaults this answers as facenet-pytorch does.
"""

import os
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.faces.areas import Areas
from siamese.manifest import check_manifest
from siamese.sessions import load_session, side_by_side
from siamese.settings import SHIPPED

FOLDER = SHIPPED / "detector"
NETWORKS = ("proposal.onnx", "refinement.onnx", "output.onnx")
INPUT = "photos"
SUPPRESSION = "suppression.onnx"
BOXES, SCORES, OVERLAP = "boxes", "scores", "overlap"

_OVERLAP_IN_SCALE = 0.5
_STRIDE, CELL = 2, 12  # pixels between the first network's looks, and that it sees at once
REFINED, JUDGED = 24, 48  # pixels of the crops that the second and the third network take

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Search:
    """How thoroughly to look. The defaults are the original's; a smaller factor and higher thresholds are faster."""

    factor: float = 0.709  # from each scale of the pyramid to the next
    proposed: float = 0.6  # the least probability of a face after each network
    refined: float = 0.7
    judged: float = 0.7
    overlap: float = 0.7  # of two boxes, as intersection over union, beyond which the less probable is dropped


ORIGINAL = Search()


@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes in several photos, one a row: which photo (k,), corners (k, 4) as (left, top, right, bottom), probability.

    `shifts` (k, 4) say where the last network would have the corners, as shares of the box's sides.
    """

    photo: NDArray[np.int64]
    corners: Array
    probability: Array
    shifts: Array

    def __len__(self) -> int:
        return len(self.photo)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Boxes":
        """These rows only, in this order."""
        return Boxes(*(each[rows] for each in vars(self).values()))

    def moved(self, closed: bool = True) -> "Boxes":
        """With each corner where it should be. The first network takes a box's last pixel to be outside it."""
        sides = self.corners[:, 2:] - self.corners[:, :2] + np.float32(closed)
        return replace(self, corners=self.corners + self.shifts * np.tile(sides, 2))

    def squared(self) -> "Boxes":
        """With all sides as long as the longer one, around the same centre."""
        sides = self.corners[:, 2:] - self.corners[:, :2]
        longer = sides.max(axis=1, keepdims=True)
        first = self.corners[:, :2] + sides * 0.5 - longer * 0.5
        return replace(self, corners=np.concatenate([first, first + longer], axis=1))


def check_networks(folder: Path = FOLDER) -> None:
    """Compare the networks with the manifest of the set that they lie in.

    Raises ReferenceSetError where one of those that ship is missing or altered, or there is no manifest of them.
    """
    check_manifest(folder.parent, below=folder.name, required=folder == FOLDER)


class Cascade:
    """The three networks, loaded once and safe to call from several threads.

    `parts` is in how many parts at once the first looks at its scales.
    """

    def __init__(self, folder: Path = FOLDER, threads: int = 0) -> None:
        """Load the networks; `threads` 0 takes every core. Raises ReferenceSetError where one is missing or damaged."""
        check_networks(folder)
        threads = threads or os.cpu_count() or 1
        self.parts = min(2, threads)
        shares = (threads // self.parts, threads, threads)
        self._proposal, self._refinement, self._output = (
            load_session(folder / name, share) for name, share in zip(NETWORKS, shares, strict=True)
        )
        self._suppression = load_session(folder / SUPPRESSION, threads=1)

    def find(self, views: Areas, smallest: float, search: Search = ORIGINAL) -> tuple[Boxes, Array]:
        """The faces of at least `smallest` pixels in what is viewed, and their landmarks (k, 5, 2) as (x, y)."""
        proposed = self._proposed(views, smallest, search)
        refined = self._refined(views, proposed, search)
        return self._judged(views, refined, search)

    def find_near(self, views: Areas, boxes: Array, search: Search = ORIGINAL) -> tuple[Boxes, Array]:
        """The faces where boxes (k, 4) of the one picture that is viewed guess them, and their landmarks (k, 5, 2)."""
        count = len(boxes)
        guessed = Boxes(np.zeros(count, np.int64), boxes, np.ones(count, np.float32), np.zeros((count, 4), np.float32))
        return self._judged(views, self._refined(views, guessed.squared(), search), search)

    def _proposed(self, views: Areas, smallest: float, search: Search) -> Boxes:
        """Boxes from every scale of the pyramid; few of them hold a face."""
        scales = _scales(views, smallest, search.factor)
        # With the original's factor, the first has as many pixels as all others together.
        halves = (scales[:1], scales[1:]) if self.parts > 1 else (scales,)
        levels = side_by_side([partial(self._at_scales, views, half, search) for half in halves if half])
        return self._apart(_joined(list(chain(*levels))), search.overlap).moved(closed=False).squared()

    def _at_scales(self, views: Areas, scales: list[float], search: Search) -> list[Boxes]:
        return [self._at_scale(views, scale, search) for scale in scales]

    def _at_scale(self, views: Areas, scale: float, search: Search) -> Boxes:
        height, width = int(views.height * scale + 1), int(views.width * scale + 1)
        (answers,) = self._proposal.run(None, {INPUT: views.scaled(height, width)})
        photo, row, column = np.nonzero(answers[:, 0] >= np.log(search.proposed / (1 - search.proposed)))
        first = _STRIDE * np.stack([column, row], axis=1).astype(np.float32) + 1
        corners = np.floor(np.concatenate([first, first + (CELL - 1)], axis=1) / np.float32(scale))
        log_odds, *shifts = answers[photo, :, row, column].T
        found = Boxes(photo, corners, 1 / (1 + np.exp(-log_odds)), np.stack(shifts, axis=1))
        return self._apart(found, _OVERLAP_IN_SCALE)

    def _refined(self, views: Areas, boxes: Boxes, search: Search) -> Boxes:
        """The boxes that the second network takes for faces too, where it would have them."""
        inside, corners = _inside(views, boxes)
        if not len(inside):
            return inside
        shifts, probabilities = self._refinement.run(None, {INPUT: views.crops(inside.photo, corners, REFINED)})
        judged = replace(inside, probability=probabilities[:, 1], shifts=shifts)
        probable = judged.take(judged.probability > search.refined)
        return self._apart(probable, search.overlap).moved().squared()

    def _judged(self, views: Areas, boxes: Boxes, search: Search) -> tuple[Boxes, Array]:
        """The faces, and their landmarks."""
        inside, corners = _inside(views, boxes)
        if not len(inside):
            return inside, np.empty((0, 5, 2), np.float32)
        shifts, points, probabilities = self._output.run(None, {INPUT: views.crops(inside.photo, corners, JUDGED)})
        judged = replace(inside, probability=probabilities[:, 1], shifts=shifts)
        sides = judged.corners[:, 2:] - judged.corners[:, :2] + 1
        shares = np.moveaxis(points.reshape(-1, 2, 5), 1, 2)
        landmarks = shares * sides[:, None] + judged.corners[:, None, :2] - 1
        probable = np.flatnonzero(judged.probability > search.judged)
        faces = judged.take(probable).moved()
        kept = _not_within(faces, search.overlap)
        return faces.take(kept), landmarks[probable[kept]]

    def _apart(self, boxes: Boxes, overlap: float) -> Boxes:
        """Without boxes that a more probable one of the same photo covers, by intersection over union."""
        if not len(boxes):
            return boxes
        shift = boxes.photo * (np.ptp(boxes.corners) + 1)  # which takes each photo's boxes away from the others'
        given = {
            BOXES: (boxes.corners + shift[:, None]).astype(np.float32)[None],
            SCORES: boxes.probability[None, None],
            OVERLAP: np.array([overlap], np.float32),
        }
        (kept,) = self._suppression.run(None, given)
        return boxes.take(kept[:, 2])


def _scales(views: Areas, smallest: float, factor: float) -> list[float]:
    """The pyramid's: from that at which the first network sees the smallest face to that at which it sees all."""
    scales, scale = [], CELL / smallest
    while min(views.height, views.width) * scale >= CELL:
        scales.append(scale)
        scale *= factor
    return scales


def _inside(views: Areas, boxes: Boxes) -> tuple[Boxes, NDArray[np.int64]]:
    """The boxes that have a part within their photo, and that part in whole pixels, (k, 4)."""
    least, most = np.zeros(4, np.int64), np.array([views.width, views.height] * 2)
    corners: NDArray[np.int64] = np.clip(boxes.corners.astype(np.int64) - [1, 1, 0, 0], least, most)
    some: NDArray[np.bool_] = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
    return boxes.take(some), corners[some]


def _not_within(boxes: Boxes, overlap: float) -> NDArray[np.int64]:
    """The rows without those of which a more probable one of the same photo covers more than that share.

    The share is of the smaller of the two, so that a face within a face goes too.
    """
    left, top, right, bottom = boxes.corners.T
    width = np.minimum.outer(right, right) - np.maximum.outer(left, left) + 1
    height = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top) + 1
    areas = (right - left + 1) * (bottom - top + 1)
    shares = np.maximum(width, 0) * np.maximum(height, 0) / np.minimum.outer(areas, areas)
    covers = (shares > overlap) & np.equal.outer(boxes.photo, boxes.photo)
    kept: list[int] = []
    for row in np.argsort(-boxes.probability, kind="stable"):
        if not covers[row, kept].any():
            kept.append(int(row))
    return np.array(kept, dtype=np.int64)


def _joined(boxes: list[Boxes]) -> Boxes:
    nothing = Boxes(
        np.empty(0, np.int64), np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty((0, 4), np.float32)
    )
    return Boxes(*(np.concatenate(each) for each in zip(*(vars(of).values() for of in [nothing, *boxes]), strict=True)))
