"""Faces that a person has named → expressions known beside the built-in ones, kept in the gallery as its examples."""

import hashlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from siamese.errors import TeachingError
from siamese.gallery.build import Embedded
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Wanted
from siamese.metric.prototypes import Prototypes

TEACHING = "teaching"

_THE_SAME = 1 - 1e-5  # cosine similarity from which two embeddings are those of one picture


def taught(gallery: Gallery) -> tuple[str, ...]:
    """The expressions that were taught, by name."""
    return tuple(gallery.store.counts("emotion", Wanted(labelled_by=TEACHING)))


def with_taught(gallery: Gallery, built_in: Prototypes) -> Prototypes:
    """The built-in prototypes, and one for each taught expression: the mean of its examples."""
    prototypes = built_in
    with gallery.store.snapshot():  # another process may forget one meanwhile
        faces = {name: faces_of(gallery, name) for name in taught(gallery)}
    for name, each in faces.items():
        prototypes = prototypes.with_class(name, each.mean(axis=0))
    return prototypes


def faces_of(gallery: Gallery, name: str) -> NDArray[np.float32]:
    """The embeddings (n, embedding_size) that an expression was taught from."""
    return gallery.store.embeddings(_rows(gallery, name))


def require_new(faces: NDArray[np.float32], before: NDArray[np.float32] | None, name: str) -> None:
    """Refuse a picture that would only agree with itself, by the embeddings of faces (n, size) and of those `before`.

    Raises TeachingError, with the photos' numbers from 1, where one comes twice or has taught this expression already.
    """
    for number, face in enumerate(faces, start=1):
        twins = np.flatnonzero(faces[: number - 1] @ face >= _THE_SAME)
        if len(twins):
            raise TeachingError(f"Photo {number} shows what photo {twins[0] + 1} shows. Leave one of them out.")
        if before is not None and (before @ face >= _THE_SAME).any():
            raise TeachingError(f"Photo {number} is one that «{name}» was taught from before. Leave it out.")


def keep(gallery: Gallery, name: str, faces: Embedded) -> None:
    """Add faces as examples of a taught expression; one that the gallery holds under another label keeps that too."""
    items = [replace(item, id=_own_id(item.id, name)) for item in faces.items]
    gallery.add(items, faces.embeddings, faces.crops)


def rename(gallery: Gallery, name: str, new: str) -> None:
    """Call a taught expression by another name."""
    gallery.store.relabel(_ids(gallery, name), new, TEACHING)


def forget(gallery: Gallery, name: str) -> None:
    """Remove a taught expression, with the faces it was taught from."""
    gallery.remove(_ids(gallery, name))


def _own_id(face: str, name: str) -> str:
    """The id of a face as an example of this expression, so that forgetting it takes nothing else away."""
    return hashlib.sha256(f"{name} {face}".encode()).hexdigest()[: len(face)]


def _rows(gallery: Gallery, name: str) -> NDArray[np.int64]:
    return gallery.store.rows(Wanted(emotion=name, labelled_by=TEACHING))


def _ids(gallery: Gallery, name: str) -> list[str]:
    return [item.id for item in gallery.store.items(_rows(gallery, name)).values()]
