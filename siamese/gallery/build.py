"""Face crops with their labels → a gallery: each is embedded, and read by the network where it has no label."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery import thumbnails
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.gallery.store import IN_MEMORY

if TYPE_CHECKING:
    from siamese.gallery.composites import Composite  # which needs PyTorch

BATCH = 64

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Read = Callable[[NDArray[np.float32]], Sequence[str]]  # embeddings (n, embedding_size) → the emotion of each


class Embeds(Protocol):
    """What makes embeddings; `siamese.network.runtime.Embedder` does."""

    fingerprint: str

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crops (n, 96, 96) uint8 → unit-length embeddings (n, embedding_size) float32."""
        ...


class CutFace(Protocol):
    """A face cut from a photo; `siamese.answers.FaceFound` is one."""

    @property
    def box(self) -> NDArray[np.float32]:
        """Where it is: left, top, right, bottom, in pixels of the photo."""
        ...

    @property
    def crop(self) -> NDArray[np.uint8]:
        """The network's input, (96, 96) grey."""
        ...

    @property
    def portrait(self) -> NDArray[np.uint8]:
        """The same face as people see it."""
        ...


@dataclass(frozen=True, eq=False)
class Entry:
    """A face on its way into a gallery: the network's input `crop` (96, 96) uint8 grey, and the picture to show for it.

    `emotion` is None where nobody labelled it; the network's own reading is then taken, and said to be one.
    """

    crop: NDArray[np.uint8]
    portrait: NDArray[np.uint8]
    emotion: str | None
    source: str
    labelled_by: str
    notes: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    content: str = ""


@dataclass(frozen=True, eq=False)
class Embedded:
    """Items ready to be added: with embeddings (n, embedding_size), and the network's inputs as PNG files."""

    items: Sequence[Item]
    embeddings: NDArray[np.float32]
    crops: Sequence[bytes]


def build_gallery(
    entries: Iterable[Entry],
    embedder: Embeds,
    title: str,
    folder: str | Path = IN_MEMORY,
    read: Read | None = None,
    progress: Callable[[int], None] | None = None,
) -> Gallery:
    """Embed every entry, in batches, into a new gallery in a folder; crops that were seen before are left out.

    `read` names the emotion of entries without one; `progress` is told after each batch how many entries are done.
    Raises GalleryError when there is no entry, or one needs a reading and there is no `read`.
    """
    remaining = iter(entries)
    first = next(remaining, None)
    if first is None:
        raise GalleryError("There is no face to build a gallery from.")
    size = embedder.embed(first.crop[None]).shape[1]
    gallery = Gallery.create(folder, title, embedder.fingerprint, size)
    add_entries(gallery, chain([first], remaining), embedder, read, progress)
    return gallery


def add_entries(
    gallery: Gallery,
    entries: Iterable[Entry],
    embedder: Embeds,
    read: Read | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Add every entry whose crop is not there yet, in batches; how many were new. Raises what `embedded` raises."""
    done = added = 0
    remaining = iter(entries)
    while batch := list(islice(remaining, BATCH)):
        if new := [entry for entry in batch if identity(entry.crop) not in gallery]:
            ready = embedded(new, embedder, read)
            added += gallery.add(ready.items, ready.embeddings, ready.crops)
        done += len(batch)
        if progress:
            progress(done)
    return added


def identity(crop: NDArray[np.uint8]) -> str:
    """An item's id: the hash of the crop (96, 96) that the network sees, the same wherever the face comes from."""
    return hashlib.sha256(np.ascontiguousarray(crop).tobytes()).hexdigest()[:16]


def embedded(entries: Sequence[Entry], embedder: Embeds, read: Read | None) -> Embedded:
    """Entries as items with their embeddings. Raises GalleryError when one needs a reading and there is no `read`."""
    embeddings = embedder.embed(np.stack([entry.crop for entry in entries]))
    crops = [thumbnails.pack(entry.crop) for entry in entries]
    return Embedded(_items(entries, embeddings, read), embeddings, crops)


def entries_from_crops(
    crops: NDArray[np.uint8],
    emotions: Sequence[str | None],
    sources: Sequence[str],
    portraits: Iterable[NDArray[np.uint8]] | None = None,
    labelled_by: str = "data set",
) -> Iterator[Entry]:
    """A data set's crops (n, 96, 96) with one emotion and one source each; without `portraits` the crops are shown."""
    pictures = crops if portraits is None else portraits
    for crop, portrait, emotion, source in zip(crops, pictures, emotions, sources, strict=True):
        yield Entry(crop, portrait, emotion, source, labelled_by)


def entries_of_photo(
    source: str, emotion: str | None, faces: Sequence[CutFace], content: str = "", tags: tuple[str, ...] = ()
) -> list[Entry]:
    """The faces of a photo (largest first) as entries, with where it comes from and its label, or None.

    A label speaks of the photo's largest face; of a photo without one, all faces are taken.
    """
    chosen = faces if emotion is None else faces[:1]
    label = emotion and printable(emotion)
    return [
        Entry(each.crop, each.portrait, label, source, "folder", tags=tags, box=corners(each), content=content)
        for each in chosen
    ]


def printable(name: str | Path) -> str:
    """A file's name, or a sentence with one, as text: what is not UTF-8, or would steer a terminal, becomes «�»."""
    return _CONTROL.sub("�", str(name).encode(errors="surrogateescape").decode(errors="replace"))


def entries_from_composites(composites: Iterable["Composite"], origin: str) -> Iterator[Entry]:
    """Composite portraits as entries; `origin` names what was averaged, such as «FER+ training images»."""
    for composite in composites:
        notes = {
            "pictures": float(len(composite.members)),
            "closest_source_correlation": composite.closest_source_correlation,
        }
        source = f"average of {len(composite.members)} {origin}"
        yield Entry(composite.crop, composite.portrait, composite.emotion, source, "composite", notes)


def corners(face: CutFace) -> tuple[float, float, float, float]:
    """A face's box, to a tenth of a pixel."""
    left, top, right, bottom = np.asarray(face.box, dtype=float).round(1).tolist()
    return left, top, right, bottom


def _items(batch: Sequence[Entry], embeddings: NDArray[np.float32], read: Read | None) -> list[Item]:
    unlabelled = [row for row, entry in enumerate(batch) if entry.emotion is None]
    if unlabelled and read is None:
        raise GalleryError(f"{batch[unlabelled[0]].source} has no label, and there is nothing that could read one.")
    readings = iter(read(embeddings[unlabelled]) if read and unlabelled else ())
    return [
        _item(entry, next(readings), "reading")
        if entry.emotion is None
        else _item(entry, entry.emotion, entry.labelled_by)
        for entry in batch
    ]


def _item(entry: Entry, emotion: str, labelled_by: str) -> Item:
    return Item(
        id=identity(entry.crop),
        emotion=emotion,
        source=entry.source,
        labelled_by=labelled_by,
        thumbnail=thumbnails.encode(entry.portrait),
        notes=dict(entry.notes),
        tags=entry.tags,
        box=entry.box,
        content=entry.content,
    )
