"""What is answered of photos: faces, readings of them, comparisons and nearest examples."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.faces.detect import LANDMARKS
from siamese.gallery.items import Item


@dataclass(frozen=True, eq=False)
class FaceFound:
    """One face of a photo: box (left, top, right, bottom) in its pixels, and the aligned pictures cut from it.

    `landmarks` is (5, 2) as (x, y), or None when the picture was taken whole; `crop` (96, 96) grey is what the network
    sees; `cut` answers the same face as people see it.
    """

    box: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None
    crop: NDArray[np.uint8]
    cut: Callable[[], NDArray[np.uint8]]

    @cached_property
    def portrait(self) -> NDArray[np.uint8]:
        """The face as people see it, (160, 160, 3) RGB; cut when it is first asked for, since few who read faces do."""
        return self.cut()

    @property
    def whole_picture(self) -> bool:
        """Whether no face was detected and the whole picture was taken as one."""
        return self.landmarks is None


@dataclass(frozen=True, eq=False)
class Reading(FaceFound):
    """A face and what it shows: the emotion, how sure that is, and the comparisons it rests on.

    `probabilities` are calibrated and sum to one; `similarities` are cosines to each class's prototype; `embedding` is
    (embedding_size,) float32 of unit length.
    """

    emotion: str
    confidence: float
    probabilities: dict[str, float]
    similarities: dict[str, float]
    embedding: NDArray[np.float32]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the pictures and the embedding, ready for JSON."""
        points = None if self.landmarks is None else dict(zip(LANDMARKS, self.landmarks.tolist(), strict=True))
        return {
            "emotion": self.emotion,
            "confidence": self.confidence,
            "probabilities": self.probabilities,
            "similarities": self.similarities,
            "box": self.box.tolist(),
            "landmarks": points,
            "whole_picture": self.whole_picture,
        }


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two faces side by side: cosine similarity, probability of one expression, and the verdict at the threshold."""

    similarity: float
    probability: float
    same_expression: bool
    threshold: float
    first: Reading
    second: Reading

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "similarity": self.similarity,
            "probability": self.probability,
            "same_expression": self.same_expression,
            "threshold": self.threshold,
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
        }


@dataclass(frozen=True)
class Neighbour:
    """One example of the gallery and how similar it is (cosine); `thumbnail` is a WebP file's bytes."""

    item: Item
    similarity: float

    @property
    def emotion(self) -> str:
        """The example's label."""
        return self.item.emotion

    @property
    def thumbnail(self) -> bytes:
        """The example's picture, WebP."""
        return self.item.thumbnail

    def to_dict(self) -> dict[str, Any]:
        """Everything but the thumbnail, ready for JSON."""
        return {
            "id": self.item.id,
            "emotion": self.emotion,
            "similarity": self.similarity,
            "source": self.item.source,
            "labelled_by": self.item.labelled_by,
        }
