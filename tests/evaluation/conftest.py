"""A made-up set of embeddings with known labels, judged as a real one would be."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.metric.calibration import Calibration, fit_calibration
from siamese.metric.prototypes import Prototypes, fit_prototypes
from siamese.metric.verification import Verification, fit_verification

NAMES = ("calm", "glad", "cross", "sly")


@dataclass(frozen=True)
class Judged:
    """Test embeddings and labels, and the parts fitted on other embeddings of the same kind."""

    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]
    prototypes: Prototypes
    calibration: Calibration
    offset_calibration: Calibration
    verification: Verification


@pytest.fixture(scope="session")
def judged() -> Judged:
    random = np.random.default_rng(0)
    centres = random.normal(size=(len(NAMES), 16))

    def draw(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        labels = random.choice(len(NAMES), size=count, p=[0.5, 0.3, 0.15, 0.05])
        vectors = centres[labels] + 1.5 * random.normal(size=(count, 16))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels

    prototypes = fit_prototypes(*draw(500), NAMES)
    embeddings, labels = draw(500)
    similarities = prototypes.similarities(embeddings)
    return Judged(
        *draw(400),
        prototypes,
        fit_calibration(similarities, labels),
        fit_calibration(similarities, labels, offsets=True),
        fit_verification(embeddings, labels),
    )
