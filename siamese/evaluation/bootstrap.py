"""What was measured on a set's images → the 95 % intervals of its figures, had other images like them been drawn.

All are percentiles over resamples of the images with replacement (Efron 1979).
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from siamese.errors import MeasurementError
from siamese.evaluation.structure import similarity_spread
from siamese.metric.calibration import binned_reliability
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.verification import Pairs, count_pairs

Interval = tuple[float, float]

_TAIL = 0.025
_RESAMPLES = 1000
_PAIR_RESAMPLES = 200
_LEVELS = 1024  # of similarity, in resampled pairs; against all of them, areas and equal errors change by 1e-5
_SEED = 0


def table_interval(
    table: NDArray[np.integer],
    figure: Callable[[NDArray[np.integer]], NDArray[np.float64]],
    resamples: int = _RESAMPLES,
) -> Interval:
    """The interval of a figure of a table of counts: a confusion matrix, or clusters against labels.

    Drawing n examples with replacement is drawing the table's cells from a multinomial distribution. Clusters stay as
    they were found: it is their assignments that are drawn anew, and no clusters are.
    """
    count = int(table.sum())
    drawn = np.random.default_rng(_SEED).multinomial(count, table.ravel() / count, size=resamples)
    return _percentiles(figure(drawn.reshape(resamples, *table.shape)))


def share_interval(share: float, count: int, resamples: int = _RESAMPLES) -> Interval:
    """The interval of a share (0…1) of `count` images, each of which either has a property or has not.

    So for Recall@1, whose queries are drawn anew while the gallery that they search stays.
    """
    return _percentiles(np.random.default_rng(_SEED).binomial(count, share, size=resamples) / count)


def calibration_interval(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], resamples: int = _RESAMPLES
) -> Interval:
    """The interval of the expected calibration error, for probabilities (n, classes) and labels (n,).

    That error takes chance for error too, and a resample has more chance in it: the interval lies a little high.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    times = _draw(len(labels), resamples)
    return _percentiles([binned_reliability(confidence, right, weights).error for weights in times])


def pair_intervals(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    figures: Sequence[Callable[[Pairs], float]],
    resamples: int = _PAIR_RESAMPLES,
) -> list[Interval]:
    """The intervals of figures over all pairs of unit embeddings (n, embedding_size), with labels (n,).

    Images are drawn anew, not pairs, of which n share an image and so are no independent draws.
    """
    drawn = resampled_pairs(embeddings, labels, _draw(len(embeddings), resamples))
    values = np.array([[figure(pairs) for figure in figures] for pairs in drawn])
    return [_percentiles(column) for column in values.T]


def layout_intervals(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], resamples: int = _PAIR_RESAMPLES
) -> dict[str, Interval]:
    """The intervals of how similar unit embeddings (n, embedding_size) with labels (n,) are, by names of `Evidence`.

    An image drawn several times makes no pair with itself. Resamples in which one kind of pair is missing are left out.
    """
    drawn = [_layout(embeddings, labels, times) for times in _draw(len(embeddings), resamples)]
    complete = [layout for layout in drawn if layout]
    return {name: _percentiles([layout[name] for layout in complete]) for name in complete[0]}


def _layout(embeddings: NDArray[np.float32], labels: NDArray[np.int64], times: NDArray[np.integer]) -> dict[str, float]:
    try:
        return similarity_spread(embeddings, labels, times).figures
    except MeasurementError:  # no pair of one kind was drawn
        return {}


def resampled_pairs(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], times: NDArray[np.integer]
) -> Iterator[Pairs]:
    """The pairs of each resample, in which image i was drawn `times[resample, i]` times, (resamples, n).

    A pair counts as often as its images were drawn, one's times multiplied by the other's; an image makes no pair with
    itself. Similarities are counted in at most 1,024 levels, each with about the same share of pairs, and named by the
    lower bound. Resamples in which one kind of pair is missing are left out. Takes seconds for 3,000 images, and grows
    with their square; memory does not. Raises MeasurementError when the set itself lacks a kind of pair.
    """
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings))
    bounds = _level_bounds(count_pairs(embeddings, labels))
    levels = len(bounds) + 1
    weights = times.T.astype(np.float32)
    counts = np.zeros((2 * levels, len(times)))
    for row in range(len(embeddings) - 1):
        later = slice(row + 1, None)
        level = np.searchsorted(bounds, embeddings[later] @ embeddings[row])
        cell = level + levels * (labels[later] == labels[row])
        counts += weights[row] * (_one_hot(cell, 2 * levels) @ weights[later])
    similarity = np.append(-1.0, bounds)
    for different, same in counts.T.reshape(len(times), 2, levels).astype(np.int64):
        if different.any() and same.any():
            yield Pairs(similarity, same, different)


def _level_bounds(pairs: Pairs) -> NDArray[np.float64]:
    """Similarities, midway between two that occur, which cut the pairs (each kind half of all) into even shares."""
    reached = np.cumsum(np.sum(pairs.weights(0.5), axis=0))
    last_below = np.unique(np.searchsorted(reached, np.arange(1, _LEVELS) / _LEVELS))
    between = (pairs.similarity[:-1] + pairs.similarity[1:]) / 2
    return between[last_below[last_below < len(between)]]


def _one_hot(cells: NDArray[np.integer], count: int) -> csc_array:
    """A matrix (count, n) with a one in each column, at its cell."""
    return csc_array((np.ones(len(cells), np.float32), cells, np.arange(len(cells) + 1)), shape=(count, len(cells)))


def _draw(count: int, resamples: int) -> NDArray[np.int64]:
    """How often each of `count` images is drawn in each resample, (resamples, count)."""
    return np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=resamples)


def _percentiles(values: Sequence[float] | NDArray[np.floating]) -> Interval:
    low, high = np.quantile(np.asarray(values), [_TAIL, 1 - _TAIL])
    return float(low), float(high)
