"""A store and the index made from it → the items nearest to an embedding, page by page, kept in a folder.

The folder holds `gallery.sqlite`, which is the gallery, and, where that is large, `index.faiss`, which is derived from
it and is made anew whenever it is missing or does not fit. An index may also be at an address, for several machines.
"""

import json
import os
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError, command
from siamese.gallery.engines import NOTHING, Index
from siamese.gallery.engines.choice import AUTOMATIC, SAMPLE, Choice, Engine, choose, engine_for
from siamese.gallery.items import EVERYTHING, Item, Match, Wanted
from siamese.gallery.store import IN_MEMORY, Photo, Revision, Store
from siamese.manifest import is_named
from siamese.settings import FREE_ACCESS, IndexAccess
from siamese.vocabulary import EMOTIONS, emotion_of, index_of

STORE_FILE, INDEX_FILE, INDEX_NOTE = "gallery.sqlite", "index.faiss", "index.json"
MEGABYTES = 1500.0  # of memory for the index, unless told otherwise

_MANY = 1000  # neighbours


def require_own(folder: Path) -> None:
    """Raise GalleryError where a gallery is one of a reference set's files, whose checksums are known."""
    if is_named(folder / STORE_FILE):
        copy = command("gallery", "export", folder, "copy.zip"), command("gallery", "import", "copy.zip", "my-gallery")
        raise GalleryError(
            f"The gallery in {folder} is part of a reference set, which is refused once it was altered. Change a copy: "
            f"{copy[0]}, then {copy[1]}."
        )


