"""A labelled set's embeddings and the parts that judge them → the evidence: every figure of one protocol."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.evaluation import metrics, structure
from siamese.evaluation.bootstrap import (
    Interval,
    calibration_interval,
    layout_intervals,
    pair_intervals,
    share_interval,
    table_interval,
)
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.retrieval import retrieve
from siamese.metric.calibration import UNCALIBRATED, Calibration, binned_reliability, expected_calibration_error
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.prototypes import Prototypes
from siamese.metric.structure import effective_rank
from siamese.metric.verification import (
    Pairs,
    Roc,
    Verification,
    count_pairs,
    equal_error_rate,
    error_rates,
    roc,
    roc_auc,
)


@dataclass(frozen=True)
class VerificationEvidence:
    """The verdict «same expression» at the shipped threshold, over all pairs; `ece` is the probability's error,
    with same pairs weighed to the prior that the probability assumes."""

    threshold: float
    accuracy: float
    false_accept_rate: float
    false_reject_rate: float
    ece: float
    pairs: int


@dataclass(frozen=True)
class ClassEvidence:
    """One class by nearest prototype. Shares are 0…1; a class that is never answered has a precision of zero."""

    images: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Evidence:
    """What was measured on one set under one protocol. Shares are 0…1; intervals are 95 % bootstrap percentiles.

    `accuracy` to `confusion` (rows: labels, columns: answers, both in the order of `classes`) are for the nearest
    prototype; `calibrated_…` for the likeliest class after calibration, which differs only where calibration has an
    offset per class. Classes without an image are left out of every mean and of the dictionaries. `true_accepts_at_…`
    is the share of same pairs accepted where that share of different pairs is; `…_at_k`, by K, are of the K nearest
    others (`retrieval.Retrieval`); `nmi` and `cluster_f1` of k-means clusters; similarities are cosines over all pairs.
    """

    protocol: str
    images: int
    classes: tuple[str, ...]
    images_per_class: dict[str, int]
    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    balanced_accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    weighted_f1: float
    weighted_f1_interval: Interval
    recall_per_class: dict[str, float]
    per_class: dict[str, ClassEvidence]
    confusion: tuple[tuple[int, ...], ...]
    calibrated_accuracy: float
    calibrated_balanced_accuracy: float
    calibrated_macro_f1: float
    calibrated_recall_per_class: dict[str, float]
    ece: float
    ece_interval: Interval
    ece_uncalibrated: float
    ece_uncalibrated_interval: Interval
    roc_auc: float
    roc_auc_interval: Interval
    eer: float
    eer_interval: Interval
    true_accepts_at_1_percent: float
    true_accepts_at_1_percent_interval: Interval
    true_accepts_at_0_1_percent: float
    true_accepts_at_0_1_percent_interval: Interval
    verification: VerificationEvidence
    recall_at_1: float
    recall_at_1_interval: Interval
    recall_at_k: dict[int, float]
    precision_at_k: dict[int, float]
    accuracy_at_k: dict[int, float]
    nmi: float
    nmi_interval: Interval
    cluster_f1: float
    cluster_f1_interval: Interval
    intra_similarity: float
    intra_similarity_interval: Interval
    intra_deviation: float
    intra_deviation_interval: Interval
    inter_similarity: float
    inter_similarity_interval: Interval
    inter_deviation: float
    inter_deviation_interval: Interval
    margin: float
    margin_interval: Interval
    effective_rank: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, ready for JSON."""
        return asdict(self)


def evaluate_embeddings(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    prototypes: Prototypes,
    calibration: Calibration,
    verification: Verification,
    protocol: str,
) -> Evidence:
    """Measure unit embeddings (n, embedding_size) against labels (n,), which index the prototypes' names.

    Nothing is fitted here. Raises MeasurementError when embeddings, labels and prototypes do not fit each other, or
    there are no pairs of the same and of different labels.
    """
    require_rows("embeddings", embeddings, prototypes.vectors.shape[1])
    require_labels(labels, len(embeddings), len(prototypes.names))
    similarities = prototypes.similarities(embeddings)
    probabilities = calibration.probabilities(similarities)
    return Evidence(
        protocol=protocol,
        images=len(labels),
        classes=prototypes.names,
        **_recognition(similarities.argmax(axis=1), labels, prototypes.names),
        **_recognition_calibrated(probabilities.argmax(axis=1), labels, prototypes.names),
        **_confidence(probabilities, UNCALIBRATED.probabilities(similarities), labels),
        **_pairs(embeddings, labels, verification),
        **_retrieval(embeddings, labels),
        **_clusters(embeddings, labels),
        **_layout(embeddings, labels),
    )


Figures = dict[str, Any]  # some of the figures of an `Evidence`, by name


def _recognition(answers: NDArray[np.int64], labels: NDArray[np.int64], names: tuple[str, ...]) -> Figures:
    counts = metrics.confusion(labels, answers, len(names))
    figures: Figures = {
        "images_per_class": {name: int(n) for name, n in zip(names, counts.sum(axis=1), strict=True) if n},
        "recall_per_class": _recall_per_class(counts, names),
        "per_class": _per_class(counts, names),
        "confusion": tuple(map(tuple, counts.tolist())),
    }
    for figure in (metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1, metrics.weighted_f1):
        figures[figure.__name__] = float(figure(counts))
        figures[f"{figure.__name__}_interval"] = table_interval(counts, figure)
    return figures


