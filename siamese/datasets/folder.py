"""A folder of photos → its image files, each with the emotion that its sub-folder is named after."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from siamese.datasets.checks import require_choice
from siamese.datasets.pictures import PHOTO_SIDE, Row, label_of, read
from siamese.datasets.samples import Samples
from siamese.errors import DatasetError
from siamese.vocabulary import EMOTIONS, index_of

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}
WHOLE = "all"


@dataclass(frozen=True)
class PhotoFolder:
    """The photos below `root`, in order of their paths, and the files that are none, each with the reason.

    A photo's label is None where it lies in no sub-folder.
    """

    root: Path
    photos: tuple[tuple[Path, str | None], ...]
    skipped: dict[Path, str]


def scan(root: str | Path) -> PhotoFolder:
    """Look through a folder and everything below it; hidden files and folders are passed over.

    The first folder below `root` that is named after an emotion, in any of its spellings, gives the label; where none
    is, the first one's own name is it. Raises DatasetError when there is no such folder, or no photo in it.
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
    return PhotoFolder(root, tuple(photos), skipped)


def load(
    root: str | Path, split: str, dataset: str = "folder", side: int = PHOTO_SIDE, numbers: tuple[str, ...] = ()
) -> Samples:
    """Photos (n, side, side) of any folder with one sub-folder for each emotion, named after it in any spelling.

    Above those there may be a folder for each part: `train`, `validation` (or `val`) and `test`, in any case; without
    any, the one split is `all`. With `numbers`, a sub-folder may also be called by an emotion's place in them, counted
    from 1. Raises DatasetError when there is no such folder or split, two folders for one part, or no photo in it that
    can be used.
    """
    parts = _parts(Path(root))
    require_choice("split", split, parts, dataset)
    found = scan(parts[split])
    left_out = Counter(found.skipped.values())
    left_out.update("in no sub-folder named after an emotion" for _, label in found.photos if label is None)
    rows = (
        Row(path, label_of(label, numbers, first=1), str(path.relative_to(parts[split])))
        for path, label in found.photos
        if label is not None
    )
    return read(dataset, split, rows, side, left_out)


def splits(root: str | Path) -> tuple[str, ...]:
    """The parts for which a folder has sub-folders, or `all`. Raises DatasetError when there are two for one part."""
    return tuple(_parts(Path(root)))


def holds_out_test(root: str | Path, other: str | Path) -> bool:
    """Whether no photo of a folder's test part lies in the further parts of another, or in it where that has none."""
    tested = _parts(Path(root)).get("test")
    further = [place for part, place in _parts(Path(other)).items() if part != "test"]
    return tested is not None and not any(overlap(tested, place) for place in further)


def overlap(one: str | Path, other: str | Path) -> bool:
    """Whether two folders are the same, or one lies within the other."""
    one, other = Path(one).resolve(), Path(other).resolve()
    return one.is_relative_to(other) or other.is_relative_to(one)


def has_emotion_folders(root: Path) -> bool:
    """Whether a folder holds at least one sub-folder that is named after an emotion."""
    return root.is_dir() and any(path.is_dir() and index_of(path.name) is not None for path in root.iterdir())


def _parts(root: Path) -> dict[str, Path]:
    parts = {part: found for part, names in PARTS.items() if (found := _sub_folder(root, part, names))}
    return parts or {WHOLE: root}


def _sub_folder(root: Path, part: str, names: tuple[str, ...]) -> Path | None:
    """The one that is called by one of the names, in any case."""
    if not root.is_dir():
        return None
    found = sorted(path for path in root.iterdir() if path.name.lower() in names and path.is_dir())
    if len(found) > 1:
        folders = " and ".join(f"{path.name}/" for path in found)
        raise DatasetError(f"{root} holds {folders}, which all name its {part} part. Keep one, or put them into one.")
    return found[0] if found else None


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts):
            yield path


def _label(path: Path) -> str | None:
    if len(path.parts) == 1:
        return None
    known = [index for part in path.parts[:-1] if (index := index_of(part)) is not None]
    return EMOTIONS[known[0]] if known else path.parts[0]
