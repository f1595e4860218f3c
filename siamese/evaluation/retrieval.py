"""Unit embeddings → the nearest neighbours of each, and how often these have its label: Recall, precision and Acc@K."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siamese.errors import MeasurementError
from siamese.evaluation.labelled import Labelled
from siamese.metric.checks import require_rows

KS = (1, 2, 4, 8, 16, 32)

_BLOCK = 256  # queries compared with the whole gallery at once
_STEPS = 2**20  # of similarity in 1: 1e-6, above float32's own error


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Each query's most similar rows of the gallery, best first: `rows` and `similarities`, (queries, k)."""

    rows: NDArray[np.int64]
    similarities: NDArray[np.float32]


@dataclass(frozen=True)
class Retrieval:
    """How often neighbours have the query's label, for each K. Shares are 0…1.

    `recall`: of queries that have one such neighbour at least among their K nearest; `precision`: of the K nearest;
    `accuracy`: of queries whose label gets most votes of the K nearest (`vote`).
    """

    recall: dict[int, float]
    precision: dict[int, float]
    accuracy: dict[int, float]


def nearest(
    queries: NDArray[np.float32],
    gallery: NDArray[np.float32],
    k: int,
    own: NDArray[np.int64] | None = None,
) -> Neighbours:
    """The k rows of a gallery (m, embedding_size) most similar to each query (n, embedding_size), all of unit length.

    `own` (n,), where it is given, are the queries' own rows in the gallery, which are left out. Of equally similar
    rows, to steps of 1e-6, the first comes first. Where the gallery has fewer than k, all come. Raises
    MeasurementError when nothing is left to find.
    """
    require_rows("queries", queries)
    require_rows("gallery's embeddings", gallery, queries.shape[1])
    k = min(k, len(gallery) - (own is not None))
    if k < 1:
        raise MeasurementError("One embedding alone has nothing to be compared with. Give two at least.")
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(queries), _BLOCK)]
    found = [_nearest(queries[rows], gallery, k, None if own is None else own[rows]) for rows in blocks]
    rows, similarities = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Neighbours(rows, similarities)


def nearest_examples(
    embeddings: NDArray[np.float32],
    rows: NDArray[np.int64],
    gallery: NDArray[np.float32] | None = None,
    k: int = 5,
) -> Neighbours:
    """The k nearest to some `rows` of the embeddings: among the others, or in a gallery where one is given."""
    if gallery is None:
        return nearest(embeddings[rows], embeddings, k, own=rows)
    return nearest(embeddings[rows], gallery, k)


def some_of_each(labels: NDArray[np.int64], count: int = 1, seed: int = 0) -> NDArray[np.int64]:
    """The rows of `count` examples of each label, or of all where there are fewer, drawn at random, label by label."""
    random = np.random.default_rng(seed)
    rows_of = (np.flatnonzero(labels == label) for label in np.unique(labels))
    return np.concatenate([random.permutation(rows)[:count] for rows in rows_of])


def vote(labels: NDArray[np.int64], similarities: NDArray[np.floating]) -> NDArray[np.int64]:
    """The label (n,) that most of each query's neighbours have, given their labels and similarities, (n, k).

    Every neighbour has one vote; of labels with equally many, the one whose neighbours are more similar in sum wins.
    """
    queries, k = labels.shape
    votes = np.zeros((queries, int(labels.max()) + 1))
    tie_break = similarities.astype(np.float64) / (2 * k + 1)  # of all k together less than half a vote
    np.add.at(votes, (np.arange(queries)[:, None], labels), 1 + tie_break)
    return votes.argmax(axis=1)


def retrieve(queries: Labelled, gallery: Labelled | None = None, ks: Sequence[int] = KS) -> Retrieval:
    """Measure the neighbours of unit embeddings among one another, each left out of its own, or in a gallery.

    Recall@K as in metric learning (Jégou, Douze, Schmid 2011; Oh Song et al., CVPR 2016). Where there are fewer than K
    neighbours, those count. Raises MeasurementError when there is none at all.
    """
    own = np.arange(len(queries)) if gallery is None else None
    gallery = queries if gallery is None else gallery
    found = nearest(queries.rows, gallery.rows, max(ks), own)
    labels = gallery.labels[found.rows]
    same = labels == queries.labels[:, None]
    answers = {k: vote(labels[:, :k], found.similarities[:, :k]) for k in ks}
    return Retrieval(
        recall={k: float(same[:, :k].any(axis=1).mean()) for k in ks},
        precision={k: float(same[:, :k].mean()) for k in ks},
        accuracy={k: float((answers[k] == queries.labels).mean()) for k in ks},
    )


def _nearest(
    queries: NDArray[np.float32], gallery: NDArray[np.float32], k: int, own: NDArray[np.int64] | None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    similarities = queries @ gallery.T
    steps = np.rint(similarities * _STEPS).astype(np.int64)
    order = np.arange(len(gallery)) - steps * len(gallery)  # ascending, and no two alike
    if own is not None:
        order[np.arange(len(own)), own] = np.iinfo(np.int64).max
    rows = np.argpartition(order, k - 1, axis=1)[:, :k]
    best_first = np.take_along_axis(order, rows, axis=1).argsort(axis=1)
    rows = np.take_along_axis(rows, best_first, axis=1)
    return rows, np.take_along_axis(similarities, rows, axis=1)
