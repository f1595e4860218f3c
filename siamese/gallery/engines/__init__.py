"""Unit embeddings by row number → the most similar of them to a query: one engine a file, all with the same methods.

To add one: write a class with the methods of `Index`, and give it a name in `choice.ENGINES`.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from siamese.gallery.store import Revision

Found = tuple[NDArray[np.float32], NDArray[np.int64]]
NOTHING = -1  # in place of a row where there are fewer than were asked for


class Index(Protocol):
    """What finds rows; rows are numbers of the caller's own, each used once."""

    seen: Revision  # how far it has followed the store

    def __len__(self) -> int: ...

    @property
    def worn(self) -> bool:
        """Whether so much was removed that it should be made anew."""
        ...

    def add(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Take in rows (n,) with their unit embeddings (n, embedding_size)."""
        ...

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget rows; those it does not have are passed over."""
        ...

    def search(self, queries: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None) -> Found:
        """Cosine similarities (q, k) and rows (q, k) of the k rows nearest to each query (q, embedding_size).

        Best first; with `among`, of those rows alone. Where there are fewer, NOTHING fills the end, with −1 beside it.
        """
        ...

    def save(self, path: Path) -> None:
        """Write it to a file, from which it can be loaded in place of being made anew."""
        ...
