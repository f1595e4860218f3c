"""CK+ (extended Cohn-Kanade), as 48-pixel folders, as parquet or as its original tree → faces of posed expressions.

Lucey, Cohn, Kanade, Saragih, Ambadar, Matthews: The extended Cohn-Kanade dataset (CK+), CVPR workshops 2010. The frames
of a sequence are near-copies of one another, so a split must keep people together: `subjects` are the groups.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from siamese.datasets import folder
from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.pictures import PHOTO_SIDE, Row, label_of, read
from siamese.datasets.samples import Samples
from siamese.datasets.tables import read_parquet
from siamese.errors import DatasetError

SIDE = 48  # pixels, of the folders and the parquet file
LABELS = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
PARQUET = "all.parquet"
IMAGES, EMOTION = "cohn-kanade-images", "Emotion"
PEAK_FRAMES = 3


def load(root: str | Path, split: str, first_as_neutral: bool = False) -> Samples:
    """The last three frames of every labelled sequence; `all` is the only split. Each source names its sequence.

    The root holds a folder per emotion with files like S010_004_00000017.png; or all.parquet with the columns `image`,
    `emotion` and `subject`; or cohn-kanade-images/ beside Emotion/. Only this original tree has each sequence's first
    frame, to be had as `neutral`. Raises DatasetError when the root holds none of these, or the split is unknown.
    """
    root = Path(root)
    require_choice("split", split, (folder.WHOLE,), "ckplus")
    if (root / IMAGES).is_dir() and (root / EMOTION).is_dir():
        left_out: Counter[str] = Counter()
        return read("ckplus", split, _sequence_rows(root, first_as_neutral, left_out), PHOTO_SIDE, left_out)
    if first_as_neutral:
        raise DatasetError(f"No neutral first frames in {root}: they need CK+'s {IMAGES}/ beside its {EMOTION}/.")
    if (root / PARQUET).is_file():
        return read("ckplus", split, _parquet_rows(root), SIDE)
    if folder.has_emotion_folders(root):
        samples = folder.load(root, split, "ckplus", SIDE)
        return replace(samples, subjects=tuple(subject_of(source) for source in samples.sources))
    raise wrong_root("ckplus", root, "anger/, contempt/ and so on", PARQUET, f"{IMAGES}/ and {EMOTION}/")


def subject_of(source: str) -> str:
    """Who is on a frame: S010 for …/S010_004_00000017.png, which is of the sequence S010_004."""
    return Path(source).name.split("_")[0]


def _parquet_rows(root: Path) -> Iterator[Row]:
    for row in read_parquet(root / PARQUET, ("image", "emotion", "subject"), "ckplus"):
        yield Row(row["image"]["bytes"], row["emotion"], row["image"]["path"], row["subject"])


def _sequence_rows(root: Path, first_as_neutral: bool, left_out: Counter[str]) -> Iterator[Row]:
    for sequence in sorted((root / IMAGES).glob("S*/*/")):
        frames = sorted(sequence.glob("S*.png"))
        label = _label(root / EMOTION / sequence.relative_to(root / IMAGES))
        if label is None or not frames:
            left_out["a whole sequence without an emotion or without frames"] += 1
            continue
        labelled = [(frame, label) for frame in frames[-PEAK_FRAMES:]]
        if first_as_neutral:
            labelled.insert(0, (frames[0], "neutral"))
        for frame, name in labelled:
            yield Row(frame, name, str(frame.relative_to(root)), subject_of(frame.name))


def _label(annotations: Path) -> str | None:
    codes = [path.read_text() for path in sorted(annotations.glob("S*_emotion.txt"))]
    return label_of(codes[0].strip(), LABELS) if codes else None
