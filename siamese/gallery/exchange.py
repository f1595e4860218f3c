"""A gallery ⇄ one .zip file, to hand on: what the items are as JSON, embeddings as npy, pictures as WebP and PNG."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.archives import NOT_UNPACKED, require_file
from siamese.gallery.gallery import STORE_FILE, Gallery
from siamese.gallery.items import LABELLED_BY, Item
from siamese.gallery.store import of_unit_length

FORMAT = 1
_ABOUT, _EMBEDDINGS = "gallery.json", "embeddings.npy"
_BATCH = 1024


def write_archive(gallery: Gallery, path: Path) -> int:
    """Write all items in one file; how many there were. Raises GalleryError when it cannot be written."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        _require_place(path)
        with zipfile.ZipFile(unfinished, "w") as packed, gallery.store.snapshot():
            count = _pack(gallery, packed)
        unfinished.replace(path)
    except OSError as error:
        raise GalleryError(f"The gallery cannot be written to {path}: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):  # what is wrong with the place is told already
            unfinished.unlink()
    return count


def read_archive(path: Path, folder: Path, fingerprint: str) -> tuple[Gallery, int]:
    """Add what `write_archive` wrote to the gallery in a folder, which is made where there is none.

    Returns it and how many items were new. Raises GalleryError where there is no file, it is no such archive, or it is
    of another network than `fingerprint`; of a damaged one nothing is added.
    """
    try:
        require_file(path, "Name first the .zip file, and then the gallery's folder.")
        with zipfile.ZipFile(path) as packed:
            _require_whole(packed, path)
            about = json.loads(packed.read(_ABOUT))
            embeddings = np.load(io.BytesIO(packed.read(_EMBEDDINGS)), allow_pickle=False)
            _require_fitting(about, embeddings, path, fingerprint)
            _require_complete(packed, about["items"])
            gallery = _gallery_in(folder, about, embeddings.shape[1])
            added = sum(
                gallery.add(items, embeddings[start : start + len(items)], crops)
                for start, items, crops in _batches(packed, about["items"])
            )
    except (*NOT_UNPACKED, KeyError, TypeError) as error:
        raise GalleryError(f"{path} is not what `gallery export` wrote, or is damaged: {error}") from error
    return gallery, added


def _pack(gallery: Gallery, packed: zipfile.ZipFile) -> int:
    """Put all items in; pictures are compressed already."""
    rows = gallery.store.rows()
    described: list[dict[str, Any]] = []
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        crops = gallery.store.crops_of(part)
        for number, (row, item) in enumerate(gallery.store.items(part).items(), start):
            described.append(item.to_dict())
            packed.writestr(_thumbnail(number), item.thumbnail)
            if crop := crops.get(row):
                packed.writestr(f"crops/{number}.png", crop)
    packed.writestr(_EMBEDDINGS, _npy(gallery.store.embeddings(rows)), zipfile.ZIP_DEFLATED)
    about = {"format": FORMAT, "title": gallery.title, "fingerprint": gallery.fingerprint, "items": described}
    packed.writestr(_ABOUT, json.dumps(about, ensure_ascii=False), zipfile.ZIP_DEFLATED)
    return len(described)


def _require_whole(packed: zipfile.ZipFile, path: Path) -> None:
    if damaged := packed.testzip():
        raise GalleryError(f"{path} is damaged: «{damaged}» in it cannot be read. Nothing was taken from it.")


def _require_place(path: Path) -> None:
    if path.is_dir() or not path.parent.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise GalleryError(f"The gallery cannot be written to {path}: {why}. Name a file in a folder that is there.")


def _gallery_in(folder: Path, about: dict[str, Any], size: int) -> Gallery:
    if os.access(folder / STORE_FILE, os.F_OK):  # Path.is_file raises where one may not look
        return Gallery.open(folder, about["fingerprint"], writable=True)
    return Gallery.create(folder, about["title"], about["fingerprint"], size)


def _require_fitting(about: dict[str, Any], embeddings: NDArray[np.float32], path: Path, fingerprint: str) -> None:
    fitting = embeddings.ndim == 2 and len(embeddings) == len(about["items"]) and of_unit_length(embeddings)
    if about["format"] != FORMAT or not fitting:
        raise GalleryError(f"{path} is not what this version's `gallery export` wrote.")
    if about["fingerprint"] != fingerprint:
        raise GalleryError(
            f"The gallery in {path} was made by the network {about['fingerprint']}, but the network in use is "
            f"{fingerprint}, and their embeddings do not compare. Import it with --reference and the set that made it, "
            "then `python -m siamese gallery rebuild`."
        )


def _require_complete(packed: zipfile.ZipFile, described: list[dict[str, Any]]) -> None:
    """Raise what is wrong with any item, before the first is added."""
    for number, about in enumerate(described):
        packed.getinfo(_thumbnail(number))
        _item(about, b"")


def _thumbnail(number: int) -> str:
    return f"thumbnails/{number}.webp"


def _batches(
    packed: zipfile.ZipFile, described: list[dict[str, Any]]
) -> Iterator[tuple[int, list[Item], list[bytes | None]]]:
    names = set(packed.namelist())
    for start in range(0, len(described), _BATCH):
        numbers = range(start, min(start + _BATCH, len(described)))
        items = [_item(described[number], packed.read(_thumbnail(number))) for number in numbers]
        crops = [packed.read(name) if (name := f"crops/{number}.png") in names else None for number in numbers]
        yield start, items, crops


def _item(about: dict[str, Any], thumbnail: bytes) -> Item:
    if about["labelled_by"] not in LABELLED_BY:
        raise ValueError(f"An example is labelled by «{about['labelled_by']}», which is none of {LABELLED_BY}.")
    box = tuple(about["box"]) if about["box"] else None
    return Item(**{**about, "thumbnail": thumbnail, "tags": tuple(about["tags"]), "box": box})


def _npy(array: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
