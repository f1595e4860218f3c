"""Embeddings → places in the plane by t-SNE, like beside like; a new embedding → its place among those laid out.

t-SNE (van der Maaten and Hinton, 2008) keeps neighbours together; distances between far groups mean little.
"""

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 12  # that tell where a new embedding lies

Places = NDArray[np.float32]  # (n, 2), as (x, y) in 0…1

_PERPLEXITY, _STEPS = 30.0, 750
_FEWEST = 5  # below, t-SNE has no neighbourhoods to keep
_FLAT = 1e-6  # a spread that is none
_BLOCK = 1024
_MEDIAN_STEPS = 40


def lay_out(embeddings: NDArray[np.float32]) -> Places:
    """The places of unit embeddings (n, embedding_size) float32 in the unit square, widest from left to right.

    The same embeddings get the same places each time. It takes minutes for 20,000.
    """
    start = _principal(embeddings)
    if len(start) < _FEWEST or np.ptp(start) < _FLAT:
        return _fitted(start)
    perplexity = min(_PERPLEXITY, (len(start) - 1) / 3)
    begin = (start / start[:, 0].std() * 1e-4).astype(np.float32)
    from sklearn.manifold import TSNE  # seconds to import, which only drawing a map should take

    model = TSNE(perplexity=perplexity, init=begin, max_iter=_STEPS, random_state=0, n_jobs=-1)
    return _fitted(_principal(model.fit_transform(embeddings)))


def settle(embeddings: NDArray[np.float32], laid_out: NDArray[np.float32], places: Places) -> Places:
    """Where unit embeddings (m, embedding_size) belong among those laid out (n, embedding_size) at `places` (n, 2).

    Each goes to the median, weighted by inverse squared distance, of its nearest neighbours' places: a copy lands on
    its original, and a neighbour that lies far from the others pulls no further than one nearby. With nothing laid out,
    all go to the middle.
    """
    if not len(places):
        return np.full((len(embeddings), 2), 0.5, dtype=np.float32)
    blocks = [embeddings[start : start + _BLOCK] for start in range(0, len(embeddings), _BLOCK)]
    return np.concatenate([_settled(block, laid_out, places) for block in blocks] or [places[:0]])


def _settled(block: NDArray[np.float32], laid_out: NDArray[np.float32], places: Places) -> Places:
    similarities = block @ laid_out.T
    count = min(NEIGHBOURS, len(places))
    nearest = np.argpartition(-similarities, count - 1, axis=1)[:, :count]
    squares = np.maximum(0, 2 - 2 * np.take_along_axis(similarities, nearest, axis=1))
    return _weighted_medians(places[nearest].astype(np.float64), 1 / (squares.astype(np.float64) + _FLAT))


def _weighted_medians(points: NDArray[np.float64], weights: NDArray[np.float64]) -> Places:
    """The geometric medians of groups of points (m, k, 2) with weights (m, k), by Weiszfeld's steps (1937)."""
    share = weights
    for _ in range(_MEDIAN_STEPS):
        medians = (points * share[:, :, None]).sum(axis=1) / share.sum(axis=1)[:, None]
        share = weights / np.maximum(np.linalg.norm(points - medians[:, None], axis=2), _FLAT)
    return medians.astype(np.float32)


def _principal(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows (n, d) along the two directions in which they spread most, (n, 2); which way is up is settled by sign."""
    if not len(rows):
        return np.zeros((0, 2))
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    main = directions[:, -1:-3:-1]
    main = main * np.sign(main[np.abs(main).argmax(axis=0), range(main.shape[1])])
    return centred @ main


def _fitted(plane: NDArray[np.float64]) -> Places:
    """A plane's points in the middle of the unit square, as large as fits."""
    if not len(plane):
        return np.zeros((0, 2), dtype=np.float32)
    low, high = plane.min(axis=0), plane.max(axis=0)
    size = float((high - low).max())
    scale = 1 / size if size > _FLAT else 0.0
    return ((plane - (low + high) / 2) * scale + 0.5).astype(np.float32)
