"""How many embeddings there are, and how much memory → the engine that finds among them, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.engines import Index
from siamese.gallery.engines.flat import FlatIndex
from siamese.gallery.engines.hnsw import LINKS, HnswIndex
from siamese.gallery.engines.ivf import NUMBERS_PER_CODE, IvfIndex
from siamese.gallery.engines.milvus import PREFIX, MilvusIndex, Place, address_of
from siamese.gallery.store import Store
from siamese.settings import IndexAccess

AUTOMATIC = "auto"
SMALL = 50_000  # rows up to which exact search takes a few milliseconds
SAMPLE = 200_000  # rows that cells are learned from, at most
_ROW = 16  # bytes a row takes besides its embedding

Make = Callable[[NDArray[np.float32], int], Index]
Kept = Literal["nowhere", "file", "address"]


@dataclass(frozen=True)
class Engine:
    """How an engine is made, from a sample (n, embedding_size) of what it will hold and the number of rows expected;
    how it is loaded from a file; how many bytes a row takes, by the embedding's size; and where it is kept."""

    make: Make
    load: Callable[[Path], Index]
    bytes_per_row: Callable[[int], float]
    kept: Kept = "file"


ENGINES: dict[str, Engine] = {
    "flat": Engine(
        lambda sample, _: FlatIndex(sample.shape[1]), FlatIndex.load, lambda size: 4 * size + _ROW, kept="nowhere"
    ),
    "hnsw": Engine(
        lambda sample, _: HnswIndex(sample.shape[1]), HnswIndex.load, lambda size: 4 * size + 8 * LINKS + _ROW
    ),
    "ivf-half": Engine(
        lambda sample, rows: IvfIndex(sample, "half", rows), IvfIndex.load, lambda size: 2 * size + _ROW
    ),
    "ivf-byte": Engine(lambda sample, rows: IvfIndex(sample, "byte", rows), IvfIndex.load, lambda size: size + _ROW),
    "ivf-product": Engine(
        lambda sample, rows: IvfIndex(sample, "product", rows),
        IvfIndex.load,
        lambda size: size / NUMBERS_PER_CODE + _ROW,
    ),
}


def engine_for(name: str, store: Store, access: IndexAccess) -> Engine:
    """The engine of this name; one at an address makes and opens the index of this store."""
    if not name.startswith(PREFIX):
        return ENGINES[name]
    place = Place(address_of(name), store.identity, store.embedding_size, access)
    return Engine(lambda *_: MilvusIndex(place, anew=True), lambda _: MilvusIndex(place), lambda _: 0.0, kept="address")


@dataclass(frozen=True)
class Choice:
    """An engine's name, and one sentence on why it is this one."""

    engine: str
    why: str


def choose(rows: int, embedding_size: int, megabytes: float, asked_for: str = AUTOMATIC) -> Choice:
    """The engine for so many rows within so much memory: exact while small, then the most accurate that fits.

    Raises GalleryError where the one asked for does not exist, or none fits.
    """
    if asked_for != AUTOMATIC:
        if asked_for.startswith(PREFIX):
            address_of(asked_for)
        elif asked_for not in ENGINES:
            known = ", ".join((AUTOMATIC, *ENGINES))
            raise GalleryError(f"There is no engine «{asked_for}». Choose {known}, or {PREFIX}ADDRESS.")
        return Choice(asked_for, "as asked for")
    for name, engine in ENGINES.items():
        needed = rows * engine.bytes_per_row(embedding_size) / 1e6
        if needed <= megabytes and (name != "flat" or rows <= SMALL):
            return Choice(name, f"{rows:,} embeddings take {needed:,.0f} MB of the {megabytes:,.0f} MB allowed")
    raise GalleryError(
        f"{rows:,} embeddings do not fit into {megabytes:,.0f} MB. Allow more with SEMBLANCE_INDEX_MEGABYTES, or use "
        f"an index on other machines with SEMBLANCE_INDEX={PREFIX}ADDRESS."
    )
