"""Embeddings and their labels → the rows that others contradict, the most doubtful label first.

Two witnesses are heard. A row's nearest neighbours vote, each for its own label, the more similar the stronger; and a
second time with the trust that the first round left in them, so that wrong labels count for little. And a logistic
regression, out of sample, sees the classes as wholes where so few neighbours are undecided. A label is doubtful when
both deny it: their shares for it are multiplied.

Neighbours are sought where every direction in which faces of one label differ counts alike: the embeddings are whitened
by the scatter within labels, as in linear discriminant analysis. What there was to choose was chosen on FER+'s
validation and training parts with 5 % of their labels flipped, by draws that `benchmarks/label_errors.py` does not
report.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from siamese.errors import MeasurementError
from siamese.metric.checks import require_rows

NEIGHBOURS = 50

_SOFTNESS = 0.2  # of similarity: a neighbour less similar by this has a vote e times weaker
_ROUNDS = 2
_FOLDS = 5  # of the regression
_DOUBT = 0.1  # added to each witness's share, lest one alone condemn a label
_LEAST = 1e-9  # of a vote, that the least trusted neighbour keeps: no row is left without any
_SHOWN = 6  # neighbours that disagree, told for each row
_FLAT = 1e-6  # variance along a direction in which no two faces of a label differ; typical ones are above 1e-3
_BATCH = 1024  # rows compared with all others at once

Shares = NDArray[np.float64]


@dataclass(frozen=True)
class Suspect:
    """A row and how doubtful its label is: `score`, 0 (both witnesses are sure of it) to 1 (both deny it).

    `suggested` is the label for which most speaks, the row's own where that is so; `disagreeing` are the rows of the
    nearest neighbours that have another label, most similar first.
    """

    row: int
    label: str
    suggested: str
    score: float
    disagreeing: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "row": self.row,
            "label": self.label,
            "suggested": self.suggested,
            "score": self.score,
            "disagreeing": list(self.disagreeing),
        }


def find_suspects(
    embeddings: NDArray[np.float32],
    labels: Sequence[str],
    groups: Sequence[str] | None = None,
    neighbours: int = NEIGHBOURS,
) -> list[Suspect]:
    """Every row of unit embeddings (n, embedding_size) float32, most doubtful first; of equals, the first comes first.

    Each is judged by so many nearest others, or by all where there are fewer. With `groups`, one name a row, rows of
    one group do not vouch for each other: frames of one film share their label, and so its error. Raises
    MeasurementError when labels or groups do not fit the embeddings, or there is no other row to ask.
    """
    require_rows("embeddings", embeddings)
    names, codes = _coded("labels", labels, len(embeddings))
    _, apart = (None, np.arange(len(codes))) if groups is None else _coded("groups", groups, len(codes))
    if neighbours < 1:
        raise MeasurementError(f"A label is checked against one neighbour at least, not {neighbours}.")
    if len(np.unique(apart)) < 2:
        raise MeasurementError("To check labels, give two faces at least, and not all of one group.")
    rows, strengths = _neighbours(whitened(embeddings, codes), apart, neighbours)
    shares = (_by_votes(codes, rows, strengths) + _DOUBT) * (_by_regression(embeddings, codes, apart) + _DOUBT)
    scores = _scores(shares[np.arange(len(codes)), codes])
    others = (strengths > 0) & (codes[rows] != codes[:, None])
    return [
        Suspect(
            int(row),
            names[codes[row]],
            names[shares[row].argmax()],
            float(scores[row]),
            tuple(rows[row][others[row]][:_SHOWN].tolist()),
        )
        for row in np.argsort(-scores, kind="stable")
    ]


def whitened(embeddings: NDArray[np.float32], codes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Unit rows (n, d) in which differences between faces of one label, `codes` (n,) from 0, have no main direction.

    The scatter within labels is shrunk as by Ledoit and Wolf (2004), so that a few rows are enough.
    """
    counts = np.bincount(codes)
    means = np.zeros((len(counts), embeddings.shape[1]))
    np.add.at(means, codes, embeddings)
    means /= counts[:, None]
    from sklearn.covariance import ledoit_wolf  # seconds to import, which only a check should take

    scatter, _ = ledoit_wolf(embeddings - means[codes], assume_centered=True)
    variances, directions = np.linalg.eigh(scatter)
    centred = (embeddings - embeddings.mean(axis=0)) @ (directions / np.sqrt(np.maximum(variances, _FLAT)))
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return (centred / np.maximum(lengths, 1e-12)).astype(np.float32)


