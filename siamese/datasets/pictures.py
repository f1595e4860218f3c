"""A data set's list of pictures, each labelled in the set's own spelling → samples, and what was left out and why.

A picture of any shape is fitted as a whole into a grey square, since where its face lies is not known yet: of a photo
nothing is cut off here, and `datasets/crops.py` finds and aligns the face in the square as in any other image.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from siamese.datasets.samples import ONE_LABEL, Samples
from siamese.errors import DatasetError, ImageError
from siamese.faces.decode import decode
from siamese.vocabulary import EMOTIONS, index_of

PHOTO_SIDE = 224  # pixels; a face that fills a third of a photo is then still larger than the network's crop

Picture = Path | bytes | NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """A picture before it is read: its file, bytes or pixels; its label as the set spells it; its name; its person."""

    picture: Picture
    label: str
    source: str
    subject: str = ""


def read(dataset: str, split: str, rows: Iterable[Row], side: int, left_out: Counter[str] | None = None) -> Samples:
    """The rows whose label is an emotion and whose picture can be read, as images (n, side, side).

    What else the set holds may be counted in `left_out`, also while `rows` is gone through; the rows that cannot be
    used are added. Raises DatasetError when none can.
    """
    reasons = Counter() if left_out is None else left_out
    known: list[tuple[Row, int]] = []
    for row in rows:
        label = index_of(row.label)
        if label is None:
            reasons[f"labelled «{row.label}», which is none of our emotions"] += 1
        else:
            known.append((row, label))
    images, kept, unreadable = squares([row.picture for row, _ in known], side, f"Reading {dataset} {split}")
    reasons.update(unreadable)
    if not len(kept):
        raise unusable(dataset, reasons)
    used = [known[row][0] for row in kept]
    labels = np.array([known[row][1] for row in kept], dtype=np.int64)
    return Samples(
        dataset,
        split,
        ONE_LABEL,
        images,
        np.eye(len(EMOTIONS), dtype=np.float32)[labels],
        labels,
        tuple(row.source for row in used),
        tuple(row.subject for row in used),
        dict(reasons),
    )


def unusable(dataset: str, reasons: Counter[str]) -> DatasetError:
    """The error to raise when no picture of a data set is left, with how many were left out for which reason."""
    why = "; ".join(f"{reason}: {count}" for reason, count in reasons.items()) or "there is none"
    return DatasetError(f"No picture of {dataset} can be used ({why}). Check its folder.")


def squares(
    pictures: Sequence[Picture], side: int, what: str
) -> tuple[NDArray[np.uint8], NDArray[np.int64], Counter[str]]:
    """Grey squares (m, side, side) of the pictures that can be read, which those are (m,), and why not the others.

    `what` is said beside the progress bar.
    """
    images = np.empty((len(pictures), side, side), np.uint8)
    kept: list[int] = []
    reasons: Counter[str] = Counter()
    for number, picture in enumerate(track(pictures, what, console=Console(stderr=True))):
        try:
            images[len(kept)] = square(decode(_content(picture)), side)
            kept.append(number)
        except ImageError as error:
            reasons[str(error)] += 1
        except OSError as error:
            reasons[f"a file that cannot be read: {error.strerror}"] += 1
    return images[: len(kept)], np.array(kept, dtype=np.int64), reasons


def square(photo: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """An RGB photo (height, width, 3) → grey (side, side) uint8: the whole photo, its border repeated to both sides.

    Shrinking averages areas.
    """
    grey = Image.fromarray(photo).convert("L")
    scale = side / max(grey.size)
    width, height = (max(1, round(length * scale)) for length in grey.size)
    fitted = grey.resize((width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)
    top, left = (side - height) // 2, (side - width) // 2
    return np.pad(np.asarray(fitted), ((top, side - height - top), (left, side - width - left)), mode="edge")


def label_of(code: str, labels: Sequence[str], first: int = 0) -> str:
    """The label that a data set's number stands for, counted from `first`; the number itself where there is none."""
    try:
        number = int(float(code)) - first
    except (ValueError, OverflowError):
        return code
    return labels[number] if 0 <= number < len(labels) else code


def rows_by_name(root: Path, pattern: re.Pattern[str]) -> list[Row]:
    """The files below a folder whose whole name fits a pattern, which has the groups `label` and `subject`."""
    matches = ((path, pattern.fullmatch(path.name)) for path in sorted(root.rglob("*")))
    return [
        Row(path, match["label"], str(path.relative_to(root)), match["subject"]) for path, match in matches if match
    ]


def _content(picture: Picture) -> bytes | NDArray[np.uint8]:
    """Files are read here, so that the decoder's sentence names no file and the same reason is counted as one."""
    return picture.read_bytes() if isinstance(picture, Path) else picture
