"""Images → which of them are near-copies of one another, told by how their pixels correlate, also when mirrored.

FER2013 was gathered by image search, which finds a picture more than once; some lie in more than one of its parts.
`python -m siamese.datasets.duplicates ROOT` counts them at several thresholds, within and across the parts.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.transform import resize_local_mean

from siamese.datasets import fer2013
from siamese.datasets.crops import fingerprint
from siamese.datasets.samples import Samples

THRESHOLD = 0.92  # correlation of pixels, above which hardly a pair of FER2013 is one by chance, as `table` shows
THRESHOLDS = (0.84, 0.86, 0.88, 0.90, 0.92, 0.94, 0.96, 0.98, 0.999)
SIDE = 48  # pixels of the images that are compared: FER2013's, on which the threshold was chosen
_BLOCK = 512  # images compared with all others at once; some 150 MB for FER2013
_ROUNDING = 1e-4  # of a correlation in single precision, with room to spare


def near_copies(
    images: NDArray[np.uint8], others: NDArray[np.uint8] | None = None, threshold: float = THRESHOLD
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of rows (m, 2) that correlate by at least the threshold, upright or mirrored, and by how much, (m,).

    Images are (n, height, width) uint8. Within them, each pair is told once, as (i, j) with i < j; with `others` of the
    same size, j is a row of those. Correlation is Pearson's, over pixels: blind to brightness and contrast. An image of
    one shade has none, and so no copies. Larger images are compared as `shrunk` gives them.
    """
    images, others = shrunk(images), None if others is None else shrunk(others)
    left = _standardised(images)
    right = left if others is None else _standardised(others)
    pairs, correlations = [np.empty((0, 2), np.int64)], [np.empty(0, np.float32)]
    starts = range(0, len(left), _BLOCK)
    for start in track(starts, "Comparing images", console=Console(stderr=True)):
        first = start if others is None else 0  # what lies before was compared already
        block = left[start : start + _BLOCK]
        correlation = block @ right[first:].T
        np.maximum(correlation, _mirrored(block, images.shape[2]) @ right[first:].T, out=correlation)
        rows, columns = np.nonzero(correlation >= threshold)
        if others is None:
            rows, columns = rows[rows < columns], columns[rows < columns]
        pairs.append(np.stack([rows + start, columns + first], axis=1))
        correlations.append(correlation[rows, columns])
    return np.concatenate(pairs), np.concatenate(correlations)


