"""Face crops with their labels → a gallery: each is embedded, and read by the network where it has no label."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError, SemblanceError
from siamese.gallery import thumbnails
from siamese.gallery.composites import Composite
from siamese.gallery.gallery import Gallery, Item

_BATCH = 64

Read = Callable[[NDArray[np.float32]], Sequence[str]]  # embeddings (n, embedding_size) → the emotion of each


class Embeds(Protocol):
    """What makes embeddings; `siamese.network.runtime.Embedder` does."""

    fingerprint: str

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Crops (n, 48, 48) uint8 → unit-length embeddings (n, embedding_size) float32."""
        ...


class CutFace(Protocol):
    """A face cut from a photo; `siamese.service.FaceFound` is one."""

    @property
    def crop(self) -> NDArray[np.uint8]:
        """The network's input, (48, 48) grey."""
        ...

    @property
    def portrait(self) -> NDArray[np.uint8]:
        """The same face as people see it."""
        ...


@dataclass(frozen=True, eq=False)
class Entry:
    """A face on its way into a gallery: the network's input `crop` (48, 48) uint8 grey, and the picture to show for it.

    `emotion` is None where nobody labelled it; the network's own reading is then taken, and said to be one.
    """

    crop: NDArray[np.uint8]
    portrait: NDArray[np.uint8]
    emotion: str | None
    source: str
    labelled_by: str
    notes: Mapping[str, float] = field(default_factory=dict)


def build_gallery(
    entries: Iterable[Entry],
    embedder: Embeds,
    title: str,
    read: Read | None = None,
    progress: Callable[[int], None] | None = None,
) -> Gallery:
    """Embed every entry, in batches; crops that were seen before are left out.

    `read` names the emotion of entries without one; `progress` is told after each batch how many entries are done.
    Raises GalleryError when there is no entry, or one needs a reading and there is no `read`.
    """
    gallery = None
    done = 0
    remaining = iter(entries)
    while batch := list(islice(remaining, _BATCH)):
        embeddings = embedder.embed(np.stack([entry.crop for entry in batch]))
        items = _items(batch, embeddings, read)
        gallery = gallery or Gallery([], embeddings[:0], title, embedder.fingerprint)
        gallery.add(items, embeddings)
        done += len(batch)
        if progress:
            progress(done)
    if gallery is None:
        raise GalleryError("There is no face to build a gallery from.")
    return gallery


def entries_from_crops(
    crops: NDArray[np.uint8],
    emotions: Sequence[str | None],
    sources: Sequence[str],
    portraits: Iterable[NDArray[np.uint8]] | None = None,
    labelled_by: str = "data set",
) -> Iterator[Entry]:
    """A data set's crops (n, 48, 48) with one emotion and one source each; without `portraits` the crops are shown."""
    pictures = crops if portraits is None else portraits
    for crop, portrait, emotion, source in zip(crops, pictures, emotions, sources, strict=True):
        yield Entry(crop, portrait, emotion, source, labelled_by)


def entries_from_photos(
    photos: Iterable[tuple[Path, str | None]],
    faces: Callable[[Path], Sequence[CutFace]],
    skipped: dict[Path, str],
) -> Iterator[Entry]:
    """Photos, each with its label or None → their faces, by `faces` (largest first).

    A label speaks of the photo's largest face; of a photo without one, all faces are taken. A photo that `faces`
    refuses is entered into `skipped` with the reason.
    """
    for path, emotion in photos:
        try:
            found = faces(path)
        except SemblanceError as error:
            skipped[path] = str(error)
            continue
        for face in found if emotion is None else found[:1]:
            yield Entry(face.crop, face.portrait, emotion, path.name, "folder")


def entries_from_composites(composites: Iterable[Composite], origin: str) -> Iterator[Entry]:
    """Composite portraits as entries; `origin` names what was averaged, such as «FER+ training images»."""
    for composite in composites:
        notes = {
            "pictures": float(len(composite.members)),
            "closest_source_correlation": composite.closest_source_correlation,
        }
        source = f"average of {len(composite.members)} {origin}"
        yield Entry(composite.crop, composite.portrait, composite.emotion, source, "composite", notes)


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
        id=hashlib.sha256(np.ascontiguousarray(entry.crop).tobytes()).hexdigest()[:16],
        emotion=emotion,
        source=entry.source,
        labelled_by=labelled_by,
        thumbnail=thumbnails.encode(entry.portrait),
        notes=dict(entry.notes),
    )
