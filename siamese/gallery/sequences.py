"""Names, labels and pictures of examples → which of them are frames of one sequence: of a film, or of a burst.

A camera counts its photos as a film's frames are counted, so names alone tell nothing. Frames of a sequence are those
whose names count on, that have one label, and each of which is nearly the same picture as the one before it. Of CK+'s
frames, 99 % are linked to the one before in this way, and no frame to another sequence's.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from siamese.gallery import thumbnails
from siamese.gallery.closeness import SAME_PICTURE, patterns

_COUNTED = re.compile(r"(.*?)(\d+)(\D*)")
_BATCH = 1024

Key = tuple[str, str, str, int]


def sequences_of(sources: Sequence[str], labels: Sequence[str], crops: Sequence[bytes | None]) -> NDArray[np.int64]:
    """The sequence (n,) of each example, from its source's name, its label and its crop as a PNG file.

    It is named by the place of its first frame. An example without a crop or a number in its name is on its own.
    """
    keys = [_key(*named) for named in zip(sources, labels, strict=True)]
    counted = [place for place, crop in enumerate(crops) if crop and keys[place][-1] >= 0]
    order = np.array(sorted(counted, key=keys.__getitem__), dtype=np.int64)
    sequences = np.arange(len(keys))
    if len(order) > 1:
        alike = [keys[place][:-1] == keys[before][:-1] for before, place in pairwise(order)]
        linked = np.array([False, *(alike & _hardly_changed([crops[place] or b"" for place in order]))])
        first = np.maximum.accumulate(np.where(linked, 0, np.arange(len(order))))
        sequences[order] = order[first]
    return sequences


def _key(source: str, label: str) -> Key:
    """A name around its last number, the label, and that number; −1 where there is none."""
    match = _COUNTED.fullmatch(source)
    return (match[1], match[3], label, int(match[2])) if match else (source, "", label, -1)


def _hardly_changed(crops: Sequence[bytes]) -> NDArray[np.bool_]:
    """Whether each crop but the first is nearly the same picture as the one before it, (n − 1,)."""
    correlations = []
    for start in range(0, len(crops) - 1, _BATCH):
        seen = patterns(np.stack([thumbnails.unpack(crop) for crop in crops[start : start + _BATCH + 1]]))
        correlations.append(np.einsum("np,np->n", seen[1:], seen[:-1]))
    return np.concatenate(correlations) >= SAME_PICTURE
