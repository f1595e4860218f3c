"""Pairs of embeddings → do both show the same expression: probability, verdict, and how often the verdict errs."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as checked_dataclass
from scipy.special import expit

from siamese.errors import MeasurementError
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.records import Record

_LEVELS = 2**18  # of similarity, from -1 to 1: steps of 8e-6, hardly above float32's own error
_BLOCK = 512  # embeddings compared with all others at once
_WEAK_PENALTY = (
    1e3  # the inverse of the penalty's strength, against a likelihood summed over thousands of pairs or more
)

Rate = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


@checked_dataclass(frozen=True)
class Verification(Record):
    """From the cosine similarity of two embeddings to a judgement; `threshold` and the rates are validation's.

    Probability: a logistic function of the similarity (Platt 1999), where a share of `prior` of all pairs shows the
    same expression. Verdict: at the threshold where pairs of different expressions are accepted as often as pairs of
    the same are rejected.
    """

    threshold: Finite
    slope: Finite
    intercept: Finite
    prior: Rate
    equal_error_rate: Rate
    false_accept_rate: Rate
    false_reject_rate: Rate

    def probability(self, similarity: NDArray[np.floating] | float) -> NDArray[np.floating]:
        """The probability that two faces of this cosine similarity show the same expression; any shape."""
        return np.asarray(expit(self.slope * np.asarray(similarity) + self.intercept))

    def same(self, similarity: NDArray[np.floating] | float) -> NDArray[np.bool_]:
        """The verdict: whether the cosine similarity reaches the threshold; any shape."""
        return np.asarray(np.asarray(similarity) >= self.threshold)


@dataclass(frozen=True, eq=False)
class Pairs:
    """All pairs of a set, counted by similarity: `same[i]` pairs of one label and `different[i]` of two have
    `similarity[i]`; three arrays (levels,), similarities ascending. Small, however many pairs there are.

    Raises MeasurementError when there is no pair of either kind.
    """

    similarity: NDArray[np.floating]
    same: NDArray[np.integer]
    different: NDArray[np.integer]

    def __post_init__(self) -> None:
        if not self.same.any():
            raise MeasurementError(
                "No two examples share a label, so there is no pair of the same expression. Add some."
            )
        if not self.different.any():
            raise MeasurementError(
                "All examples share one label, so there is no pair to tell apart. Add another class."
            )

    @property
    def count(self) -> int:
        """How many pairs there are."""
        return int(self.same.sum() + self.different.sum())

    def weights(self, prior: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the same and the different pairs of each level weigh if a share of `prior` of all is same; sums to 1."""
        return prior * self.same / self.same.sum(), (1 - prior) * self.different / self.different.sum()


@dataclass(frozen=True, eq=False)
class Roc:
    """What accepting every pair from each threshold up does: three arrays (thresholds,), thresholds descending."""

    threshold: NDArray[np.floating]
    false_accept_rate: NDArray[np.float64]
    true_accept_rate: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area under the curve: how often a same pair is more similar than a different pair. 0…1."""
        return float(np.trapezoid(self.true_accept_rate, self.false_accept_rate))

    @property
    def equal_error(self) -> tuple[float, float]:
        """The rate (0…1) at which false accepts and false rejects are equal, and its threshold, between two points."""
        balance = self.false_accept_rate + self.true_accept_rate
        rate = np.interp(1, balance, self.false_accept_rate)
        return float(rate), float(np.interp(1, balance[1:], self.threshold[1:]))


def count_pairs(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> Pairs:
    """All n·(n−1)/2 pairs of unit embeddings (n, embedding_size), with labels (n,), counted by cosine similarity.

    Similarities are rounded to steps of 8e-6. Memory grows with n, not with the number of pairs.
    """
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings))
    counts = np.zeros((2, _LEVELS), dtype=np.int64)
    for start in range(0, len(embeddings), _BLOCK):
        rows = slice(start, start + _BLOCK)
        level = (embeddings[rows] @ embeddings[start:].T + 1) * ((_LEVELS - 1) / 2)
        level = level.round().clip(0, _LEVELS - 1).astype(np.int32)
        same = labels[rows, None] == labels[start:]
        later = np.arange(level.shape[1]) > np.arange(level.shape[0])[:, None]
        counts[0] += np.bincount(level[later & same], minlength=_LEVELS)
        counts[1] += np.bincount(level[later & ~same], minlength=_LEVELS)
    seen = np.flatnonzero(counts.any(axis=0))
    return Pairs(seen / ((_LEVELS - 1) / 2) - 1, *counts[:, seen])


def roc(pairs: Pairs) -> Roc:
    """The receiver operating characteristic over all pairs, from «accept none» to «accept all»."""
    threshold = np.append(np.inf, pairs.similarity[::-1])
    accepted = np.cumsum(np.stack([pairs.different, pairs.same])[:, ::-1], axis=1)
    rates = np.pad(accepted / accepted[:, -1:], ((0, 0), (1, 0)))
    return Roc(threshold, rates[0], rates[1])


def roc_auc(pairs: Pairs) -> float:
    """The area under the ROC curve over all pairs."""
    return roc(pairs).area


def equal_error_rate(pairs: Pairs) -> float:
    """The rate at which as many different pairs are accepted as same pairs are rejected."""
    return roc(pairs).equal_error[0]


def error_rates(pairs: Pairs, threshold: float) -> tuple[float, float]:
    """The share of different pairs accepted, and of same pairs rejected, when a threshold decides."""
    accepted = pairs.similarity >= threshold
    false_accepts = pairs.different[accepted].sum() / pairs.different.sum()
    false_rejects = pairs.same[~accepted].sum() / pairs.same.sum()
    return float(false_accepts), float(false_rejects)


def fit_verification(embeddings: NDArray[np.float32], labels: NDArray[np.int64], prior: float = 0.5) -> Verification:
    """Threshold of equal error and logistic calibration on all pairs of embeddings (n, embedding_size), labels (n,).

    With a `prior` of a half the probability agrees with the verdict, about a half at the threshold; with the share of
    same pairs in the set, mostly less than a third, it would call likely different what the verdict calls same.
    """
    pairs = count_pairs(embeddings, labels)
    rate, threshold = roc(pairs).equal_error
    slope, intercept = _fit_logistic(pairs, prior)
    return Verification(threshold, slope, intercept, prior, rate, *error_rates(pairs, threshold))


def _fit_logistic(pairs: Pairs, prior: float) -> tuple[float, float]:
    """Slope and intercept of P(same), by maximum likelihood over all pairs; kept finite where they separate."""
    from sklearn.linear_model import LogisticRegression  # two seconds to import, for which answering need not wait

    similarity = np.tile(pairs.similarity, 2)[:, None]
    same = np.repeat([True, False], len(pairs.similarity))
    weights = np.concatenate(pairs.weights(prior)) * pairs.count
    model = LogisticRegression(C=_WEAK_PENALTY, tol=1e-8, max_iter=1000).fit(similarity, same, sample_weight=weights)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
