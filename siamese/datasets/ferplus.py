"""FER+ on FER2013, from `{train,validation,test}.parquet`: 48×48 grey faces with ten vote counts each.

Barsoum, Zhang, Canton Ferrer, Zhang: Training deep networks for facial expression recognition with crowd-sourced label
distribution, ICMI 2016.
"""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from siamese.datasets.samples import UNLABELLED, Samples
from siamese.errors import DatasetError
from siamese.vocabulary import EMOTIONS

SPLITS = ("train", "validation", "test")
PROTOCOLS = ("majority", "plurality")
COLUMNS = ("image", "votes")


def load(root: str | Path, split: str, protocol: str = "majority") -> Samples:
    """Every row of a split that has a vote for an emotion, labelled by the protocol.

    Raises DatasetError when the file is missing, is not in the expected layout, or the split or protocol is unknown.
    """
    _require("split", split, SPLITS)
    _require("protocol", protocol, PROTOCOLS)
    table = _read(Path(root) / f"{split}.parquet")
    votes = np.asarray(table["votes"].to_pylist(), dtype=np.int64)
    images = np.stack([_decode(image["bytes"]) for image in table["image"].to_pylist()])
    sources = tuple(image["path"] for image in table["image"].to_pylist())
    labels = majority_labels(votes) if protocol == "majority" else plurality_labels(votes)
    samples = Samples("ferplus", split, protocol, images, vote_distribution(votes), labels, sources)
    return samples.take(np.flatnonzero(samples.targets.sum(axis=1) > 0))


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


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        expected = ", ".join(f"{split}.parquet" for split in SPLITS)
        raise DatasetError(f"No file {path}. The root of FER+ must be a folder that holds {expected}.")
    try:
        return pq.read_table(path, columns=list(COLUMNS))
    except (pa.ArrowInvalid, KeyError) as error:
        raise DatasetError(f"{path} is not FER+ as parquet with the columns {', '.join(COLUMNS)}: {error}") from error


def _decode(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DatasetError(f"Unknown {name} «{value}» for FER+. Choose one of: {', '.join(allowed)}.")
