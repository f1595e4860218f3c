"""Made-up networks and faces that the gallery's tests share."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.gallery.engines.choice import AUTOMATIC
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.gallery.store import IN_MEMORY

SIZE = 8  # numbers in an embedding, enough for these tests
NETWORK = "0123456789ab"


class PixelEmbedder:
    """Stands in for a network: the means of a crop's first columns, centred, as a unit vector."""

    fingerprint = NETWORK

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        columns = crops[:, :, :SIZE].mean(axis=1, dtype=np.float32)
        columns = columns - columns.mean(axis=1, keepdims=True) + 1e-3
        return columns / np.linalg.norm(columns, axis=1, keepdims=True)


def unit_rows(count: int, seed: int = 0, size: int = SIZE) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def items(emotions: list[str], prefix: str = "item") -> list[Item]:
    return [
        Item(f"{prefix}{number}", emotion, f"photo {number}", "folder", hashlib.sha256(str(number).encode()).digest())
        for number, emotion in enumerate(emotions)
    ]


def made_up_gallery(
    emotions: list[str],
    seed: int = 0,
    folder: str | Path = IN_MEMORY,
    rows: NDArray[np.float32] | None = None,
    engine: str = AUTOMATIC,
) -> Gallery:
    """A gallery of items with these emotions and, unless given, random embeddings."""
    rows = unit_rows(len(emotions), seed) if rows is None else rows
    gallery = Gallery(Gallery.create(folder, "A test", NETWORK, SIZE).store, engine)
    assert gallery.add(items(emotions), rows) == len(emotions)
    return gallery