def _scores(support: NDArray[np.float64]) -> NDArray[np.float64]:
    """Products of two shares, `_DOUBT` added to each, turned round and stretched to 0…1."""
    least, most = _DOUBT**2, (1 + _DOUBT) ** 2
    return np.clip((most - support) / (most - least), 0, 1)


def _neighbours(
    vectors: NDArray[np.float32], groups: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest rows of other groups, best first, and the strength of their votes: both (n, count), 0 for none."""
    batches = list(_searched(vectors, groups, count))
    rows, similarities = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    return rows, np.exp((similarities - 1) / _SOFTNESS)


def _searched(
    vectors: NDArray[np.float32], groups: NDArray[np.int64], count: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    enough = min(len(vectors), count + int(np.bincount(groups).max()))  # even where all of the own group come first
    for start in range(0, len(vectors), _BATCH):
        batch = slice(start, start + _BATCH)
        similarities, rows = index.search(vectors[batch], enough)
        own = groups[rows] == groups[batch, None]
        similarities[own] = -np.inf
        foreign_first = np.argsort(own, axis=1, kind="stable")[:, :count]
        yield np.take_along_axis(rows, foreign_first, 1), np.take_along_axis(similarities, foreign_first, 1)


def _by_votes(codes: NDArray[np.int64], rows: NDArray[np.int64], strengths: NDArray[np.float32]) -> Shares:
    """The share (n, classes) of its neighbours' votes that each label gets for each row."""
    classes = int(codes.max()) + 1
    cells = np.arange(len(codes))[:, None] * classes + codes[rows]
    trust = np.ones(len(codes))
    for _ in range(_ROUNDS):
        weights = strengths * trust[rows] + (strengths > 0) * _LEAST
        votes = np.bincount(cells.ravel(), weights.ravel(), len(codes) * classes).reshape(-1, classes)
        shares = votes / votes.sum(axis=1, keepdims=True)
        trust = shares[np.arange(len(codes)), codes]
    return shares


def _by_regression(embeddings: NDArray[np.float32], codes: NDArray[np.int64], groups: NDArray[np.int64]) -> Shares:
    """The probability (n, classes) of each label for each row, fitted on the rows of other folds."""
    from sklearn.linear_model import LogisticRegression  # seconds to import, which only a check should take

    shares = np.zeros((len(codes), codes.max() + 1))
    folds = _folds(codes, groups)
    for fold in np.unique(folds):
        held_out, others = folds == fold, folds != fold
        known = np.unique(codes[others])
        if len(known) == 1:
            shares[held_out, known[0]] = 1
        else:
            with threadpool_limits(1):  # on a busy machine, threads of such small products wait for each other
                model = LogisticRegression(max_iter=1000).fit(embeddings[others], codes[others])
            shares[np.ix_(held_out, model.classes_)] = model.predict_proba(embeddings[held_out])
    return shares


def _folds(codes: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The fold of each row (n,): groups are kept together, and dealt out label by label, at random within each."""
    names, first, of = np.unique(groups, return_index=True, return_inverse=True)
    order = np.lexsort([np.random.default_rng(0).permutation(len(names)), codes[first]])
    fold = np.empty(len(names), dtype=np.int64)
    fold[order] = np.arange(len(names)) % _FOLDS
    return fold[of]


def _coded(what: str, names: Sequence[str], count: int) -> tuple[list[str], NDArray[np.int64]]:
    """The different names, sorted, and which of them each row has, (count,)."""
    if len(names) != count:
        raise MeasurementError(f"Expected {count} {what}, one for each face, not {len(names)}.")
    different, codes = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return different.tolist(), codes.astype(np.int64)
