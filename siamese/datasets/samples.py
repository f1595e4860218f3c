"""The one interface every data set is loaded into: grey images, vote distributions and labels, held in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

UNLABELLED = -1


@dataclass(frozen=True)
class Samples:
    """The faces of one split of one data set.

    `images` is (n, height, width) uint8 grey; `targets` is (n, 8) float32, each row the share of votes per emotion;
    `labels` is (n,) int64, `UNLABELLED` where the protocol leaves the row out; `sources` names each row.
    """

    dataset: str
    split: str
    protocol: str
    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    labels: NDArray[np.int64]
    sources: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Samples":
        """These rows only, in this order."""
        rows = np.asarray(rows, dtype=np.int64)
        return replace(
            self,
            images=self.images[rows],
            targets=self.targets[rows],
            labels=self.labels[rows],
            sources=tuple(self.sources[row] for row in rows),
        )

    def labelled(self) -> "Samples":
        """The rows to which the protocol gives a label."""
        return self.take(np.flatnonzero(self.labels != UNLABELLED))
