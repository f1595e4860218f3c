"""Similarities to the prototypes → probabilities that can be taken at their word, fitted on validation."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as checked_dataclass
from scipy.special import log_softmax, softmax

from siamese.errors import MeasurementError
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.records import Record

BINS = 15

_SHARPNESS = (1e-3, 1e4)  # 1 / temperature: from all classes alike to all or nothing, even for close similarities
_FIRST_SHARPNESS = 10.0
_EXPONENTS = (0.5, 4.0)


@checked_dataclass(frozen=True)
class Calibration(Record):
    """softmax(−(1 − similarity)^exponent / temperature + offset per class).

    With an exponent of one this is temperature scaling (Guo et al., ICML 2017), for the softmax is blind to what all
    logits have in common; above one, distances count the more the larger they are. With offsets it is bias-corrected
    temperature scaling (Alexandari et al., ICML 2020). Offsets have a mean of zero, so that classes beyond them (taught
    ones) get the neutral offset, zero.
    """

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    offsets: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = ()
    exponent: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0

    def probabilities(self, similarities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities (n, classes), each row summing to one, of similarities (n, classes).

        Raises MeasurementError when there are fewer classes than offsets.
        """
        spare = similarities.shape[-1] - len(self.offsets)
        if spare < 0:
            raise MeasurementError(
                f"{len(self.offsets)} classes were calibrated, but {similarities.shape[-1]} are given."
            )
        logits = bent(similarities, self.exponent) / self.temperature + np.pad(self.offsets, (0, spare))
        return softmax(logits, axis=-1)


def bent(similarities: NDArray[np.floating], exponent: float) -> NDArray[np.float64]:
    """−(1 − similarity)^exponent: the same order, and at an exponent of one the same differences."""
    return -(np.maximum(1 - similarities.astype(np.float64), 0) ** exponent)


UNCALIBRATED = Calibration(temperature=1.0)


def fit_calibration(
    similarities: NDArray[np.floating], labels: NDArray[np.int64], offsets: bool = False, exponent: float | None = 1.0
) -> Calibration:
    """The calibration under which labels (n,) are likeliest, given similarities (n, classes).

    Without an `exponent`, the likeliest of 0.5 to 4 is searched for too.
    """
    require_rows("similarities", similarities)
    require_labels(labels, len(similarities), similarities.shape[1])
    votes = np.eye(similarities.shape[1])[labels]
    if exponent is not None:
        return fit_calibration_to_votes(similarities, votes, offsets, exponent)
    from scipy.optimize import minimize_scalar

    def surprise(exponent: float) -> float:
        found = fit_calibration_to_votes(similarities, votes, offsets, exponent)
        return float(-np.log(np.maximum(found.probabilities(similarities)[votes > 0], np.finfo(float).tiny)).mean())

    best = minimize_scalar(surprise, bounds=_EXPONENTS, method="bounded", options={"xatol": 1e-3})
    return fit_calibration_to_votes(similarities, votes, offsets, float(best.x))


def fit_calibration_to_votes(
    similarities: NDArray[np.floating], votes: NDArray[np.floating], offsets: bool = False, exponent: float = 1.0
) -> Calibration:
    """The calibration whose probabilities are closest, in cross-entropy, to votes (n, classes), rows summing to one.

    Convex in 1 / temperature and the offsets, so that the minimum found is the only one. Raises MeasurementError when
    shapes differ, or an offset is asked for a class without a vote.
    """
    require_rows("similarities", similarities)
    require_rows("votes", votes, similarities.shape[1])
    if len(votes) != len(similarities) or votes.min() < 0 or np.abs(votes.sum(axis=1) - 1).max() > 1e-3:
        raise MeasurementError("The votes must hold one distribution for each row of similarities, summing to one.")
    if offsets and not votes.sum(axis=0).all():
        raise MeasurementError("A class without a single vote can have no offset. Fit the temperature alone.")
    from scipy.optimize import minimize  # as slow to import as all else here; answering does without

    count, classes = similarities.shape
    similarities, votes = bent(similarities, exponent), votes.astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_probabilities = log_softmax(parameters[0] * similarities + parameters[1:], axis=1)
        error = (np.exp(log_probabilities) - votes) / count
        slope = np.append((error * similarities).sum(), error.sum(axis=0) * offsets)
        return float(-(votes * log_probabilities).sum() / count), slope

    start = np.array([_FIRST_SHARPNESS] + [0.0] * classes)
    free = (None, None) if offsets else (0, 0)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_SHARPNESS] + [free] * classes, tol=1e-12)
    sharpness, shifts = best.x[0], best.x[1:] - best.x[1:].mean()
    return Calibration(float(1 / sharpness), tuple(shifts.tolist()) if offsets else (), exponent)


@dataclass(frozen=True)
class Reliability:
    """How often predictions of each confidence are right: per bin, (bins,), its share of all and two means in it.

    `confidence` and `accuracy` are zero in empty bins.
    """

    share: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean over predictions of their bin's |accuracy − confidence|."""
        return float((self.share * np.abs(self.accuracy - self.confidence)).sum())


def reliability(probabilities: NDArray[np.floating], labels: NDArray[np.int64], bins: int = BINS) -> Reliability:
    """The likeliest class's probability against how often it is the label, in bins of equal width that include their
    upper edge (Guo et al. 2017), for probabilities (n, classes) and labels (n,)."""
    require_rows("probabilities", probabilities)
    require_labels(labels, len(probabilities), probabilities.shape[1])
    return binned_reliability(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels, bins=bins)


def binned_reliability(
    confidence: NDArray[np.floating],
    share_right: NDArray[np.floating] | NDArray[np.bool_],
    weights: NDArray[np.floating] | None = None,
    bins: int = BINS,
) -> Reliability:
    """The same for confidences (n,) of which a known share was right (n,), each counted `weights` (n,) times."""
    bin_of = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    weights = np.ones(len(confidence)) if weights is None else weights

    def total(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(bin_of, weights=values, minlength=bins).astype(np.float64)

    size = total(weights)
    filled = np.maximum(size, np.finfo(float).tiny)
    return Reliability(size / size.sum(), total(weights * confidence) / filled, total(weights * share_right) / filled)


def expected_calibration_error(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], bins: int = BINS
) -> float:
    """By how much the likeliest class's probability misses its accuracy, on average (Guo et al. 2017). 0…1."""
    return reliability(probabilities, labels, bins).error
