"""Rows and their labels → one thing to fit on or to measure; or, where there are too many, a draw of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.metric.checks import require_labels


@dataclass(frozen=True, eq=False)
class Labelled:
    """Embeddings or images, `rows` (n, …), with their `labels` (n,) int64, from 0.

    Raises MeasurementError when these do not fit each other.
    """

    rows: NDArray[Any]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        require_labels(self.labels, len(self.rows))

    def __len__(self) -> int:
        return len(self.rows)

    def drawn(self, limit: int | None, seed: int = 0) -> "Labelled":
        """At most `limit` of them, drawn without replacement; all where that is None or they are no more."""
        if limit is None or len(self) <= limit:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), limit, replace=False))
        return Labelled(self.rows[chosen], self.labels[chosen])