def _recognition_calibrated(answers: NDArray[np.int64], labels: NDArray[np.int64], names: tuple[str, ...]) -> Figures:
    counts = metrics.confusion(labels, answers, len(names))
    return {
        "calibrated_accuracy": float(metrics.accuracy(counts)),
        "calibrated_balanced_accuracy": float(metrics.balanced_accuracy(counts)),
        "calibrated_macro_f1": float(metrics.macro_f1(counts)),
        "calibrated_recall_per_class": _recall_per_class(counts, names),
    }


def _confidence(
    probabilities: NDArray[np.floating], uncalibrated: NDArray[np.floating], labels: NDArray[np.int64]
) -> Figures:
    return {
        "ece": expected_calibration_error(probabilities, labels),
        "ece_interval": calibration_interval(probabilities, labels),
        "ece_uncalibrated": expected_calibration_error(uncalibrated, labels),
        "ece_uncalibrated_interval": calibration_interval(uncalibrated, labels),
    }


def _pairs(embeddings: NDArray[np.float32], labels: NDArray[np.int64], verification: Verification) -> Figures:
    pairs = count_pairs(embeddings, labels)
    curve = roc(pairs)
    measured: dict[str, Callable[[Pairs], float]] = {
        "roc_auc": roc_auc,
        "eer": equal_error_rate,
        "true_accepts_at_1_percent": _true_accepts_at(0.01),
        "true_accepts_at_0_1_percent": _true_accepts_at(0.001),
    }
    intervals = pair_intervals(embeddings, labels, list(measured.values()))
    return {
        "verification": _verify(pairs, verification),
        "roc_auc": curve.area,
        "eer": curve.equal_error[0],
        "true_accepts_at_1_percent": _true_accepts(curve, 0.01),
        "true_accepts_at_0_1_percent": _true_accepts(curve, 0.001),
        **{f"{name}_interval": interval for name, interval in zip(measured, intervals, strict=True)},
    }


def _retrieval(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> Figures:
    neighbours = retrieve(Labelled(embeddings, labels))
    return {
        "recall_at_1": neighbours.recall[1],
        "recall_at_1_interval": share_interval(neighbours.recall[1], len(labels)),
        "recall_at_k": neighbours.recall,
        "precision_at_k": neighbours.precision,
        "accuracy_at_k": neighbours.accuracy,
    }


def _clusters(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> Figures:
    counts = structure.cluster_table(embeddings, labels)
    return {
        "nmi": float(structure.normalised_mutual_information(counts)),
        "nmi_interval": table_interval(counts, structure.normalised_mutual_information),
        "cluster_f1": float(structure.cluster_f1(counts)),
        "cluster_f1_interval": table_interval(counts, structure.cluster_f1),
    }


def _layout(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> Figures:
    intervals = layout_intervals(embeddings, labels)
    return {
        **structure.similarity_spread(embeddings, labels).figures,
        **{f"{name}_interval": interval for name, interval in intervals.items()},
        "effective_rank": effective_rank(embeddings),
    }


def _recall_per_class(confusion: metrics.Confusion, names: tuple[str, ...]) -> dict[str, float]:
    recalls = metrics.recalls(confusion).tolist()
    return {name: recall for name, recall in zip(names, recalls, strict=True) if not np.isnan(recall)}


def _per_class(confusion: metrics.Confusion, names: tuple[str, ...]) -> dict[str, ClassEvidence]:
    figures = (
        confusion.sum(axis=1),
        metrics.precisions(confusion),
        metrics.recalls(confusion),
        metrics.f1_scores(confusion),
    )
    rows = zip(*(figure.tolist() for figure in figures), strict=True)
    return {name: ClassEvidence(*row) for name, row in zip(names, rows, strict=True) if row[0]}


def _true_accepts(curve: Roc, limit: float) -> float:
    """The share of same pairs accepted by the lowest threshold that accepts at most this share of different pairs."""
    return float(curve.true_accept_rate[np.searchsorted(curve.false_accept_rate, limit, side="right") - 1])


def _true_accepts_at(limit: float) -> Callable[[Pairs], float]:
    return lambda pairs: _true_accepts(roc(pairs), limit)


def _verify(pairs: Pairs, verification: Verification) -> VerificationEvidence:
    accepted = verification.same(pairs.similarity)
    right = pairs.same[accepted].sum() + pairs.different[~accepted].sum()
    same, different = pairs.weights(verification.prior)
    probability = verification.probability(pairs.similarity)
    false_accepts, false_rejects = error_rates(pairs, verification.threshold)
    return VerificationEvidence(
        threshold=verification.threshold,
        accuracy=float(right / pairs.count),
        false_accept_rate=false_accepts,
        false_reject_rate=false_rejects,
        ece=binned_reliability(probability, same / (same + different), same + different).error,
        pairs=pairs.count,
    )
