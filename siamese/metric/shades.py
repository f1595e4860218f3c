"""Unit embeddings and each class's shades → their nearest class and shade, and the examples that show a shade best."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.errors import MeasurementError, ReferenceSetError
from siamese.metric.checks import require_labels, require_rows, require_unit_rows

TOP = 16


@dataclass(frozen=True, eq=False)
class Shades:
    """The unit-length sub-prototypes of each class: `names[i]` has `vectors[i]`, (shades, embedding_size) float32.

    Raises MeasurementError when names and vectors do not fit each other or a vector is not of unit length.
    """

    names: tuple[str, ...]
    vectors: tuple[NDArray[np.float32], ...]

    def __post_init__(self) -> None:
        if not self.names or len(self.names) != len(self.vectors) or len(set(self.names)) != len(self.names):
            raise MeasurementError(f"Shades of {len(self.vectors)} classes need as many different names: {self.names}.")
        for vectors in self.vectors:
            require_unit_rows("sub-prototypes", vectors)
            require_rows("sub-prototypes", vectors, self.vectors[0].shape[1])

    def similarities(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine similarity of unit embeddings (n, embedding_size) to each class's nearest shade, (n, classes)."""
        return np.stack([(embeddings @ vectors.T).max(axis=1) for vectors in self.vectors], axis=1)

    def nearest(self, embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
        """The index of the class with the most similar shade for each of the embeddings (n, embedding_size), (n,)."""
        return self.similarities(embeddings).argmax(axis=1)

    def shade_of(self, embeddings: NDArray[np.float32], name: str) -> NDArray[np.int64]:
        """Which of this class's shades is the most similar to each of the embeddings (n, embedding_size), (n,).

        Raises MeasurementError when there is no class of that name.
        """
        if name not in self.names:
            raise MeasurementError(f"There is no class «{name}». The classes are: {', '.join(self.names)}.")
        return (embeddings @ self.vectors[self.names.index(name)].T).argmax(axis=1)

    def save(self, path: str | Path) -> None:
        """Write one npz file, without pickle."""
        counts = np.array([len(vectors) for vectors in self.vectors])
        with Path(path).open("wb") as file:
            np.savez(file, names=np.array(self.names), counts=counts, vectors=np.concatenate(self.vectors))

    @classmethod
    def load(cls, path: str | Path) -> "Shades":
        """Read what `save` wrote. Raises ReferenceSetError when the file is missing or holds something else."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                ends = np.cumsum(arrays["counts"])
                if ends[-1] != len(arrays["vectors"]):
                    raise ValueError(f"{len(arrays['vectors'])} sub-prototypes instead of {ends[-1]}")
                vectors = np.split(arrays["vectors"].astype(np.float32), ends[:-1])
                return cls(tuple(map(str, arrays["names"])), tuple(vectors))
        except (OSError, EOFError, LookupError, TypeError, ValueError, zipfile.BadZipFile, MeasurementError) as error:
            raise ReferenceSetError(f"{path} does not hold shades that Semblance saved: {error}") from error


def medoids(
    shades: Shades, embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[NDArray[np.int64], ...]:
    """Per class, the row of each shade's medoid, (shades,): of its embeddings, the one most similar to all of them.

    Raises MeasurementError when a shade has none of the unit embeddings (n, embedding_size) with `labels` (n,).
    """
    return tuple(
        np.array([_medoid(embeddings, rows[members == shade], name) for shade in range(len(vectors))])
        for name, vectors, rows, members in _classes(shades, embeddings, labels)
    )


def closest(
    shades: Shades, embeddings: NDArray[np.float32], labels: NDArray[np.int64], top: int = TOP
) -> tuple[NDArray[np.int64], ...]:
    """Per class, the `top` rows (or as many as it has) most similar to each of its shades, (shades, rows), best first.

    Of unit embeddings (n, embedding_size) with `labels` (n,), which index the shades' names.
    """
    return tuple(
        rows[np.argsort(-(vectors @ embeddings[rows].T), axis=1, kind="stable")[:, :top]]
        for _, vectors, rows, _ in _classes(shades, embeddings, labels)
    )


def _classes(
    shades: Shades, embeddings: NDArray[np.float32], labels: NDArray[np.int64]
) -> list[tuple[str, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]]:
    """Of each class: its name, its sub-prototypes, its rows, and which shade each of them belongs to."""
    require_rows("embeddings", embeddings, shades.vectors[0].shape[1])
    require_labels(labels, len(embeddings), len(shades.names))
    rows_of = [np.flatnonzero(labels == index) for index in range(len(shades.names))]
    return [
        (name, vectors, rows, shades.shade_of(embeddings[rows], name))
        for name, vectors, rows in zip(shades.names, shades.vectors, rows_of, strict=True)
    ]


def _medoid(embeddings: NDArray[np.float32], rows: NDArray[np.int64], name: str) -> np.int64:
    if not len(rows):
        raise MeasurementError(f"A shade of «{name}» has no example among these. Give those that it was fitted on.")
    members = embeddings[rows].astype(np.float64)
    return rows[(members @ members.sum(axis=0)).argmax()]
