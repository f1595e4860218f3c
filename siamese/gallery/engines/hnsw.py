"""A graph of near rows, walked towards the query (HNSW): fast in large galleries, not always exact.

Malkov and Yashunin, «Efficient and robust approximate nearest neighbor search using hierarchical navigable small world
graphs», 2018, as FAISS has it.
"""

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from siamese.gallery.engines import NOTHING, Found
from siamese.gallery.engines.faiss_tools import exact, found, read, selecting, write
from siamese.gallery.store import Revision

LINKS = 32  # of each row to others
_WIDTH_OF_BUILDING, _WIDTH_OF_SEARCH = 80, 96
_FEW = 20_000  # wanted rows that are compared one by one: in a graph they lie too far apart to be walked to
_WORN = 0.2  # share of removed rows beyond which it is worth making anew


class HnswIndex:
    """4 bytes a number, and 8 for each link. A graph forgets nothing: removed rows are passed over in answers."""

    seen = Revision()

    def __init__(self, embedding_size: int) -> None:
        graph = faiss.IndexHNSWFlat(embedding_size, LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = _WIDTH_OF_BUILDING
        self._index: Any = faiss.IndexIDMap2(graph)
        self._removed = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._index.ntotal) - len(self._removed)

    @property
    def worn(self) -> bool:
        """Whether so many rows were removed that it should be made anew."""
        return len(self._removed) > _WORN * int(self._index.ntotal)

    def add(self, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> None:
        """Take in rows (n,) with their unit embeddings (n, embedding_size)."""
        self._index.add_with_ids(np.ascontiguousarray(embeddings, dtype=np.float32), rows)

    def remove(self, rows: NDArray[np.int64]) -> None:
        """Forget rows."""
        here = np.intersect1d(rows, self._rows())
        self._removed = np.union1d(self._removed, here)

    def search(self, queries: NDArray[np.float32], k: int, among: NDArray[np.int64] | None = None) -> Found:
        """Similarities (q, k) and rows (q, k), as `Index.search` has them; exact where few rows are wanted."""
        wanted = None if among is None else np.setdiff1d(among, self._removed)
        if wanted is not None and len(wanted) <= _FEW:
            return self._exact(queries, k, wanted)
        width = max(_WIDTH_OF_SEARCH, 2 * k)
        parameters = faiss.SearchParametersHNSW(efSearch=width)  # type: ignore[attr-defined]
        with selecting(parameters, wanted, self._removed) as chosen:
            answer = found(self._index, queries, k, chosen)
        if (answer[1] == NOTHING).any() and wanted is not None:
            return self._exact(queries, k, wanted)
        return answer

    def save(self, path: Path) -> None:
        """Write it to a file; removed rows are told by whoever loads it."""
        write(self._index, path)

    @classmethod
    def load(cls, path: Path) -> "HnswIndex":
        """Read what `save` wrote."""
        index = cls.__new__(cls)
        index._index, index._removed = read(path), np.empty(0, dtype=np.int64)
        return index

    def _rows(self) -> NDArray[np.int64]:
        return faiss.vector_to_array(self._index.id_map)

    def _exact(self, queries: NDArray[np.float32], k: int, rows: NDArray[np.int64]) -> Found:
        rows = np.intersect1d(rows, self._rows())
        return exact(queries, k, rows, self._index.reconstruct_batch(rows))
