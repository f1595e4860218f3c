"""A folder of photos → its image files, each with the emotion that its sub-folder is named after."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from siamese.errors import DatasetError
from siamese.vocabulary import EMOTIONS, index_of

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


@dataclass(frozen=True)
class PhotoFolder:
    """The photos of a folder, in order of their paths, and the files that are none, each with the reason.

    A photo's label is None where it lies in no sub-folder.
    """

    photos: tuple[tuple[Path, str | None], ...]
    skipped: dict[Path, str]


def scan(root: str | Path) -> PhotoFolder:
    """Look through a folder and everything below it; hidden files and folders are passed over.

    The first folder below `root` gives the label: an emotion by any of its spellings, or else its own name. Raises
    DatasetError when there is no such folder, or no photo in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}. Name one that holds photos, or sub-folders of photos.")
    photos, skipped = [], {}
    for path in _files(root):
        if path.suffix.lower() in SUFFIXES:
            photos.append((path, _label(path.relative_to(root))))
        else:
            skipped[path] = f"Not a photo: its name ends in none of {', '.join(SUFFIXES)}."
    if not photos:
        raise DatasetError(f"There is no photo in {root}: no file's name ends in one of {', '.join(SUFFIXES)}.")
    return PhotoFolder(tuple(photos), skipped)


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts):
            yield path


def _label(path: Path) -> str | None:
    if len(path.parts) == 1:
        return None
    index = index_of(path.parts[0])
    return path.parts[0] if index is None else EMOTIONS[index]
