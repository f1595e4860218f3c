"""The reference set's builder: a gallery whose first page shows every emotion."""

import numpy as np

from siamese.evaluation.reference import in_turn
from siamese.gallery.composites import Composite


def test_the_first_composites_are_one_of_each_emotion() -> None:
    face = np.zeros((48, 48), np.uint8)
    given = ["anger"] * 3 + ["fear"] * 2 + ["neutral"]
    composites = [Composite(emotion, face, face, np.arange(16), 0.8) for emotion in given]
    expected = ["anger", "fear", "neutral", "anger", "fear", "anger"]
    assert [composite.emotion for composite in in_turn(composites)] == expected
