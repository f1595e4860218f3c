"""Unit embeddings and labels → how they lie: near within a label, far between labels, and over how many directions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siamese.errors import MeasurementError
from siamese.metric.checks import require_labels, require_rows


@dataclass(frozen=True)
class Similarities:
    """The mean cosine similarity over all pairs of one label, and over all pairs of two."""

    intra: float
    inter: float

    @property
    def margin(self) -> float:
        """By how much pairs of one label are the more similar."""
        return self.intra - self.inter


def mean_similarities(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], times: NDArray[np.integer] | None = None
) -> Similarities:
    """The mean cosine similarity over all pairs of one label, and over all pairs of two, for unit embeddings (n, d).

    An embedding counts as often as `times` (n,) says, once if nothing does, and makes no pair with itself. The
    similarities of a set's pairs sum to half of its vector sum's squared length less its vectors' own. Raises
    MeasurementError when there is no pair of either kind.
    """
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings))
    weights = np.ones(len(labels)) if times is None else times.astype(np.float64)
    same_pairs, other_pairs = pair_counts(labels, weights)
    vectors = embeddings.astype(np.float64)
    own = np.square(vectors * weights[:, None]).sum()
    classes, class_of = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(classes), vectors.shape[1]))
    np.add.at(sums, class_of, vectors * weights[:, None])
    same = np.square(sums).sum() - own
    everything = np.square(sums.sum(axis=0)).sum() - own
    return Similarities(float(same / same_pairs), float((everything - same) / other_pairs))


def pair_counts(labels: NDArray[np.int64], weights: NDArray[np.float64]) -> tuple[float, float]:
    """How many ordered pairs share a label, and how many do not, of examples that count `weights` (n,) times each.

    Raises MeasurementError when there is no pair of either kind.
    """
    _, class_of = np.unique(labels, return_inverse=True)
    own = np.square(weights).sum()
    same = np.square(np.bincount(class_of, weights)).sum() - own
    other = weights.sum() ** 2 - own - same
    if min(same, other) <= 0:
        raise MeasurementError("Pairs of the same and of different labels are needed: two labels, one of them twice.")
    return float(same), float(other)


def effective_rank(embeddings: NDArray[np.float32]) -> float:
    """Over how many directions embeddings (n, d) spread: 1 when they all lie on a line, d when evenly in all.

    The exponential of the entropy of the singular values' shares (Roy and Vetterli, 2007).
    """
    require_rows("embeddings", embeddings)
    values = np.linalg.svd(embeddings.astype(np.float64), compute_uv=False)
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))
