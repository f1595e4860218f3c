"""A labelled set's embeddings and the parts that judge them → the evidence: every figure of one protocol."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.evaluation import metrics
from siamese.metric.calibration import UNCALIBRATED, Calibration, binned_reliability, expected_calibration_error
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.prototypes import Prototypes
from siamese.metric.verification import Pairs, Verification, count_pairs, error_rates, roc

Interval = tuple[float, float]


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
class Evidence:
    """What was measured on one set under one protocol. Shares are 0…1; intervals are 95 % bootstrap percentiles.

    `accuracy` to `confusion` (rows: labels, columns: answers, both in the order of `classes`) are for the nearest
    prototype; `calibrated_…` for the likeliest class after calibration, which differs only where calibration has an
    offset per class. Classes without an image are left out of every mean and of the dictionaries.
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
    recall_per_class: dict[str, float]
    confusion: tuple[tuple[int, ...], ...]
    calibrated_accuracy: float
    calibrated_balanced_accuracy: float
    calibrated_macro_f1: float
    calibrated_recall_per_class: dict[str, float]
    ece: float
    ece_uncalibrated: float
    roc_auc: float
    eer: float
    verification: VerificationEvidence
    recall_at_1: float
    nmi: float
    intra_similarity: float
    inter_similarity: float

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
    names = prototypes.names
    nearest = metrics.confusion(labels, similarities.argmax(axis=1), len(names))
    likeliest = metrics.confusion(labels, probabilities.argmax(axis=1), len(names))
    pairs = count_pairs(embeddings, labels)
    curve = roc(pairs)
    intra, inter = metrics.mean_similarities(embeddings, labels)
    return Evidence(
        protocol=protocol,
        images=len(labels),
        classes=names,
        images_per_class={name: int(n) for name, n in zip(names, nearest.sum(axis=1), strict=True) if n},
        accuracy=float(metrics.accuracy(nearest)),
        accuracy_interval=metrics.bootstrap_interval(nearest, metrics.accuracy),
        balanced_accuracy=float(metrics.balanced_accuracy(nearest)),
        balanced_accuracy_interval=metrics.bootstrap_interval(nearest, metrics.balanced_accuracy),
        macro_f1=float(metrics.macro_f1(nearest)),
        recall_per_class=_recall_per_class(nearest, names),
        confusion=tuple(map(tuple, nearest.tolist())),
        calibrated_accuracy=float(metrics.accuracy(likeliest)),
        calibrated_balanced_accuracy=float(metrics.balanced_accuracy(likeliest)),
        calibrated_macro_f1=float(metrics.macro_f1(likeliest)),
        calibrated_recall_per_class=_recall_per_class(likeliest, names),
        ece=expected_calibration_error(probabilities, labels),
        ece_uncalibrated=expected_calibration_error(UNCALIBRATED.probabilities(similarities), labels),
        roc_auc=curve.area,
        eer=curve.equal_error[0],
        verification=_verify(pairs, verification),
        recall_at_1=metrics.recall_at_1(embeddings, labels),
        nmi=metrics.normalised_mutual_information(embeddings, labels),
        intra_similarity=intra,
        inter_similarity=inter,
    )


def _recall_per_class(confusion: metrics.Confusion, names: tuple[str, ...]) -> dict[str, float]:
    recalls = metrics.recalls(confusion).tolist()
    return {name: recall for name, recall in zip(names, recalls, strict=True) if not np.isnan(recall)}


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
