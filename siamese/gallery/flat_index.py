"""Unit embeddings → the most similar of them to a query, exactly, by FAISS's inner product."""

import faiss
import numpy as np
from numpy.typing import NDArray


class FlatIndex:
    """Compares a query with every row; rows are numbered in the order in which they were added."""

    def __init__(self, embedding_size: int) -> None:
        self._index = faiss.IndexFlatIP(embedding_size)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, embeddings: NDArray[np.float32]) -> None:
        """Append rows (n, embedding_size)."""
        self._index.add(np.ascontiguousarray(embeddings, dtype=np.float32))

    def search(
        self, query: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Similarities and row numbers of the k rows nearest to a query (embedding_size,), best first.

        With `among`, only those rows are looked at. Fewer than k come back only where there are fewer.
        """
        k = min(k, len(self) if among is None else len(among))
        if k == 0:
            return np.empty(0, np.float32), np.empty(0, np.int64)
        parameters = faiss.SearchParameters()
        if among is not None:
            selector = faiss.IDSelectorBatch(among)  # a name of its own: FAISS does not keep it alive
            parameters.sel = selector
        similarities, rows = self._index.search(np.ascontiguousarray(query[None], np.float32), k, params=parameters)
        return similarities[0], rows[0]
