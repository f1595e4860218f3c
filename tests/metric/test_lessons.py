"""What a few faces say of an expression: the mean, how they agree, and what it lies on top of."""

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.errors import MeasurementError
from siamese.metric.lessons import make_lesson
from siamese.metric.prototypes import Prototypes
from siamese.metric.verification import Verification

VERIFICATION = Verification(0.4, 5.0, -2.0, 0.5, 0.1, 0.1, 0.1)  # 90 % from a similarity of 0.84 on
OTHERS = Prototypes(("neutral", "fear"), np.eye(4, dtype=np.float32)[:2])


def at(*degrees: float) -> NDArray[np.float32]:
    """Unit vectors in the plane of the third and fourth axis, (n, 4)."""
    angles = np.deg2rad(degrees)
    flat = np.zeros_like(angles)
    return np.stack([flat, flat, np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_prototype_is_the_normalised_mean() -> None:
    lesson = make_lesson("smirk", at(0, 30, 50), OTHERS, VERIFICATION)
    mean = at(0, 30, 50).mean(axis=0)
    np.testing.assert_allclose(lesson.prototype, mean / np.linalg.norm(mean), atol=1e-6)
    assert (lesson.nearest_similarity, lesson.doubts) == (0, ())


def test_each_face_is_compared_with_the_mean_of_the_others() -> None:
    lesson = make_lesson("smirk", at(-10, 10, 100), OTHERS, VERIFICATION)
    assert lesson.agreements[2] == pytest.approx(np.cos(np.deg2rad(100)))
    assert len(lesson.doubts) == 1
    assert "Photo 3 is unlike the others: its similarity to their mean is -0.17" in lesson.doubts[0]
    assert "from 0.40 on" in lesson.doubts[0]


def test_one_face_has_nothing_to_agree_with() -> None:
    assert make_lesson("smirk", at(5), OTHERS, VERIFICATION).agreements == ()


@pytest.mark.parametrize(("similarity", "doubted"), [(0.83, False), (0.85, True)])
def test_a_prototype_on_top_of_another_is_doubted(similarity: float, doubted: bool) -> None:
    face = np.array([[0, similarity, (1 - similarity**2) ** 0.5, 0]], np.float32)
    lesson = make_lesson("smirk", face, OTHERS, VERIFICATION)
    assert (lesson.nearest, lesson.nearest_similarity) == ("fear", pytest.approx(similarity))
    assert [doubt.startswith("It lies on top of «fear»") for doubt in lesson.doubts] == [True] * doubted


def test_what_was_learned_before_counts_and_is_not_judged_again() -> None:
    before, more = at(0, 10), at(100)
    lesson = make_lesson("smirk", more, None, VERIFICATION, before)
    mean = np.concatenate([before, more]).mean(axis=0)
    np.testing.assert_allclose(lesson.prototype, mean / np.linalg.norm(mean), atol=1e-6)
    assert lesson.agreements == (pytest.approx(np.cos(np.deg2rad(95))),)
    assert (lesson.nearest, len(lesson.doubts)) == (None, 1)
    assert lesson.to_dict()["agreements"] == list(lesson.agreements)


def test_a_lesson_needs_a_face() -> None:
    with pytest.raises(MeasurementError):
        make_lesson("smirk", at(), OTHERS, VERIFICATION)
