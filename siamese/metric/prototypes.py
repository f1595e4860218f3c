"""Labelled embeddings → one prototype per class; embeddings → their similarity to each prototype, and the nearest."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.errors import MeasurementError, ReferenceSetError
from siamese.metric.checks import require_labels, require_rows, require_unit_rows


@dataclass(frozen=True, eq=False)
class Prototypes:
    """One unit-length vector per class: `names[i]` has `vectors[i]`, (classes, embedding_size) float32.

    The nearest class mean, on the sphere (Snell, Swersky, Zemel: Prototypical networks, NeurIPS 2017). Raises
    MeasurementError when names and vectors do not fit each other or a vector is not of unit length.
    """

    names: tuple[str, ...]
    vectors: NDArray[np.float32]

    def __post_init__(self) -> None:
        require_unit_rows("prototypes", self.vectors)
        if len(self.names) != len(self.vectors) or len(set(self.names)) != len(self.names):
            raise MeasurementError(f"{len(self.vectors)} prototypes need as many different names, not {self.names}.")

    def similarities(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine similarity of unit embeddings (n, embedding_size) to every prototype, (n, classes)."""
        return embeddings @ self.vectors.T

    def nearest(self, embeddings: NDArray[np.float32]) -> NDArray[np.int64]:
        """The index of the most similar prototype for each of the embeddings (n, embedding_size), (n,)."""
        return self.similarities(embeddings).argmax(axis=1)

    def with_class(self, name: str, vector: NDArray[np.float32]) -> "Prototypes":
        """These and one more class, last; a class of that name is replaced where it stands.

        `vector`, (embedding_size,), is brought to unit length. Raises MeasurementError when it is zero.
        """
        unit = _unit(np.asarray(vector, dtype=np.float32), name)
        if name not in self.names:
            return Prototypes((*self.names, name), np.vstack([self.vectors, unit]))
        vectors = self.vectors.copy()
        vectors[self.names.index(name)] = unit
        return Prototypes(self.names, vectors)

    def without_class(self, name: str) -> "Prototypes":
        """These but one. Raises MeasurementError when there is no class of that name, or no other."""
        if name not in self.names:
            raise MeasurementError(f"There is no class «{name}». The classes are: {', '.join(self.names)}.")
        keep = [index for index, other in enumerate(self.names) if other != name]
        return Prototypes(tuple(self.names[index] for index in keep), self.vectors[keep])

    def save(self, path: str | Path) -> None:
        """Write one npz file, without pickle."""
        with Path(path).open("wb") as file:
            np.savez(file, names=np.array(self.names), vectors=self.vectors)

    @classmethod
    def load(cls, path: str | Path) -> "Prototypes":
        """Read what `save` wrote. Raises ReferenceSetError when the file is missing or holds something else."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return cls(tuple(map(str, arrays["names"])), arrays["vectors"].astype(np.float32))
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, MeasurementError) as error:
            raise ReferenceSetError(f"{path} does not hold prototypes that Semblance saved: {error}") from error


def fit_prototypes(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    weights: NDArray[np.floating] | None = None,
) -> Prototypes:
    """Per class, the mean of its embeddings (n, embedding_size), brought to unit length.

    `labels` (n,) index `names`; `weights` (n,), all above zero, say how much each counts, alike where they are left
    out. Raises MeasurementError when a class has no embedding, or theirs cancel out.
    """
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings), len(names))
    weighted = embeddings if weights is None else embeddings * weights[:, None]
    return Prototypes(
        tuple(names), np.stack([_mean(weighted[labels == index], name) for index, name in enumerate(names)])
    )


def _mean(embeddings: NDArray[np.floating], name: str) -> NDArray[np.float32]:
    if not len(embeddings):
        raise MeasurementError(
            f"No example of «{name}», so it can have no prototype. Add some, or leave the class out."
        )
    return _unit(embeddings.mean(axis=0, dtype=np.float64), name)


def _unit(vector: NDArray[np.floating], name: str) -> NDArray[np.float32]:
    length = np.linalg.norm(vector)
    if not length > np.finfo(np.float32).eps:
        raise MeasurementError(f"The examples of «{name}» have no common direction, so it can have no prototype.")
    return (vector / length).astype(np.float32)
