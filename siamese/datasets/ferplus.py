"""FER+ on FER2013, as parquet, two CSV files or folders of pictures → 48×48 grey faces with ten vote counts each.

Barsoum, Zhang, Canton Ferrer, Zhang: Training deep networks for facial expression recognition with crowd-sourced label
distribution, ICMI 2016.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.datasets import fer2013
from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.pictures import Picture, squares, unusable
from siamese.datasets.samples import UNLABELLED, Samples
from siamese.datasets.tables import read_csv, read_parquet, require_part
from siamese.errors import DatasetError
from siamese.vocabulary import EMOTIONS

SPLITS = fer2013.SPLITS
PROTOCOLS = ("majority", "plurality")
COLUMNS = ("image", "votes")
CSV = "fer2013new.csv"
VOTE_COLUMNS = (*EMOTIONS, "unknown", "NF")
FOLDERS = {"train": "FER2013Train", "validation": "FER2013Valid", "test": "FER2013Test"}
LIST = "label.csv"


@dataclass(frozen=True)
class _Table:
    """The rows of a split before their pictures are read."""

    pictures: list[Picture] = field(default_factory=list)
    votes: list[list[int]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, picture: Picture, votes: list[int], source: str) -> None:
        self.pictures.append(picture)
        self.votes.append(votes)
        self.sources.append(source)


def load(root: str | Path, split: str, protocol: str = "majority") -> Samples:
    """Every row of a split that has a vote for an emotion, labelled by the protocol.

    The root holds FER2013's fer2013.csv together with FER+'s fer2013new.csv, whose rows line up;
    {train,validation,test}.parquet with the columns `image` and `votes`; or FER2013Train/, FER2013Valid/ and
    FER2013Test/, as FER+'s generate_training_data.py writes them. Raises DatasetError when a file is missing, cut off
    or not in the expected layout, no picture can be used, or the split or protocol is unknown.
    """
    require_choice("split", split, SPLITS, "ferplus")
    require_choice("protocol", protocol, PROTOCOLS, "ferplus")
    table = _read(Path(root), split)
    votes = np.array(table.votes, dtype=np.int64).reshape(-1, len(VOTE_COLUMNS))
    targets = vote_distribution(votes)
    labels = majority_labels(votes) if protocol == "majority" else plurality_labels(votes)
    voted = np.flatnonzero(targets.sum(axis=1) > 0)
    images, kept, unreadable = squares([table.pictures[row] for row in voted], fer2013.SIDE, f"Reading ferplus {split}")
    left_out = table.left_out + unreadable + Counter({"no vote for an emotion": len(votes) - len(voted)})
    if not len(kept):
        raise unusable("ferplus", left_out)
    rows = voted[kept]
    sources = tuple(table.sources[row] for row in rows)
    return Samples("ferplus", split, protocol, images, targets[rows], labels[rows], sources, left_out=dict(left_out))


def splits(root: str | Path) -> tuple[str, ...]:
    """The parts that lie at a root; where none does, those that there are."""
    root = Path(root)
    if _in_csv(root):
        return SPLITS
    listed = tuple(split for split, name in FOLDERS.items() if (root / name / LIST).is_file())
    return fer2013.parts_in_parquet(root) or listed or SPLITS


def without_single_votes(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Vote counts (n, 10) with counts of one dropped as noise, as FER+'s authors do."""
    return np.where(votes > 1, votes, 0)


def majority_labels(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The emotion with more than half of the kept counts (unknown and not-a-face among them), else UNLABELLED. (n,)."""
    kept = without_single_votes(votes)
    emotions = kept[:, : len(EMOTIONS)]
    decided = 2 * emotions.max(axis=1) > kept.sum(axis=1)
    return np.where(decided, emotions.argmax(axis=1), UNLABELLED)


def plurality_labels(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent of all ten kept counts, UNLABELLED where that is unknown or not-a-face. (n,)."""
    winner = without_single_votes(votes).argmax(axis=1)
    return np.where(winner < len(EMOTIONS), winner, UNLABELLED)


def vote_distribution(votes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Each row's share of the kept votes among the eight emotions, (n, 8); all zeros where no emotion has any."""
    emotions = without_single_votes(votes)[:, : len(EMOTIONS)].astype(np.float32)
    return emotions / np.maximum(emotions.sum(axis=1, keepdims=True), 1)


def _read(root: Path, split: str) -> _Table:
    if _in_csv(root):
        return _from_csv(root, split)
    if fer2013.parts_in_parquet(root):
        return _from_parquet(root / f"{split}.parquet")
    if any((root / name / LIST).is_file() for name in FOLDERS.values()):
        return _from_folder(root / FOLDERS[split])
    raise wrong_root(
        "ferplus",
        root,
        ", ".join(f"{each}.parquet" for each in SPLITS),
        f"{fer2013.CSV} and {CSV}",
        f"{', '.join(f'{name}/' for name in FOLDERS.values())}, each with {LIST} beside its pictures",
    )


def _in_csv(root: Path) -> bool:
    return (root / CSV).is_file() and (root / fer2013.CSV).is_file()


def _from_parquet(path: Path) -> _Table:
    table = _Table()
    for row in read_parquet(path, COLUMNS, "ferplus"):
        table.add(row["image"]["bytes"], row["votes"], row["image"]["path"])
    return table


def _from_csv(root: Path, split: str) -> _Table:
    table = _Table()
    faces = read_csv(root / fer2013.CSV, fer2013.COLUMNS)
    judged = read_csv(root / CSV, ("Usage", "Image name", *VOTE_COLUMNS))
    try:
        for (face_line, face), (line, row) in zip(faces, judged, strict=True):
            if face["Usage"] not in fer2013.USAGES.values():
                raise _damaged(root / fer2013.CSV, face_line, f"one of {', '.join(fer2013.USAGES.values())}")
            votes = _counts([row[column] for column in VOTE_COLUMNS], root / CSV, line)
            if face["Usage"] != row["Usage"]:
                raise ValueError
            if row["Usage"] != fer2013.USAGES[split]:
                continue
            if row["Image name"]:
                table.add(fer2013.pixels(face["pixels"]), votes, row["Image name"])
            else:
                table.left_out["without an image name, as FER+ marks what is no face"] += 1
    except ValueError as error:
        raise DatasetError(f"{fer2013.CSV} and {CSV} in {root} do not line up row by row. Fetch them again.") from error
    return table


def _from_folder(folder: Path) -> _Table:
    """Each line names a picture, then gives its ten counts; in the lists as published, a box stands between them.

    The box is always the whole picture, and FER+'s own reader takes that by now.
    """
    path = require_part(folder / LIST, "ferplus")
    table = _Table()
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.reader(file)
        for name, *cells in filter(None, reader):
            votes = cells[1:] if cells and cells[0].startswith("(") else cells
            table.add(folder / name, _counts(votes, path, reader.line_num), name)
    return table


def _counts(cells: Sequence[str], path: Path, line: int) -> list[int]:
    """The ten counts in the cells of a line's votes. Raises DatasetError when they are not that."""
    try:
        return [int(cell) for _, cell in zip(VOTE_COLUMNS, cells, strict=True)]
    except ValueError as error:
        raise _damaged(path, line, "ten counts of votes") from error


def _damaged(path: Path, line: int, end: str) -> DatasetError:
    return DatasetError(f"{path} is cut off or damaged in line {line}, which should end in {end}. Fetch it again.")