class Gallery:
    """Items and their embeddings of unit length, all made by one network. Safe to share between threads."""

    def __init__(
        self,
        store: Store,
        engine: str = AUTOMATIC,
        megabytes: float = MEGABYTES,
        access: IndexAccess = FREE_ACCESS,
    ) -> None:
        """Raises GalleryError where there is no such engine, none fits into so much memory, or one does not answer."""
        self.store = store
        self._asked_for, self._megabytes, self._access = engine, megabytes, access
        self._lock = RLock()
        self._seen: Revision | None = None  # how far the index is known to have followed the store
        self.choice = self._choose()
        loaded = self._loaded()
        self._index = self._made() if loaded is None else loaded

    @classmethod
    def create(cls, folder: str | Path, title: str, fingerprint: str, embedding_size: int) -> "Gallery":
        """A new, empty gallery for embeddings of the network `fingerprint`; in memory alone where folder is IN_MEMORY.

        Raises GalleryError where there is one already, or nothing can be written.
        """
        path = folder if folder == IN_MEMORY else Path(folder) / STORE_FILE
        return cls(Store.create(path, title, fingerprint, embedding_size))

    @classmethod
    def open(
        cls,
        folder: str | Path,
        fingerprint: str,
        writable: bool = False,
        engine: str = AUTOMATIC,
        megabytes: float = MEGABYTES,
        access: IndexAccess = FREE_ACCESS,
    ) -> "Gallery":
        """Open a gallery for the network `fingerprint`.

        Raises GalleryError when there is none, it is damaged, another network made it, its index does not answer, or it
        shall be `writable` and is one of the files by which a reference set is checked.
        """
        if writable:
            require_own(Path(folder))
        store = Store(Path(folder) / STORE_FILE, writable)
        renewing = store.renewing
        if renewing or store.fingerprint != fingerprint:
            store.close()
            begun = f", and was begun to be read again by {renewing}" if renewing else ""
            raise GalleryError(
                f"The gallery «{store.title}» was made by the network {store.fingerprint}{begun}, "
                f"but the network in use is {fingerprint}, and their embeddings do not compare. "
                f"Read it again with the network in use: {command('gallery', 'rebuild', folder)}, "
                "with the same --reference where you gave one."
            )
        return cls(store, engine, megabytes, access)

    def copied_to_memory(self) -> "Gallery":
        """The same gallery in memory, where it can be changed and this one stays as it is."""
        return Gallery(self.store.copied_to_memory(), megabytes=self._megabytes)

    def close(self) -> None:
        """Keep the index beside the store, where that saves time, and let go of the files."""
        self.keep_index()
        self.store.close()

    def seal(self) -> None:
        """Close it with everything in the one file, as it is handed on or shipped."""
        self.store.seal()
        self.store.close()

    @property
    def title(self) -> str:
        """What the gallery is called."""
        return self.store.title

    @property
    def fingerprint(self) -> str:
        """The network whose embeddings it holds."""
        return self.store.fingerprint

    @property
    def emotions(self) -> tuple[str, ...]:
        """The labels of its items, each once: the vocabulary's in its order, then others by name."""
        present = self.store.counts("emotion").keys()
        return (*(name for name in EMOTIONS if name in present), *sorted(present - set(EMOTIONS)))

    def label(self, emotion: str) -> str:
        """Its own label for an emotion, however that is spelled. Raises GalleryError when no example has it."""
        label, held = emotion_of(emotion).name, self.emotions
        if label not in held:
            only = f", only of: {', '.join(held)}" if held else ""
            raise GalleryError(f"The gallery «{self.title}» has no examples of «{emotion}»{only}.")
        return label

    def sought_label(self, emotion: str) -> str:
        """The same, to look for examples: one of the vocabulary's emotions may have none."""
        return emotion_of(emotion).name if index_of(emotion) is not None else self.label(emotion)

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, in the order in which they were added; of a large gallery rather a page."""
        return tuple(self.store.items(self.store.rows()).values())

    @property
    def embeddings(self) -> NDArray[np.float32]:
        """The embeddings (n, embedding_size) of `items`."""
        return self.store.embeddings(self.store.rows())

    def __len__(self) -> int:
        return len(self.store)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self.store

    def add(
        self,
        items: Sequence[Item],
        embeddings: NDArray[np.float32],
        crops: Sequence[bytes | None] | None = None,
        photos: Iterable[Photo] = (),
    ) -> int:
        """Add items with their embeddings, leaving out those whose id is here already; how many were new.

        Raises GalleryError as `Store.add` does.
        """
        return len(self.store.add(items, embeddings, crops, photos))

    def remove(self, ids: Collection[str]) -> int:
        """Remove the items of these ids; how many there were."""
        return self.store.remove(ids)

    def search(self, embedding: NDArray[np.float32], k: int, wanted: Wanted = EVERYTHING) -> list[Match]:
        """The k wanted items most similar to an embedding (embedding_size,), best first.

        Fewer than k only where there are fewer. Raises GalleryError when the embedding is of another size.
        """
        embedding = np.asarray(embedding, dtype=np.float32)
        if embedding.shape != (self.store.embedding_size,):
            expected = self.store.embedding_size
            raise GalleryError(f"The gallery holds embeddings of {expected} numbers; this one is {embedding.shape}.")
        return self._nearest(embedding, k, wanted)

    def near(self, item_id: str, k: int, wanted: Wanted = EVERYTHING) -> list[Match]:
        """The k wanted items most similar to one of the gallery's own, itself left out, best first.

        Raises GalleryError when no item has this id.
        """
        row = np.array([self.store.row(item_id)])
        found = self._nearest(self.store.embeddings(row)[0], k, wanted, more=1)
        return [match for match in found if match.item.id != item_id][:k]

    def item(self, item_id: str) -> Item:
        """The item of this id. Raises GalleryError when there is none."""
        row = self.store.row(item_id)
        return self.store.items(np.array([row]))[row]

    def page(self, number: int, size: int, wanted: Wanted = EVERYTHING) -> list[Item]:
        """The wanted items of one page, counted from 1, in the order in which they were added; empty past the last."""
        return self.store.page(number, size, wanted)

    def keep_index(self) -> None:
        """Write the index beside the store where it is slow to make, so that the next opening is quick."""
        folder = self.store.path.parent
        with self._lock:
            self._follow()
            chosen = self._choose()
            if self._index.worn or chosen.engine != self.choice.engine:
                self._index = self._made()
                self._follow()
            self.choice = chosen
            if self._engine.kept != "file" or self.store.in_memory or not os.access(folder, os.W_OK):
                return
            (folder / INDEX_NOTE).unlink(missing_ok=True)  # a kill from here on leaves an index that nobody trusts
            self._index.save(folder / INDEX_FILE)
            note = {"store": self.store.identity, "engine": self.choice.engine, "row": self._index.seen.row}
            (folder / INDEX_NOTE).write_text(json.dumps(note))

    def rebuild_index(self) -> None:
        """Make the index anew from the store, and keep it."""
        with self._lock:
            self._index = self._made()
        self.keep_index()

    def _nearest(self, embedding: NDArray[np.float32], k: int, wanted: Wanted, more: int = 0) -> list[Match]:
        if k < 1:
            raise GalleryError(f"The number of examples to find must be at least 1, not {k}.")
        among = None if wanted.everything else self.store.rows(wanted)
        with self._lock:
            self._follow()
            (similarities,), (rows,) = self._index.search(embedding[None], self._at_most(k + more, among), among)
        similarity = dict(zip(rows.tolist(), similarities.tolist(), strict=True))
        items = self.store.items(rows[rows != NOTHING])
        return [Match(item, similarity[row]) for row, item in items.items()]

    def _at_most(self, k: int, among: NDArray[np.int64] | None) -> int:
        """No more than there are, since an index makes room for as many as it is asked for; a few are no matter."""
        if k <= _MANY:
            return k
        return max(1, min(k, len(self.store) if among is None else len(among)))

    def _choose(self) -> Choice:
        return choose(len(self.store), self.store.embedding_size, self._megabytes, self._asked_for)

    def _made(self) -> Index:
        """A new index of the kind that fits the store as it is now; it is empty, and follows the store when asked."""
        self.choice, self._seen = self._choose(), None
        rows = self.store.rows()
        some = np.random.default_rng(0).permutation(len(rows))[:SAMPLE]
        sample = self.store.embeddings(np.sort(rows[some]))
        return self._engine.make(sample, len(rows))

    @property
    def _engine(self) -> Engine:
        return engine_for(self.choice.engine, self.store, self._access)

    def _loaded(self) -> Index | None:
        """The index that was kept at an address, or beside the store if it is of this store and engine."""
        folder = self.store.path.parent
        if self._engine.kept == "address":  # where what goes wrong is no reason to make it anew
            return self._engine.load(folder)
        if self.store.in_memory:
            return None
        try:
            written = (folder / INDEX_NOTE).read_text()
            note = json.loads(written)
            if (note["store"], note["engine"]) != (self.store.identity, self.choice.engine):
                return None
            index = self._engine.load(folder / INDEX_FILE)
            if (folder / INDEX_NOTE).read_text() != written:  # another process has just kept its own
                return None
            index.seen = Revision(note["row"], removals=0)  # a graph's file still has what was removed: tell it again
        except (OSError, ValueError, KeyError, GalleryError):  # it is derived, and made anew
            return None
        return index

    def _follow(self) -> None:
        """Bring the index up to what the store has become, also by other processes."""
        if self.store.revision() == self._seen:
            return
        seen, now = self._index.seen, self.store.revision()  # in this order: another process may bring it further
        if seen != now:
            for rows, embeddings in self.store.batches(seen, now):
                self._index.add(rows, embeddings)
                self._index.seen = Revision(int(rows[-1]), seen.removals)  # it goes on from here if cut short
            self._index.remove(self.store.removed(seen))
            self._index.seen = now
        self._seen = now
