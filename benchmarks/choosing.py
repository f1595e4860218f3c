"""What several choices answer for the same images → what each gains beside the one that ships, and which to pick.

Whoever picks the best of many is deceived by chance: what one half of the images speaks for, the other has to confirm.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siamese.evaluation.bootstrap import Interval, table_interval
from siamese.metric.calibration import expected_calibration_error

_SEED = 0


@dataclass(frozen=True)
class Difference:
    """Accuracy minus that of the shipped choice on the same images, in points of 100, and its 95 % interval."""

    points: float
    interval: Interval

    @property
    def helps(self) -> bool:
        """Whether the interval lies above zero."""
        return self.interval[0] > 0

    @property
    def harms(self) -> bool:
        """Whether the interval lies below zero."""
        return self.interval[1] < 0


@dataclass(frozen=True)
class Outcome:
    """How a choice reads one kind of copy. Shares are 0…1; differences are over all images, and over each half."""

    accuracy: float
    confidence: float
    ece: float
    all: Difference
    choosing: Difference
    confirming: Difference


@dataclass(frozen=True)
class Copies:
    """The outcome of each choice on one kind of copy, and the share of these (0…1) in which no face was found."""

    no_face: float
    choices: Mapping[str, Outcome]


@dataclass(frozen=True)
class Pick:
    """A choice that helps on the first half of a kind of copy, and whether the second half confirms it."""

    choice: str
    copies: str
    confirmed: bool


def halves(count: int) -> NDArray[np.bool_]:
    """Which of so many images, (count,), are in the half to choose on; the others are there to confirm."""
    return np.random.default_rng(_SEED).permutation(count) < count // 2


def outcomes(
    probabilities: Mapping[str, NDArray[np.float64]], labels: NDArray[np.int64], shipped: str
) -> dict[str, Outcome]:
    """How well each choice's probabilities (n, classes) tell labels (n,), beside the `shipped` choice's."""
    first = halves(len(labels))
    right = {name: each.argmax(axis=1) == labels for name, each in probabilities.items()}
    return {
        name: Outcome(
            accuracy=float(right[name].mean()),
            confidence=float(each.max(axis=1).mean()),
            ece=expected_calibration_error(each, labels),
            all=difference(right[name], right[shipped]),
            choosing=difference(right[name][first], right[shipped][first]),
            confirming=difference(right[name][~first], right[shipped][~first]),
        )
        for name, each in probabilities.items()
    }


def difference(right: NDArray[np.bool_], before: NDArray[np.bool_]) -> Difference:
    """How much more often answers are `right` than others were `before` on the same images, both (n,)."""
    counts = np.bincount(right.astype(np.int64) - before + 1, minlength=3)  # lost, as before, won
    return Difference(float(_points(counts)), table_interval(counts, _points))


def picks(found: Mapping[str, Copies], clean: str) -> list[Pick]:
    """The choices that help on some copies and do no harm on the `clean` ones, by one half, and what the other says."""
    harmless = found[clean].choices
    return [
        Pick(choice, name, outcome.confirming.helps and not harmless[choice].confirming.harms)
        for name, copies in found.items()
        for choice, outcome in copies.choices.items()
        if outcome.choosing.helps and not harmless[choice].choosing.harms
    ]


def _points(counts: NDArray[np.integer]) -> NDArray[np.float64]:
    return 100 * (counts[..., 2] - counts[..., 0]) / counts.sum(axis=-1)
