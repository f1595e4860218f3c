"""Labels → the rows of each batch: drawn from the data, balanced (P classes × K samples), or one part of each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from siamese.datasets.samples import UNLABELLED
from siamese.errors import TrainingError
from siamese.vocabulary import EMOTIONS

if TYPE_CHECKING:
    from siamese.training.config import TrainingConfig

SAMPLERS = ("mixed", "balanced", "natural", "weighted")


class BatchSampler:
    """The batches of any epoch, a function of seed and epoch alone, so that a run can be resumed anywhere.

    A batch has two parts. One is drawn from the data: as they come, each row once an epoch but for those that do not
    fill a last batch, other ones each time; or `weighted`, with replacement, such that every class is as likely,
    unlabelled rows being a class here. The other holds P classes with K rows each. `mixed` has both parts, `balanced`
    only the second, `natural` and `weighted` only the first.
    """

    def __init__(
        self, labels: NDArray[np.int64], config: "TrainingConfig", metric_labels: NDArray[np.int64] | None = None
    ) -> None:
        """`labels` (n,), UNLABELLED where a row serves the auxiliary term alone; the P classes of K are made by
        `metric_labels` (n,), which may leave out more, or by the same.

        Raises TrainingError where there are fewer classes than a batch is to hold, or no rows for it to hold.
        """
        self._rows = len(labels)
        self._seed = config.seed
        eligible = labels if metric_labels is None else metric_labels
        self._of_class = [np.flatnonzero(eligible == label) for label in np.unique(eligible[eligible != UNLABELLED])]
        there = len(self._of_class)
        self._drawn = 0 if config.sampler == "balanced" else min(config.natural_per_batch, self._rows)
        self._classes = (config.classes_per_batch or there) if config.sampler in ("mixed", "balanced") else 0
        self._samples = config.samples_per_class
        self._weights = _even(labels) if config.sampler == "weighted" else None
        if self._classes > there:
            raise TrainingError(f"--classes-per-batch is {self._classes}, but the data has {there} classes.")
        if self.batch_size == 0:
            raise TrainingError(f"--natural-per-batch must be at least 1 with --sampler {config.sampler}, got 0.")

    @property
    def batch_size(self) -> int:
        """Rows in every batch."""
        return self._drawn + self._classes * self._samples

    @property
    def batches_per_epoch(self) -> int:
        """Batches that draw as many rows as the data has; with nothing drawn, that hold as many."""
        return max(1, self._rows // (self._drawn or self.batch_size))

    def epoch(self, number: int) -> Iterator[NDArray[np.int64]]:
        """The rows (batch_size,) of each batch of this epoch."""
        random = np.random.default_rng([self._seed, number])
        order = self._order(random)
        for batch in range(self.batches_per_epoch):
            drawn = order[batch * self._drawn : (batch + 1) * self._drawn]
            yield np.concatenate([drawn, *self._balanced(random)])

    def prior(self, targets: NDArray[np.float32]) -> NDArray[np.float64]:
        """The classes' expected share (c,) in the votes of a batch, from the votes (n, c) of all rows."""
        drawn = np.average(targets.astype(np.float64), axis=0, weights=self._weights)
        if not self._classes:
            return drawn
        balanced = np.mean([targets[rows].mean(axis=0) for rows in self._of_class], axis=0)
        share = self._drawn / self.batch_size
        return share * drawn + (1 - share) * balanced

    def _order(self, random: np.random.Generator) -> NDArray[np.int64]:
        if self._weights is None:
            return random.permutation(self._rows)
        return random.choice(self._rows, self.batches_per_epoch * self._drawn, p=self._weights)

    def _balanced(self, random: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        for label in random.choice(len(self._of_class), self._classes, replace=False):
            rows = self._of_class[label]
            yield random.choice(rows, self._samples, replace=len(rows) < self._samples)


def class_shares(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """The classes' share (c,) in the votes (n, c) of the data."""
    return targets.mean(axis=0, dtype=np.float64)


def class_weights(labels: NDArray[np.int64], classes: int = len(EMOTIONS)) -> NDArray[np.float64]:
    """N / (N_c · C) for each class (c,), from the labels (n,) that are there; 0 for a class that the data lacks."""
    counts = np.bincount(labels[labels != UNLABELLED], minlength=classes)
    present = counts > 0
    return np.divide(counts.sum(), counts * present.sum(), out=np.zeros(classes), where=present)


def _even(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The rows' probabilities (n,) with which every label is drawn as often as any other."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return 1 / (counts[own] * len(counts))
