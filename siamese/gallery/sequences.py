"""Names, labels and pictures of examples → which of them are frames of one sequence: of a film, or of a burst.

A camera counts its photos as a film's frames are counted, and films in folders of their own may have the same names,
so names alone tell nothing. Frames of a sequence are those whose names count on, that have one label, and each of which
is nearly the same picture as one counted shortly before it; the one most like it, where there are several. Of CK+'s
frames, 99 % are linked to the one before in this way, and no frame to another sequence's, also where all sequences of a
label have the same names.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from siamese.faces.align import as_input
from siamese.gallery import thumbnails
from siamese.gallery.closeness import SAME_PICTURE, patterns

_COUNTED = re.compile(r"(.*?)(\d+)(\D*)")
_BATCH = 1024
_SHORTLY = 256  # examples among which the one before is sought; also how many films may have the same names

Key = tuple[str, str, str, int]


def sequences_of(sources: Sequence[str], labels: Sequence[str], crops: Sequence[bytes | None]) -> NDArray[np.int64]:
    """The sequence (n,) of each example, from its source's name, its label and its crop as a PNG file.

    It is named by the place of its first frame. An example without a crop or a number in its name is on its own.
    """
    keys = [_key(*named) for named in zip(sources, labels, strict=True)]
    counted = [place for place, crop in enumerate(crops) if crop and keys[place][-1] >= 0]
    order = sorted(counted, key=keys.__getitem__)
    sequences = np.arange(len(keys))
    before = _before([keys[place] for place in order], [crops[place] or b"" for place in order])
    for place, earlier in zip(order, before, strict=True):
        if earlier is not None:
            sequences[place] = sequences[order[earlier]]
    return sequences


def _key(source: str, label: str) -> Key:
    """A name around its last number, the label, and that number; −1 where there is none."""
    match = _COUNTED.fullmatch(source)
    return (match[1], match[3], label, int(match[2])) if match else (source, "", label, -1)


def _before(keys: Sequence[Key], crops: Sequence[bytes]) -> Iterator[int | None]:
    """Of each example, in the order of the keys, which other one is the frame before it; None where none is."""
    for start in range(0, len(keys), _BATCH):
        first = max(0, start - _SHORTLY)
        seen = patterns(np.stack([as_input(thumbnails.unpack(crop)) for crop in crops[first : start + _BATCH]]))
        likeness = seen[start - first :] @ seen.T
        for place, row in enumerate(likeness, start=start):
            alike = first + np.flatnonzero(row[: place - first] >= SAME_PICTURE)
            earlier = [each for each in alike[alike >= place - _SHORTLY] if _counts_on(keys[each], keys[place])]
            yield max(earlier, key=lambda each: row[each - first], default=None)


def _counts_on(before: Key, after: Key) -> bool:
    return before[:-1] == after[:-1] and before[-1] < after[-1]
