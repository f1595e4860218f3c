"""Embeddings, labels and subjects → figures on people that the prototypes have not seen, by cross-validation.

The network has seen them either where embeddings are frozen, and not where it is trained anew for each fold.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import GroupKFold, KFold

from siamese.errors import MeasurementError
from siamese.evaluation import metrics
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.prototypes import fit_prototypes
from siamese.metric.structure import mean_similarities
from siamese.metric.verification import count_pairs, roc

BY_SUBJECT, LEAKY = "by subject", "leaky"

Split = tuple[NDArray[np.int64], NDArray[np.int64]]
Embed = Callable[[NDArray[np.int64]], NDArray[np.float32]]


@dataclass(frozen=True)
class FoldEvidence:
    """The nearest prototype, fitted on the other folds, on one fold; and the pairs within that fold. Shares are 0…1."""

    images: int
    accuracy: float
    balanced_accuracy: float
    roc_auc: float
    eer: float
    margin: float


@dataclass(frozen=True)
class CrossValidation:
    """Every fold, and over all folds: `accuracy` and `balanced_accuracy` of all images, each answered once; the `mean`
    and the standard `deviation` of the folds' own figures.

    `split` says how the folds were cut: by subject, or leaky.
    """

    split: str
    accuracy: float
    balanced_accuracy: float
    mean: dict[str, float]
    deviation: dict[str, float]
    folds: tuple[FoldEvidence, ...]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, ready for JSON."""
        return asdict(self)


def cross_validate(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    subjects: ArrayLike,
    names: Sequence[str],
    folds: int = 10,
) -> CrossValidation:
    """Measure unit embeddings (n, embedding_size) with labels (n,), which index `names`, by subjects (n,).

    No subject is in two folds. Raises MeasurementError when there are fewer subjects than folds, an expression is shown
    in one fold alone, or a fold has no pairs of the same and of different expressions.
    """
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings), len(names))
    return cross_validate_training(lambda _: embeddings, labels, subjects, names, folds)


def cross_validate_training(
    embed: Embed, labels: NDArray[np.int64], subjects: ArrayLike, names: Sequence[str], folds: int = 10
) -> CrossValidation:
    """The same for a network that is trained in every fold: `embed` takes the rows to train on, and answers with the
    unit embeddings (n, embedding_size) of all."""
    subjects = np.asarray(subjects)
    if subjects.shape != (len(labels),):
        raise MeasurementError(f"Expected {len(labels)} subjects, one a row, not {subjects.shape}.")
    _require_enough("subjects", len(np.unique(subjects)), folds)
    return _cross_validate(BY_SUBJECT, GroupKFold(folds).split(labels, groups=subjects), embed, labels, names)


def cross_validate_leaky(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], names: Sequence[str], folds: int = 10, seed: int = 0
) -> CrossValidation:
    """The same with images dealt to folds at random, so that a subject is on both sides and figures come out too high.

    Only to be shown beside `cross_validate`, and named as what it is.
    """
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings), len(names))
    return cross_validate_training_leaky(lambda _: embeddings, labels, names, folds, seed)


def cross_validate_training_leaky(
    embed: Embed, labels: NDArray[np.int64], names: Sequence[str], folds: int = 10, seed: int = 0
) -> CrossValidation:
    """The same for a network that is trained in every fold."""
    _require_enough("images", len(labels), folds)
    splits = KFold(folds, shuffle=True, random_state=seed).split(labels)
    return _cross_validate(LEAKY, splits, embed, labels, names)


def _cross_validate(
    split: str,
    splits: Iterable[Split],
    embed: Embed,
    labels: NDArray[np.int64],
    names: Sequence[str],
) -> CrossValidation:
    labels = np.asarray(labels)
    require_labels(labels, len(labels), len(names))
    present, labels = np.unique(labels, return_inverse=True)
    names = [names[label] for label in present]
    confusions, folds = [], []
    for others, held_out in splits:
        embeddings = embed(others)
        prototypes = fit_prototypes(embeddings[others], labels[others], names)
        answers = prototypes.nearest(embeddings[held_out])
        confusions.append(metrics.confusion(labels[held_out], answers, len(names)))
        folds.append(_measure(confusions[-1], embeddings[held_out], labels[held_out]))
    everything = np.sum(confusions, axis=0)
    figures = {name: [getattr(fold, name) for fold in folds] for name in FoldEvidence.__annotations__}
    return CrossValidation(
        split=split,
        accuracy=float(metrics.accuracy(everything)),
        balanced_accuracy=float(metrics.balanced_accuracy(everything)),
        mean={name: float(np.mean(values)) for name, values in figures.items()},
        deviation={name: float(np.std(values, ddof=1)) for name, values in figures.items()},
        folds=tuple(folds),
    )


def _measure(confusion: metrics.Confusion, embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> FoldEvidence:
    curve = roc(count_pairs(embeddings, labels))
    return FoldEvidence(
        images=len(labels),
        accuracy=float(metrics.accuracy(confusion)),
        balanced_accuracy=float(metrics.balanced_accuracy(confusion)),
        roc_auc=curve.area,
        eer=curve.equal_error[0],
        margin=mean_similarities(embeddings, labels).margin,
    )


def _require_enough(things: str, count: int, folds: int) -> None:
    if not 2 <= folds <= count:
        raise MeasurementError(f"{count} {things} cannot be dealt to {folds} folds. Ask for 2 to {count}.")
