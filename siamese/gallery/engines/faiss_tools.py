"""What the FAISS engines share: rows numbered by the caller, a choice of rows, answers of one shape, files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.engines import NOTHING, Found

# Rows that a batch of queries is multiplied with at once; with FAISS's own 1,024 a batch takes ten times longer.
faiss.cvar.distance_compute_blas_database_bs = 65_536


@contextmanager
def selecting(
    parameters: faiss.SearchParameters, among: NDArray[np.int64] | None = None, without: NDArray[np.int64] | None = None
) -> Iterator[faiss.SearchParameters]:
    """The parameters with a choice of rows; it has names of its own here, since FAISS does not keep it alive."""
    if among is not None:
        chosen = faiss.IDSelectorBatch(among if without is None else np.setdiff1d(among, without))
        parameters.sel = chosen
    elif without is not None and len(without):
        dropped = faiss.IDSelectorBatch(without)
        others = faiss.IDSelectorNot(dropped)
        parameters.sel = others
    yield parameters


def found(index: faiss.Index, queries: NDArray[np.float32], k: int, parameters: faiss.SearchParameters) -> Found:
    """FAISS's answer, where what it did not find has a similarity of −1."""
    similarities, rows = index.search(np.ascontiguousarray(queries, dtype=np.float32), k, params=parameters)
    return np.where(rows == NOTHING, np.float32(-1), similarities), rows


def exact(queries: NDArray[np.float32], k: int, rows: NDArray[np.int64], embeddings: NDArray[np.float32]) -> Found:
    """The same by comparing with all of these rows (n,) and their embeddings (n, embedding_size)."""
    similarities, nearest = faiss.knn(
        np.ascontiguousarray(queries, dtype=np.float32),
        embeddings,
        min(k, len(rows)),
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    missing = ((0, 0), (0, max(0, k - len(rows))))
    return (
        np.pad(similarities, missing, constant_values=-1),
        np.pad(rows[nearest], missing, constant_values=NOTHING),
    )


def write(index: faiss.Index, path: Path) -> None:
    """Write an index in one step. Raises GalleryError where it cannot be."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        faiss.write_index(index, str(unfinished))
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:
        raise GalleryError(f"The gallery's index cannot be written to {path}: {error}") from error
    finally:
        with suppress(OSError):  # what is wrong with the place is told already
            unfinished.unlink()


def read(path: Path) -> faiss.Index:
    """Read an index. Raises GalleryError where the file is no index, or is damaged."""
    try:
        return faiss.read_index(str(path))
    except (OSError, RuntimeError) as error:
        raise GalleryError(
            f"The gallery's index in {path} is damaged. Rebuild it: `siamese gallery rebuild`."
        ) from error
