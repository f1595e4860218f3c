"""Rows sorted into cells, of which the query's nearest are looked through (IVF): for galleries that fill the memory.

Jégou, Douze and Schmid, «Product quantization for nearest neighbor search», 2011, as FAISS has it. Embeddings are kept
in half precision, in one byte a number, or as product-quantised codes.
"""

from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.engines import NOTHING, Found
from siamese.gallery.engines.faiss_tools import found, read, selecting, write
from siamese.gallery.store import Revision

Code = Literal["half", "byte", "product"]
NUMBERS_PER_CODE = 4  # of product quantisation: so many numbers become one byte
_CELLS_PER_ROOT = 4.0  # cells for each unit of the square root of the rows
_ROWS_PER_CELL = 50  # to learn a cell from
_LOOKED_THROUGH = 1 / 64  # of the cells
_FEWEST = 256  # embeddings that it can learn from: as many as there are values of a product-quantised byte


class IvfIndex:
    """Two, one or a quarter of a byte a number, by its `code`. It learns its cells from the embeddings it is given."""

    seen = Revision()

    def __init__(self, sample: NDArray[np.float32], code: Code, expected: int) -> None:
        """`sample` (n, embedding_size) stands for what will be added, about `expected` rows.

        Raises GalleryError where the sample is too small to learn from.
        """
        if len(sample) < _FEWEST:
            raise GalleryError(
                f"An IVF index learns from at least {_FEWEST} embeddings, and there are {len(sample)}. Leave the "
                "choice of the engine automatic, or ask for «flat» or «hnsw»."
            )
        size = sample.shape[1]
        cells = max(1, min(int(_CELLS_PER_ROOT * expected**0.5), len(sample) // _ROWS_PER_CELL))
        coarse = faiss.IndexFlatIP(size)
        self._index: Any = _coded(coarse, size, cells, code)
        self._index.cp.spherical = True
        self._index.train(np.ascontiguousarray(sample, dtype=np.float32))
        self._prepare()

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
        """Similarities (q, k) and rows (q, k), as `Index.search` has them; all cells are looked through if need be."""
        rarity = 1 if among is None else len(self) / max(1, len(among))  # fewer wanted rows lie in more cells
        answer = self._search(queries, k, among, min(self._index.nlist, round(rarity * self._looked_through)))
        if (answer[1] == NOTHING).any():
            return self._search(queries, k, among, self._index.nlist)
        return answer

    def save(self, path: Path) -> None:
        """Write it to a file."""
        write(self._index, path)

    @classmethod
    def load(cls, path: Path) -> "IvfIndex":
        """Read what `save` wrote."""
        index = cls.__new__(cls)
        index._index = read(path)
        index._prepare()
        return index

    def _prepare(self) -> None:
        self._looked_through = max(8, round(_LOOKED_THROUGH * self._index.nlist))

    def _search(self, queries: NDArray[np.float32], k: int, among: NDArray[np.int64] | None, cells: int) -> Found:
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = cells
        with selecting(parameters, among) as chosen:
            return found(self._index, queries, k, chosen)


def _coded(coarse: faiss.Index, size: int, cells: int, code: Code) -> faiss.IndexIVF:
    if code == "product":
        return faiss.IndexIVFPQ(coarse, size, cells, size // NUMBERS_PER_CODE, 8, faiss.METRIC_INNER_PRODUCT)
    kept = {"half": faiss.ScalarQuantizer.QT_fp16, "byte": faiss.ScalarQuantizer.QT_8bit}[code]
    return faiss.IndexIVFScalarQuantizer(coarse, size, cells, kept, faiss.METRIC_INNER_PRODUCT, code == "byte")
