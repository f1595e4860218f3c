"""Embeddings of the faces that shall teach an expression → its prototype, and what speaks against learning it so."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.metric.checks import require_rows
from siamese.metric.prototypes import Prototypes
from siamese.metric.verification import Verification

ON_TOP = 0.9  # probability from which a prototype is held for another one again


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a few faces say of an expression, before or after it is learned from them.

    `agreements` are each face's cosine similarity to the mean of the others, none where there is one face; `nearest`
    is the expression whose prototype is the most similar to this one's, and `nearest_similarity` how similar, None
    where there is no other; `doubts` are sentences, with these figures, for the person who decides.
    """

    name: str
    prototype: NDArray[np.float32]
    agreements: tuple[float, ...]
    nearest: str | None
    nearest_similarity: float | None
    doubts: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the prototype, ready for JSON."""
        return {
            "name": self.name,
            "agreements": list(self.agreements),
            "nearest": self.nearest,
            "nearest_similarity": self.nearest_similarity,
            "doubts": list(self.doubts),
        }


def make_lesson(
    name: str,
    embeddings: NDArray[np.float32],
    others: Prototypes | None,
    verification: Verification,
    before: NDArray[np.float32] | None = None,
) -> Lesson:
    """A lesson from unit embeddings (n, embedding_size), besides those (m, embedding_size) learned `before`.

    Its prototype is the normalised mean of them all. By `verification`, there is doubt where a face and the mean of the
    others do not count as the same expression, and where two faces as alike as the prototype and its nearest would
    almost certainly be of one. Raises MeasurementError when there is no embedding.
    """
    require_rows("embeddings", embeddings)
    everything = embeddings if before is None else np.concatenate([embeddings, before])
    prototype = _unit(everything.sum(axis=0))
    agreements = _agreements(everything)[: len(embeddings)]
    nearest, similarity = None, None
    if others is not None:
        similarities = others.similarities(prototype[None])[0]
        nearest, similarity = others.names[int(similarities.argmax())], float(similarities.max())
    doubts = tuple(_doubts(agreements, nearest, similarity, verification))
    return Lesson(name, prototype, agreements, nearest, similarity, doubts)


def _agreements(embeddings: NDArray[np.float32]) -> tuple[float, ...]:
    if len(embeddings) == 1:
        return ()
    others = embeddings.sum(axis=0) - embeddings
    return tuple(float(one @ _unit(rest)) for one, rest in zip(embeddings, others, strict=True))


def _doubts(
    agreements: tuple[float, ...], nearest: str | None, similarity: float | None, verification: Verification
) -> Iterator[str]:
    for number, agreement in enumerate(agreements, start=1):
        if not verification.same(agreement):
            yield (
                f"Photo {number} is unlike the others: its similarity to their mean is {agreement:.2f}, and two faces "
                f"count as the same expression from {verification.threshold:.2f} on."
            )
    if similarity is not None and (probability := float(verification.probability(similarity))) >= ON_TOP:
        yield (
            f"It lies on top of «{nearest}»: the similarity of the two is {similarity:.2f}, and two faces so alike "
            f"show the same expression with {probability:.0%}."
        )


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / max(float(np.linalg.norm(vector)), 1e-12)
