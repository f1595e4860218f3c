"""Labels → the rows of each batch: one part of the data as it comes, one part balanced (P classes × K samples)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from siamese.datasets.samples import UNLABELLED
from siamese.errors import TrainingError
from siamese.training.config import TrainingConfig


class BatchSampler:
    """The batches of any epoch, a function of seed and epoch alone, so that a run can be resumed anywhere."""

    def __init__(self, labels: NDArray[np.int64], config: TrainingConfig) -> None:
        """`labels` (n,), UNLABELLED where a row serves the auxiliary term alone.

        Raises TrainingError where there are fewer classes than a batch is to hold.
        """
        self._rows = len(labels)
        self._of_class = [np.flatnonzero(labels == label) for label in np.unique(labels[labels != UNLABELLED])]
        self._config = config
        if len(self._of_class) < config.classes_per_batch:
            raise TrainingError(
                f"--classes-per-batch is {config.classes_per_batch}, but the data has {len(self._of_class)} classes."
            )

    @property
    def batch_size(self) -> int:
        """Rows in every batch."""
        return self._config.natural_per_batch + self._config.classes_per_batch * self._config.samples_per_class

    @property
    def batches_per_epoch(self) -> int:
        """Batches in which every row of the data comes once; with no natural part, as many images as the data has."""
        return max(1, self._rows // (self._config.natural_per_batch or self.batch_size))

    def epoch(self, number: int) -> Iterator[NDArray[np.int64]]:
        """The rows (batch_size,) of each batch of this epoch."""
        random = np.random.default_rng([self._config.seed, number])
        order = random.permutation(self._rows)
        natural = self._config.natural_per_batch
        for batch in range(self.batches_per_epoch):
            yield np.concatenate([order[batch * natural : (batch + 1) * natural], self._balanced(random)])

    def prior(self, targets: NDArray[np.float32]) -> NDArray[np.float64]:
        """The classes' expected share (c,) in the votes of a batch, from the votes (n, c) of all rows."""
        balanced = np.mean([targets[rows].mean(axis=0) for rows in self._of_class], axis=0)
        share = self._config.natural_per_batch / self.batch_size
        return share * class_shares(targets) + (1 - share) * balanced

    def _balanced(self, random: np.random.Generator) -> NDArray[np.int64]:
        classes = random.choice(len(self._of_class), self._config.classes_per_batch, replace=False)
        return np.concatenate([self._draw(random, self._of_class[label]) for label in classes])

    def _draw(self, random: np.random.Generator, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        wanted = self._config.samples_per_class
        return random.choice(rows, wanted, replace=len(rows) < wanted)


def class_shares(targets: NDArray[np.float32]) -> NDArray[np.float64]:
    """The classes' share (c,) in the votes (n, c) of the data."""
    return targets.mean(axis=0, dtype=np.float64)
