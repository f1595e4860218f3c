"""Labelled embeddings with their thumbnails → the items nearest to an embedding, page by page, kept in a folder.

The folder holds `gallery.json` (title, network, the items' labels) and the arrays file that it names (embeddings and
thumbnails). The arrays are written under a name of their own and `gallery.json` is replaced last, in one step: whenever
a save is interrupted, the folder holds the gallery as it was before or as it is after.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.flat_index import FlatIndex
from siamese.vocabulary import EMOTIONS

LABELLED_BY = ("composite", "data set", "folder", "reading")

_FORMAT = 1
_INDEX_FILE = "gallery.json"
_UNIT = 1e-3  # how far an embedding's length may be from one


@dataclass(frozen=True)
class Item:
    """One example: a stable id, its label and where that came from, a line on its source, a WebP file's bytes.

    `notes` are figures worth keeping with it, such as a composite's correlation with its closest source.
    """

    id: str
    emotion: str
    source: str
    labelled_by: str  # one of LABELLED_BY
    thumbnail: bytes = field(repr=False)
    notes: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Match:
    """An item and its cosine similarity to what was asked for."""

    item: Item
    similarity: float


class Gallery:
    """Items and their embeddings (n, embedding_size) float32 of unit length, all made by the network `fingerprint`."""

    def __init__(self, items: Sequence[Item], embeddings: NDArray[np.float32], title: str, fingerprint: str) -> None:
        """Raises GalleryError when items and embeddings do not fit each other, or two items share an id."""
        self.title = title
        self.fingerprint = fingerprint
        self.items: tuple[Item, ...] = ()
        self.embeddings = np.empty((0, np.shape(embeddings)[-1]), dtype=np.float32)
        self._index = FlatIndex(self.embeddings.shape[1])
        self._rows: dict[str, int] = {}
        if self.add(items, embeddings) < len(items):
            raise GalleryError("Two items of the gallery have the same id.")

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._rows

    @property
    def emotions(self) -> tuple[str, ...]:
        """The labels of its items, each once: the vocabulary's in its order, then others by name."""
        present = {item.emotion for item in self.items}
        return (*(name for name in EMOTIONS if name in present), *sorted(present.difference(EMOTIONS)))

    def add(self, items: Sequence[Item], embeddings: NDArray[np.float32]) -> int:
        """Append items with their embeddings, leaving out those whose id is here already; how many were new.

        Raises GalleryError when there is not one unit-length embedding of the gallery's size for each item.
        """
        embeddings = np.asarray(embeddings, dtype=np.float32)
        self._require_fitting(items, embeddings)
        first_of_id = {item.id: row for row, item in reversed(list(enumerate(items))) if item.id not in self._rows}
        rows = sorted(first_of_id.values())
        self._rows |= {items[row].id: len(self.items) + place for place, row in enumerate(rows)}
        self.items += tuple(items[row] for row in rows)
        self.embeddings = np.concatenate([self.embeddings, embeddings[rows]])
        self._index.add(embeddings[rows])
        return len(rows)

    def search(self, embedding: NDArray[np.float32], k: int, emotion: str | None = None) -> list[Match]:
        """The k items most similar to an embedding (embedding_size,), best first; of `emotion` alone where it is given.

        Fewer than k only where there are fewer. Raises GalleryError when the embedding is of another size.
        """
        embedding = np.asarray(embedding, dtype=np.float32)
        if embedding.shape != self.embeddings.shape[1:]:
            expected = self.embeddings.shape[1]
            raise GalleryError(f"The gallery holds embeddings of {expected} numbers; this one is {embedding.shape}.")
        return self._nearest(embedding, k, self._rows_of(emotion))

    def near(self, item_id: str, k: int, emotion: str | None = None) -> list[Match]:
        """The k items most similar to one of the gallery's own, itself left out, best first.

        Raises GalleryError when no item has this id.
        """
        row = self._row(item_id)
        among = self._rows_of(emotion)
        others = np.arange(len(self)) if among is None else among
        return self._nearest(self.embeddings[row], k, others[others != row])

    def item(self, item_id: str) -> Item:
        """The item of this id. Raises GalleryError when there is none."""
        return self.items[self._row(item_id)]

    def page(self, number: int, size: int, emotion: str | None = None) -> list[Item]:
        """The items of one page, counted from 1, in the order in which they were added; empty past the last one."""
        chosen = [item for item in self.items if emotion in (None, item.emotion)]
        start = (max(1, number) - 1) * size
        return chosen[start : start + size]

    def save(self, folder: str | Path) -> None:
        """Write the gallery, in place of any that the folder held. Raises GalleryError when it cannot be written."""
        folder = Path(folder)
        arrays = _packed(self.embeddings, [item.thumbnail for item in self.items])
        name = f"arrays-{hashlib.sha256(arrays).hexdigest()[:12]}.npz"
        index = {
            "format": _FORMAT,
            "title": self.title,
            "fingerprint": self.fingerprint,
            "arrays": name,
            "items": [_described(item) for item in self.items],
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(folder / name, arrays)
            _replace(folder / _INDEX_FILE, json.dumps(index, ensure_ascii=False, indent=1).encode())
            for other in folder.glob("arrays-*"):
                if other.name != name:
                    other.unlink()
        except OSError as error:
            raise GalleryError(f"The gallery cannot be written to {folder}: {error}") from error

    @classmethod
    def load(cls, folder: str | Path, fingerprint: str) -> "Gallery":
        """Read a gallery for the network `fingerprint`.

        Raises GalleryError when there is none, it is damaged, or another network made it.
        """
        folder = Path(folder)
        if not (folder / _INDEX_FILE).is_file():
            raise GalleryError(f"There is no gallery in {folder}. Build one with `python -m siamese gallery build`.")
        try:
            index = json.loads((folder / _INDEX_FILE).read_bytes())
            made_by = index["fingerprint"]
            embeddings, thumbnails = _unpacked(folder / Path(index["arrays"]).name)
            items = [Item(thumbnail=each, **about) for each, about in zip(thumbnails, index["items"], strict=True)]
            gallery = cls(items, embeddings, index["title"], made_by)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, GalleryError) as error:
            raise GalleryError(f"The gallery in {folder} is damaged ({error}). Build it again.") from error
        if made_by != fingerprint:
            raise GalleryError(
                f"The gallery «{gallery.title}» was made by the network {made_by}, "
                f"but the network in use is {fingerprint}, and their embeddings do not compare. "
                "Build the gallery again with `python -m siamese gallery build`."
            )
        return gallery

    def _nearest(self, embedding: NDArray[np.float32], k: int, among: NDArray[np.int64] | None) -> list[Match]:
        if k < 1:
            raise GalleryError(f"The number of examples to find must be at least 1, not {k}.")
        similarities, rows = self._index.search(embedding, k, among)
        return [Match(self.items[row], float(each)) for each, row in zip(similarities, rows, strict=True)]

    def _rows_of(self, emotion: str | None) -> NDArray[np.int64] | None:
        if emotion is None:
            return None
        return np.array([row for row, item in enumerate(self.items) if item.emotion == emotion], dtype=np.int64)

    def _row(self, item_id: str) -> int:
        if item_id not in self._rows:
            raise GalleryError(f"The gallery «{self.title}» has no example «{item_id}».")
        return self._rows[item_id]

    def _require_fitting(self, items: Sequence[Item], embeddings: NDArray[np.float32]) -> None:
        expected = (len(items), self.embeddings.shape[1])
        if embeddings.shape != expected:
            raise GalleryError(f"The items need embeddings of shape {expected}, not {embeddings.shape}.")
        if not (np.abs(np.linalg.norm(embeddings, axis=1) - 1) < _UNIT).all():  # also where one is not a number
            raise GalleryError("Every embedding of a gallery must have length one.")


def _described(item: Item) -> dict[str, Any]:
    """All of an item that belongs into JSON."""
    return {
        "id": item.id,
        "emotion": item.emotion,
        "source": item.source,
        "labelled_by": item.labelled_by,
        "notes": dict(item.notes),
    }


def _packed(embeddings: NDArray[np.float32], thumbnails: Sequence[bytes]) -> bytes:
    """One npz file: the embeddings, all thumbnails end to end, and where each ends."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        embeddings=embeddings,
        thumbnails=np.frombuffer(b"".join(thumbnails), dtype=np.uint8),
        ends=np.cumsum([len(each) for each in thumbnails], dtype=np.int64),
    )
    return buffer.getvalue()


def _unpacked(path: Path) -> tuple[NDArray[np.float32], list[bytes]]:
    with np.load(path, allow_pickle=False) as arrays:
        embeddings, pixels, ends = (arrays[name] for name in ("embeddings", "thumbnails", "ends"))
    return embeddings, [part.tobytes() for part in np.split(pixels, ends)[: len(ends)]]


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is either wholly there or as it was before."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
