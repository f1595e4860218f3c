"""Readings made by hand, for tests of what is drawn from them."""

import numpy as np

from siamese.answers import Reading
from siamese.vocabulary import EMOTIONS


def a_reading(
    emotion: str,
    confidence: float = 0.65,
    box: tuple[float, float, float, float] = (10, 10, 60, 60),
    whole: bool = False,
) -> Reading:
    """A grey face that shows this emotion, the other emotions equally unlikely."""
    others = (1 - confidence) / (len(EMOTIONS) - 1)
    landmarks = None if whole else np.array([[20, 25], [45, 25], [32, 35], [22, 48], [43, 48]], dtype=np.float32)
    return Reading(
        box=np.array(box, dtype=np.float32),
        landmarks=landmarks,
        crop=np.full((48, 48), 128, dtype=np.uint8),
        cut=lambda: np.full((160, 160, 3), 128, dtype=np.uint8),
        emotion=emotion,
        confidence=confidence,
        probabilities={name: confidence if name == emotion else others for name in EMOTIONS},
        similarities={name: 0.8 if name == emotion else -0.1 for name in EMOTIONS},
        embedding=np.eye(1, 128, dtype=np.float32)[0],
    )
