"""Unit embeddings and labels → how the space is laid out: clusters against labels, similarities within and between.

How many directions it fills, the effective rank, is measured where training also needs it, in `metric/structure.py`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr
from sklearn.cluster import KMeans
from sklearn.metrics.cluster import contingency_matrix

from siamese.errors import MeasurementError
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.structure import mean_similarities, pair_counts

Contingency = NDArray[np.integer]


@dataclass(frozen=True)
class SimilaritySpread:
    """Cosine similarities over all pairs of one label (intra) and of two (inter): their means and deviations."""

    intra: float
    intra_deviation: float
    inter: float
    inter_deviation: float

    @property
    def margin(self) -> float:
        """By how much pairs of one label are the more similar."""
        return self.intra - self.inter

    @property
    def figures(self) -> dict[str, float]:
        """All of these, by the names that `Evidence` has for them."""
        return {
            "intra_similarity": self.intra,
            "intra_deviation": self.intra_deviation,
            "inter_similarity": self.inter,
            "inter_deviation": self.inter_deviation,
            "margin": self.margin,
        }


def cluster_table(embeddings: NDArray[np.float32], labels: NDArray[np.int64], seed: int = 0) -> Contingency:
    """How many examples of each label (row) k-means puts into each cluster (column), as many as there are labels."""
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings))
    if len(embeddings) < 2:
        raise MeasurementError("One embedding alone has nothing to be compared with. Give two at least.")
    clusters = KMeans(len(np.unique(labels)), n_init=10, random_state=seed).fit_predict(embeddings)
    return contingency_matrix(labels, clusters)


# The figures of a contingency table take it as (..., labels, clusters), so that a thousand resamples are one call.


def normalised_mutual_information(table: Contingency) -> NDArray[np.float64]:
    """How much clusters tell of labels, (...): 0 (nothing) to 1 (all), in shares of their mean entropy."""
    shares = table / table.sum(axis=(-2, -1), keepdims=True)
    apart = entr(shares.sum(axis=-1)).sum(axis=-1) + entr(shares.sum(axis=-2)).sum(axis=-1)
    together = entr(shares).sum(axis=(-2, -1))
    return _share(2 * (apart - together), apart)


def cluster_f1(table: Contingency) -> NDArray[np.float64]:
    """The F1 of calling two examples the same where they share a cluster, (...): 0…1.

    Over all pairs, as in the metric-learning literature (Oh Song et al., CVPR 2016).
    """
    found = _pairs(table).sum(axis=(-2, -1))
    listed = _pairs(table.sum(axis=-1)).sum(axis=-1) + _pairs(table.sum(axis=-2)).sum(axis=-1)
    return _share(2 * found, listed)


def similarity_spread(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], times: NDArray[np.integer] | None = None
) -> SimilaritySpread:
    """The similarities' means and standard deviations over all pairs, for unit embeddings (n, embedding_size).

    An embedding counts as often as `times` (n,) says, once if nothing does, and makes no pair with itself. The squared
    similarities of all pairs, a vector with itself among them, sum to the squared entries of the vectors' Gram matrix.
    Raises MeasurementError when there is no pair of either kind.
    """
    means = mean_similarities(embeddings, labels, times)
    weights = np.ones(len(labels)) if times is None else times.astype(np.float64)
    vectors = embeddings.astype(np.float64) * np.sqrt(weights)[:, None]
    own = np.square(np.square(vectors).sum(axis=1)).sum()
    same = sum(_squared_similarities(vectors[labels == label]) for label in np.unique(labels)) - own
    everything = _squared_similarities(vectors) - own
    same_pairs, other_pairs = pair_counts(labels, weights)
    return SimilaritySpread(
        means.intra,
        _deviation(same / same_pairs, means.intra),
        means.inter,
        _deviation((everything - same) / other_pairs, means.inter),
    )


def _squared_similarities(vectors: NDArray[np.float64]) -> float:
    return float(np.square(vectors.T @ vectors).sum())


def _deviation(mean_square: float, mean: float) -> float:
    return float(np.sqrt(max(mean_square - mean**2, 0)))


def _pairs(counts: Contingency) -> NDArray[np.float64]:
    return counts * (counts - 1) / 2


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """One where there is nothing to find."""
    return np.divide(part, whole, out=np.ones(np.shape(whole)), where=whole > 0)
