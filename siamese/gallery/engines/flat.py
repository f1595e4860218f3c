"""Every row compared with the query, exactly, by FAISS's inner product: for galleries that are not large."""

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from siamese.gallery.engines import Found
from siamese.gallery.engines.faiss_tools import found, read, selecting, write
from siamese.gallery.store import Revision


class FlatIndex:
    """Exact search; 4 bytes a number."""

    seen = Revision()

    def __init__(self, embedding_size: int) -> None:
        self._index: faiss.Index = faiss.IndexIDMap2(faiss.IndexFlatIP(embedding_size))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def worn(self) -> bool:
        """Never: what is removed is gone."""
        return False

    def add(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Take in rows (n,) with their unit embeddings (n, embedding_size)."""
        self._index.add_with_ids(np.ascontiguousarray(embeddings, dtype=np.float32), rows)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget rows."""
        self._index.remove_ids(faiss.IDSelectorBatch(rows))

    def search(self, queries: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None) -> Found:
        """Similarities (q, k) and rows (q, k), as `Index.search` has them."""
        with selecting(faiss.SearchParameters(), among) as parameters:
            return found(self._index, queries, k, parameters)

    def save(self, path: Path) -> None:
        """Write it to a file."""
        write(self._index, path)

    @classmethod
    def load(cls, path: Path) -> "FlatIndex":
        """Read what `save` wrote."""
        index = cls.__new__(cls)
        index._index = read(path)
        return index
