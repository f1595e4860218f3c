"""A gallery and the sub-prototypes of an emotion → the emotion's shades, as the gallery's own examples show them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siamese.errors import GalleryError
from siamese.gallery import thumbnails
from siamese.gallery.averaging import blend, faded
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item, Match, Wanted
from siamese.metric.checks import require_rows
from siamese.metric.shades import TOP

LOOKED_AT = 20_000  # examples of an emotion, at most; of more, so many are looked at, evenly over the gallery


@dataclass(frozen=True, eq=False)
class Shade:
    """One way in which an emotion is shown: `number` counts from 1, the shade that was largest in training first.

    `portrait` is (160, 160) uint8 grey, the average of `examples`, which are those most similar to the sub-prototype,
    best first; `medoid` is the example most similar to all of the shade, which is the `share` of the emotion's.
    """

    emotion: str
    number: int
    share: float
    medoid: Item
    examples: tuple[Match, ...]
    portrait: NDArray[np.uint8]


def shades_in(gallery: Gallery, emotion: str, vectors: NDArray[np.float32], top: int = TOP) -> list[Shade]:
    """The shades of an emotion that the gallery has examples of, each with `top` of them, or as many as there are.

    Its examples belong to the most similar of the sub-prototypes, `vectors` (shades, embedding_size). Raises
    MeasurementError where these are of another size than the gallery's embeddings, and GalleryError when examples are
    removed meanwhile by another process.
    """
    require_rows("sub-prototypes", vectors, gallery.store.embedding_size)
    rows = gallery.store.rows(Wanted(emotion))
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), LOOKED_AT)).round().astype(np.int64)]
    embeddings = gallery.store.embeddings(rows)
    similarities = embeddings @ vectors.T
    nearest = similarities.argmax(axis=1)
    shades = []
    for number in np.unique(nearest):
        members = np.flatnonzero(nearest == number)
        best = members[np.argsort(-similarities[members, number], kind="stable")[:top]]
        medoid = members[(embeddings[members] @ embeddings[members].sum(axis=0)).argmax()]
        items = _items(gallery, rows[np.append(best, medoid)])
        examples = tuple(Match(items[rows[row]], float(similarities[row, number])) for row in best)
        share = len(members) / len(rows)
        shades.append(Shade(emotion, int(number) + 1, share, items[rows[medoid]], examples, _portrait(examples)))
    return shades


def _items(gallery: Gallery, rows: NDArray[np.int64]) -> dict[int, Item]:
    """Items by row. Raises GalleryError when one was removed meanwhile."""
    items = gallery.store.items(rows)
    if len(items) < len(np.unique(rows)):
        raise GalleryError(f"Examples were just removed from the gallery «{gallery.title}». Look again.")
    return items


def _portrait(examples: tuple[Match, ...]) -> NDArray[np.uint8]:
    """The average of the examples' pictures, in which faces are aligned already."""
    size = thumbnails.THUMBNAIL_SIZE
    return faded(blend(np.stack([_grey(each.item.thumbnail, size) for each in examples])))


def _grey(thumbnail: bytes, size: int) -> NDArray[np.uint8]:
    picture = Image.fromarray(thumbnails.decode(thumbnail)).convert("L")
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))