def shrunk(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images (n, height, width) uint8 of at most 48×48 pixels, larger ones averaged over areas; others as they are.

    So the threshold means the same for every data set, and time and memory do not grow with the size of its pictures.
    """
    height, width = (min(length, SIDE) for length in images.shape[1:])
    if (height, width) == images.shape[1:]:
        return images
    small = np.empty((len(images), height, width), np.uint8)
    for row, image in enumerate(track(images, "Shrinking images", console=Console(stderr=True))):
        small[row] = np.rint(resize_local_mean(image, (height, width), preserve_range=True))
    return small


def copies_of(images: NDArray[np.uint8], others: NDArray[np.uint8], threshold: float = THRESHOLD) -> NDArray[np.bool_]:
    """Which images (n,) have a near-copy among the others: of `(train, test)`, the rows to train without."""
    pairs, _ = near_copies(images, others, threshold)
    return np.isin(np.arange(len(images)), pairs[:, 0])


def groups(pairs: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    """The group (count,) of each of `count` images, counted from 0: copies of copies are together, others alone."""
    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(links, directed=False)[1]


def repeats(
    images: NDArray[np.uint8],
    eligible: NDArray[np.bool_],
    cache: str | Path,
    kinds: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Which of the eligible images (n,) are near-copies, direct or by way of others, of an eligible one before them.

    With `kinds` (n,), none is a copy of one of another kind. The comparison, minutes for FER2013, is kept in the folder
    `cache`, by the content of the images as compared.
    """
    images = shrunk(images)
    path = Path(cache) / f"copy-pairs-{fingerprint(images)}-{THRESHOLD:g}.npy"
    if not path.is_file():
        pairs, _ = near_copies(images)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        np.save(unfinished, pairs, allow_pickle=False)
        unfinished.replace(path)
    pairs = np.load(path, allow_pickle=False)
    if kinds is not None:
        pairs = pairs[kinds[pairs[:, 0]] == kinds[pairs[:, 1]]]
    rows = np.flatnonzero(eligible)
    _, first = np.unique(groups(pairs, len(images))[rows], return_index=True)
    repeated = eligible.copy()
    repeated[rows[first]] = False
    return repeated


def table(parts: Mapping[str, Samples]) -> str:
    """As Markdown, for each threshold: pairs, those mirrored, the share with the same label, and images with a copy.

    The mirrored pairs tell where near-copies end. Faces that only look alike do so mirrored as often as upright; a
    picture that was found twice stands upright both times. So about twice the mirrored pairs are there by chance.
    """
    names = list(parts)
    part = np.repeat(np.arange(len(names)), [len(samples) for samples in parts.values()])
    labels = np.concatenate([samples.labels for samples in parts.values()])
    images = shrunk(np.concatenate([samples.images for samples in parts.values()]))
    pairs, correlations = near_copies(images, threshold=THRESHOLDS[0])
    vectors = _standardised(images)
    upright = np.einsum("ij,ij->i", vectors[pairs[:, 0]], vectors[pairs[:, 1]])
    mirrored = upright < correlations - _ROUNDING
    places = [(inner, outer) for inner in range(len(names)) for outer in range(inner + 1)]
    titles = ["correlation from", "pairs", "mirrored", "same label"]
    titles += [f"{names[inner]} in {'itself' if inner == outer else names[outer]}" for inner, outer in places]
    lines = [f"| {' | '.join(titles)} |", "| ---: " * len(titles) + "|"]
    for threshold in THRESHOLDS:
        kept = correlations >= threshold
        close = pairs[kept]
        agree = np.mean(labels[close[:, 0]] == labels[close[:, 1]]) if len(close) else np.nan
        cells = [f"{threshold:g}", f"{len(close):,}", f"{mirrored[kept].sum():,}", f"{agree:.0%}"]
        cells += [f"{_with_copies(close, part, inner, outer):,}" for inner, outer in places]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _with_copies(pairs: NDArray[np.int64], part: NDArray[np.int64], inner: int, outer: int) -> int:
    """How many images of one part have a copy in the other, or in the same."""
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    here = (part[both_ways[:, 0]] == inner) & (part[both_ways[:, 1]] == outer)
    return len(np.unique(both_ways[here, 0]))


def _standardised(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each image as a vector of mean 0 and length 1, (n, height · width), so that products are correlations."""
    vectors = images.reshape(len(images), -1).astype(np.float32)
    for start in range(0, len(vectors), _BLOCK):  # in place, so that there is never a second copy of them all
        block = vectors[start : start + _BLOCK]
        block -= block.mean(axis=1, keepdims=True)
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        np.divide(block, lengths, out=block, where=lengths > 0)
    return vectors


def _mirrored(vectors: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    return vectors.reshape(len(vectors), -1, width)[:, :, ::-1].reshape(vectors.shape)


_PAGE = """\
## Near-copies in FER2013

```sh
python -m siamese.datasets.duplicates data/fer2013 > docs/results/near-copies.md
```

Faces that only look alike do so mirrored as often as upright, so about twice the mirrored pairs are there by chance.
From a correlation of {threshold:g} on, pairs count as near-copies.

{table}"""

if __name__ == "__main__":
    loaded = {split: fer2013.load(sys.argv[1], split) for split in fer2013.SPLITS}
    print(_PAGE.format(threshold=THRESHOLD, table=table(loaded)))
