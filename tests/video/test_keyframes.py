"""Representative frames: the published method as a slow reading of its words has it, ours on known groups."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from siamese.answers import Reading
from siamese.video.following import Sighting
from siamese.video.keyframes import LAGS, LEFT_OUT, MOST, OUTLYING, Choosing, brightness, outlying
from tests.web.readings import a_reading


def slowly(sums: list[float]) -> list[int]:
    """The published method, word by word: the numbers of the frames that represent a video."""
    inner = sums[LEFT_OUT : len(sums) - LEFT_OUT]
    farthest: dict[int, float] = {}
    for lag in LAGS:
        differences = [inner[place] - inner[place - lag] for place in range(lag, len(inner))]
        if not differences:
            continue
        middle = statistics.median(differences)
        apart = [abs(each - middle) for each in differences]
        usual = 1.4826 * statistics.median(apart)
        for place, each in enumerate(apart):
            far = each / usual if usual > 0 else (OUTLYING + each if each else 0.0)
            if far > OUTLYING:
                number = place + lag + LEFT_OUT
                farthest[number] = max(farthest.get(number, 0.0), far)
    best = sorted(farthest, key=lambda number: (-farthest[number], number))[:MOST]
    return sorted(best)


@given(
    sums=st.lists(st.integers(0, 400).map(float), max_size=160),
    jumps=st.dictionaries(st.integers(0, 159), st.integers(-90_000, 90_000), max_size=8),
)
def test_the_published_method_is_what_its_words_say(sums: list[float], jumps: dict[int, int]) -> None:
    moved = [each + sum(jump for place, jump in jumps.items() if place <= number) for number, each in enumerate(sums)]
    assert outlying(moved) == slowly(moved)


def test_it_finds_a_sudden_change_and_no_more_than_twenty_frames() -> None:
    series = np.random.default_rng(0).normal(0, 1, 200)
    series[100:] += 50
    found = outlying(series)
    assert 100 in found and set(found) <= set(range(95, 112))
    still = np.zeros(200)
    still[50::5] += np.arange(30)
    assert len(outlying(still)) == MOST
    assert outlying(np.zeros(200)) == [] and outlying([]) == [] and outlying([1.0, 2.0]) == []


def test_brightness_is_the_sum_of_the_blurred_grey() -> None:
    picture = np.zeros((30, 40, 3), np.uint8)
    picture[10:20, 15:25] = 200
    assert brightness(picture) == pytest.approx(200 * 100, rel=1e-3)  # away from the edges, a blur keeps the sum
    picture[..., 0] = 0
    assert brightness(picture) == pytest.approx(0.701 * 200 * 100, rel=1e-3)


def reading(embedding: NDArray[np.float32], confidence: float = 0.8, emotion: str = "fear") -> Reading:
    made = a_reading(emotion, confidence)
    object.__setattr__(made, "embedding", embedding / np.linalg.norm(embedding))
    return made


def around(axis: int, chance: np.random.Generator, spread: float = 0.01) -> NDArray[np.float32]:
    return (np.eye(16)[axis] + chance.normal(0, spread, 16)).astype(np.float32)


def test_each_of_some_known_looks_is_chosen_once_and_counted() -> None:
    chance, choosing = np.random.default_rng(0), Choosing(most=20)
    order = np.repeat(np.arange(6), 10)
    sure = chance.uniform(0.6, 0.9, 60)
    for number, axis in enumerate(order):
        seen = reading(around(axis, chance), sure[number])
        choosing.add(float(number), Sighting(1, seen, seen))
    chosen = choosing.chosen(7)
    best = [int(axis * 10 + sure[axis * 10 : axis * 10 + 10].argmax()) for axis in range(6)]
    assert [each.seconds for each in chosen] == best  # of each look the most confident
    assert [each.stands_for for each in chosen] == [10] * 6 and {each.face for each in chosen} == {7}


def test_no_more_are_kept_than_are_asked_for_and_all_are_counted() -> None:
    chance, choosing = np.random.default_rng(0), Choosing(most=3)
    for number in range(200):
        axis = number % 3 if number % 50 else 5 + number // 50  # three looks, and four that are seen once each
        seen = reading(around(axis, chance))
        choosing.add(float(number), Sighting(1, seen, seen))
    chosen = choosing.chosen(1)
    assert len(chosen) == 3 and sum(each.stands_for for each in chosen) == 200


def test_what_lies_between_two_expressions_is_passed_over() -> None:
    choosing = Choosing(most=9)
    one, other, between = np.eye(16, dtype=np.float32)[:3]
    ways = [one, one, one, one + between, between + other, other, other, other]
    for number, embedding in enumerate(ways):
        seen = reading(embedding, 0.9 if number in (3, 4) else 0.8)
        choosing.add(number / 10, Sighting(1, seen, seen))
    assert [(each.seconds, each.stands_for) for each in choosing.chosen(1)] == [(0.0, 2), (0.6, 2)]


def test_what_is_not_sure_or_only_a_moment_is_passed_over() -> None:
    choosing = Choosing(most=5)
    unsure = reading(np.eye(16, dtype=np.float32)[0], 0.4)
    choosing.add(0.0, Sighting(1, unsure, unsure))
    sure, other = reading(np.eye(16, dtype=np.float32)[1]), reading(np.eye(16, dtype=np.float32)[1], emotion="anger")
    choosing.add(1.0, Sighting(1, steady=other, momentary=sure))
    assert choosing.chosen(1) == []
    choosing.add(2.0, Sighting(1, sure, sure))
    (chosen,) = choosing.chosen(1)
    assert chosen.to_dict() == {
        **{"seconds": 2.0, "emotion": "fear", "confidence": 0.8, "box": [10, 10, 60, 60], "stands_for": 1}
    }
