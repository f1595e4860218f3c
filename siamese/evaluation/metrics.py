"""Labels, predictions and embeddings as arrays → the field's figures, each a pure function."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import confusion_matrix, normalized_mutual_info_score

from siamese.errors import MeasurementError
from siamese.metric.checks import require_labels, require_rows

_BLOCK = 512  # embeddings compared with all others at once

Confusion = NDArray[np.integer]


def confusion(labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: int) -> Confusion:
    """How many examples of each label (row) got each prediction (column), (classes, classes)."""
    labels = np.asarray(labels)
    if not labels.size:
        raise MeasurementError("There are no examples to measure.")
    require_labels(labels, labels.size, classes)
    require_labels(predictions, labels.size, classes)
    return confusion_matrix(labels, predictions, labels=np.arange(classes))


# The four figures of a confusion matrix take it as (..., classes, classes), so that a thousand resamples are one call.


def accuracy(confusion: Confusion) -> NDArray[np.float64]:
    """The share of examples recognised, (...)."""
    return _diagonal(confusion).sum(axis=-1) / confusion.sum(axis=(-2, -1))


def recalls(confusion: Confusion) -> NDArray[np.float64]:
    """The share of each class's examples recognised, (..., classes); not a number for classes without any."""
    return _share(_diagonal(confusion), confusion.sum(axis=-1))


def balanced_accuracy(confusion: Confusion) -> NDArray[np.float64]:
    """The mean recall of the classes that have examples, (...)."""
    return np.nanmean(recalls(confusion), axis=-1)


def macro_f1(confusion: Confusion) -> NDArray[np.float64]:
    """The mean F1 (harmonic mean of precision and recall) of the classes that have examples, (...)."""
    examples, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    f1 = 2 * _diagonal(confusion) / np.maximum(examples + predicted, 1)
    return np.nanmean(np.where(examples > 0, f1, np.nan), axis=-1)


def bootstrap_interval(
    confusion: Confusion,
    figure: Callable[[Confusion], NDArray[np.float64]],
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The percentile interval of a figure of the confusion matrix when its examples are drawn anew, with replacement.

    Drawing n examples with replacement is drawing the matrix's cells from a multinomial distribution.
    """
    count = int(confusion.sum())
    drawn = np.random.default_rng(seed).multinomial(count, confusion.ravel() / count, size=resamples)
    tail = (1 - level) / 2
    low, high = np.quantile(figure(drawn.reshape(resamples, *confusion.shape)), [tail, 1 - tail])
    return float(low), float(high)


def recall_at_1(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """How often the most similar other embedding has the same label, for unit embeddings (n, embedding_size)."""
    _require_labelled(embeddings, labels)
    hits = 0
    for start in range(0, len(embeddings), _BLOCK):
        similarities = embeddings[start : start + _BLOCK] @ embeddings.T
        rows = np.arange(len(similarities))
        similarities[rows, rows + start] = -np.inf
        hits += int((labels[similarities.argmax(axis=1)] == labels[rows + start]).sum())
    return hits / len(embeddings)


def normalised_mutual_information(embeddings: NDArray[np.float32], labels: NDArray[np.int64], seed: int = 0) -> float:
    """How well k-means, with as many clusters as there are labels, finds the labels: 0 (not at all) to 1."""
    _require_labelled(embeddings, labels)
    clusters = KMeans(len(np.unique(labels)), n_init=10, random_state=seed).fit_predict(embeddings)
    return float(normalized_mutual_info_score(labels, clusters))


def mean_similarities(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """The mean cosine similarity over all pairs of one label, and over all pairs of two, for unit embeddings.

    The similarities of a set's pairs sum to half of its vector sum's squared length less its vectors' own. Raises
    MeasurementError when there is no pair of either kind.
    """
    _require_labelled(embeddings, labels)
    classes, class_of, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2 or sizes.max() < 2:
        raise MeasurementError("Pairs of the same and of different labels are needed: two labels, one of them twice.")
    vectors = embeddings.astype(np.float64)
    own = np.square(vectors).sum()
    sums = np.zeros((len(classes), vectors.shape[1]))
    np.add.at(sums, class_of, vectors)
    same = np.square(sums).sum() - own
    everything = np.square(sums.sum(axis=0)).sum() - own
    same_pairs = (sizes * (sizes - 1)).sum()
    all_pairs = len(vectors) * (len(vectors) - 1)
    return float(same / same_pairs), float((everything - same) / (all_pairs - same_pairs))


def _require_labelled(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings))
    if len(embeddings) < 2:
        raise MeasurementError("One embedding alone has nothing to be compared with. Give two at least.")


def _diagonal(confusion: Confusion) -> Confusion:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _share(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
