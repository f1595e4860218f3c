"""FER2013, as `fer2013.csv`, as folders or beside FER+'s votes → 48×48 grey faces with its own seven labels.

Goodfellow et al.: Challenges in representation learning: a report on three machine learning contests, ICONIP 2013.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.datasets import folder
from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.pictures import Row, label_of, read
from siamese.datasets.samples import Samples
from siamese.datasets.tables import read_csv, read_parquet
from siamese.errors import DatasetError

SIDE = 48  # pixels
USAGES = {"train": "Training", "validation": "PublicTest", "test": "PrivateTest"}
SPLITS = tuple(USAGES)
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
CSV = "fer2013.csv"
COLUMNS = ("emotion", "pixels", "Usage")


def load(root: str | Path, split: str) -> Samples:
    """A part of FER2013: `train`, `validation` (the public test) or `test` (the private test).

    The root holds fer2013.csv; or {train,validation,test}.parquet with the columns `image` and `fer2013`; or train/ and
    test/ with a folder for each emotion. The parquet files lack the few images in which FER+ sees no face; the folders
    hold both test parts mixed and no validation part, so that it cannot be asked for there. A row of the CSV file that
    is cut off belongs to no part, and is counted among what each leaves out. Raises DatasetError when the root holds
    none of these, or not the split.
    """
    root = Path(root)
    if in_folders(root):
        return folder.load(root, split, "fer2013", SIDE)
    require_choice("split", split, SPLITS, "fer2013")
    if (root / CSV).is_file():
        left_out: Counter[str] = Counter()
        return read("fer2013", split, _csv_rows(root, split, left_out), SIDE, left_out)
    if parts_in_parquet(root):
        return read("fer2013", split, _parquet_rows(root, split), SIDE)
    raise wrong_root(
        "fer2013", root, CSV, "train.parquet and the like with a column fer2013", "train/ with a folder per emotion"
    )


def splits(root: str | Path) -> tuple[str, ...]:
    """The parts that lie at a root; where none does, those that there are. Raises DatasetError as the folders do."""
    root = Path(root)
    if in_folders(root):
        return folder.splits(root)
    return SPLITS if (root / CSV).is_file() else parts_in_parquet(root) or SPLITS


def in_folders(root: Path) -> bool:
    """Whether FER2013 lies at a root as folders alone, which hold its public and its private test mixed."""
    if (root / CSV).is_file() or parts_in_parquet(root):
        return False
    return "train" in folder.splits(root)


def usages(root: str | Path, split: str) -> frozenset[str]:
    """The published parts of which a split may hold pictures: its own; in folders, no or two parts besides `train`.

    Where folders have a validation part, somebody has cut the set anew: any part may hold pictures of each.
    """
    root = Path(root)
    if not in_folders(root):
        return frozenset({USAGES[split]})
    if "validation" in folder.splits(root):
        return frozenset(USAGES.values())
    held = {"train": ("train",), "validation": (), "test": ("validation", "test")}
    return frozenset(USAGES[each] for each in held[split])


def parts_in_parquet(root: Path) -> tuple[str, ...]:
    """The parts that a folder holds as parquet, with FER2013's labels, FER+'s votes or both."""
    return tuple(split for split in SPLITS if (root / f"{split}.parquet").is_file())


def pixels(text: str) -> NDArray[np.uint8]:
    """A row's pixels (48, 48) from their decimal numbers. Raises DatasetError when they are not so many numbers."""
    try:
        return np.array(text.split(), dtype=np.uint8).reshape(SIDE, SIDE)
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{CSV} is damaged: «{text[:20]}…» are not 48×48 grey levels. Fetch it again.") from error


def _csv_rows(root: Path, split: str, left_out: Counter[str]) -> Iterator[Row]:
    """Each row is named as FER+ names it: by its place in the file."""
    for number, (_, row) in enumerate(read_csv(root / CSV, COLUMNS)):
        if row["Usage"] not in USAGES.values():
            left_out[f"a row of {CSV} that is cut off, or whose Usage is none of {', '.join(USAGES.values())}"] += 1
        elif row["Usage"] == USAGES[split]:
            yield Row(pixels(row["pixels"]), label_of(row["emotion"], LABELS), f"fer{number:07}.png")


def _parquet_rows(root: Path, split: str) -> Iterator[Row]:
    for row in read_parquet(root / f"{split}.parquet", ("image", "fer2013"), "fer2013"):
        yield Row(row["image"]["bytes"], row["fer2013"], row["image"]["path"])
