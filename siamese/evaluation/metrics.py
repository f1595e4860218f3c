"""Labels and predictions as arrays → recognition's figures, each a pure function of their confusion matrix."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from siamese.errors import MeasurementError
from siamese.metric.checks import require_labels

Confusion = NDArray[np.integer]


def confusion(labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> Confusion:
    """How many examples of each label (row) got each prediction (column), (classes, classes)."""
    labels = np.asarray(labels)
    if not labels.size:
        raise MeasurementError("There are no examples to measure.")
    require_labels(labels, labels.size, classes)
    require_labels(predictions, labels.size, classes)
    return confusion_matrix(labels, predictions, labels=np.arange(classes))


# The figures of a confusion matrix take it as (..., classes, classes), so that a thousand resamples are one call.


def accuracy(confusion: Confusion) -> NDArray[np.float64]:
    """The share of examples recognised, (...)."""
    return _diagonal(confusion).sum(axis=-1) / confusion.sum(axis=(-2, -1))


def recalls(confusion: Confusion) -> NDArray[np.float64]:
    """The share of each class's examples recognised, (..., classes); not a number for classes without any."""
    return _share(_diagonal(confusion), confusion.sum(axis=-1))


def precisions(confusion: Confusion) -> NDArray[np.float64]:
    """The share of each class's predictions that are right, (..., classes); zero for classes never predicted."""
    return _diagonal(confusion) / np.maximum(confusion.sum(axis=-2), 1)


def f1_scores(confusion: Confusion) -> NDArray[np.float64]:
    """Each class's harmonic mean of precision and recall, (..., classes); not a number for classes without examples."""
    examples, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    f1 = 2 * _diagonal(confusion) / np.maximum(examples + predicted, 1)
    return np.where(examples > 0, f1, np.nan)


def balanced_accuracy(confusion: Confusion) -> NDArray[np.float64]:
    """The mean recall of the classes that have examples, (...)."""
    return np.nanmean(recalls(confusion), axis=-1)


def macro_f1(confusion: Confusion) -> NDArray[np.float64]:
    """The mean F1 of the classes that have examples, (...)."""
    return np.nanmean(f1_scores(confusion), axis=-1)


def weighted_f1(confusion: Confusion) -> NDArray[np.float64]:
    """The mean F1 over examples, each with its class's, (...)."""
    examples = confusion.sum(axis=-1)
    return np.nansum(f1_scores(confusion) * examples, axis=-1) / examples.sum(axis=-1)


def _diagonal(confusion: Confusion) -> Confusion:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _share(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
