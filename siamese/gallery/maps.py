"""A gallery → its map: where each example lies in the plane, kept in the store, and followed as the gallery changes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError, command
from siamese.gallery.gallery import Gallery
from siamese.gallery.mapping import Places, lay_out, settle
from siamese.gallery.store import Store

QUICK = 500  # examples that are laid out in a few seconds


@dataclass(frozen=True, eq=False)
class GalleryMap:
    """Examples of a store in the plane: their `rows` (n,), ascending, and `places` (n, 2) in 0…1.

    `total` is how many examples the gallery has; `added` of the rows came after the map was drawn, and were placed
    among those that it was drawn from.
    """

    store: Store
    rows: NDArray[np.int64]
    places: Places
    total: int
    added: int = 0

    @cached_property
    def embeddings(self) -> NDArray[np.float32]:
        """The embeddings (n, size) of the rows, read when something is first placed among them."""
        return self.store.embeddings(self.rows)

    def place(self, embeddings: NDArray[np.float32]) -> Places:
        """Where embeddings (m, size) belong on the map, (m, 2)."""
        return settle(embeddings, self.embeddings, self.places)

    def places_of(self, rows: NDArray[np.int64]) -> Places:
        """Where these rows of the store lie, (m, 2), also those that the map leaves out."""
        places = np.zeros((len(rows), 2), dtype=np.float32)
        on_map = np.isin(rows, self.rows)
        places[on_map] = self.places[np.searchsorted(self.rows, rows[on_map])]
        if not on_map.all():
            places[~on_map] = self.place(self.store.embeddings(rows[~on_map]))
        return places


def draw_map(gallery: Gallery, points: int) -> GalleryMap:
    """Lay out the gallery's examples, or an even sample of so many, and keep that in its store.

    Raises GalleryError when the gallery cannot be written to.
    """
    drawn, until = _drawn(gallery.store, points)
    gallery.store.keep_places(drawn.rows, drawn.places, until)
    return drawn


def map_of(gallery: Gallery, points: int) -> GalleryMap:
    """The map that is kept, with what was added since; a small gallery's is drawn now where it has none, or an old one.

    At most so many points are shown. Raises GalleryError, with the command that makes it, where a larger gallery has
    no map.
    """
    store = gallery.store
    followed = _followed(store, points)
    if len(store) <= QUICK and (followed is None or 2 * followed.added > len(followed.rows)):
        return draw_map(gallery, points) if store.writable else _drawn(store, points)[0]
    if followed is None:
        raise GalleryError(
            f"The gallery «{store.title}» has no map yet, and is too large to draw it while you wait. Draw it with "
            f"{command('gallery', 'map', store.path.parent)}."
        )
    return followed


def _drawn(store: Store, points: int) -> tuple[GalleryMap, int]:
    """A map drawn now, and the last row that there was."""
    with store.snapshot():
        rows = store.rows()
        chosen = _evenly(rows, points)
        embeddings = store.embeddings(chosen)
    return GalleryMap(store, chosen, lay_out(embeddings), len(rows)), int(rows.max(initial=0))


def _followed(store: Store, points: int) -> GalleryMap | None:
    """The map that is kept, or None, and the examples that came after, as far as there is room for them."""
    with store.snapshot():
        kept = store.kept_places()
        if kept is None:
            return None
        rows, places, until = kept
        chosen = _evenly(np.arange(len(rows)), points)
        rows, places, total = rows[chosen], places[chosen], len(store)
        added = _evenly(store.rows_after(until), points - len(chosen))
        if not len(added):
            return GalleryMap(store, rows, places, total)
        embeddings, new = store.embeddings(rows), store.embeddings(added)
    of_added = settle(new, embeddings, places)
    return GalleryMap(store, np.concatenate([rows, added]), np.concatenate([places, of_added]), total, len(added))


def _evenly(rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """All rows, or so many of them at even distances."""
    if len(rows) <= count:
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]
