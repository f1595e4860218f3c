"""Tracking: a face keeps its number while it moves, others get their own, and what was gone too long is forgotten."""

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from siamese.video.tracking import Seen, Tracker

SAME_LOOK = 0.9
ONE, OTHER, LIKE_ONE = [1.0, 0.0], [0.0, 1.0], [0.95, 0.31]  # looks; the last is like the first by 0.95


def square(x: float, y: float, side: float = 100) -> list[float]:
    return [x, y, x + side, y + side]


def tracker_for(memory: float) -> Tracker:
    return Tracker(memory, SAME_LOOK)


def update(
    tracker: Tracker,
    faces: list[list[float]],
    seconds: float,
    embeddings: list[list[float]] | None = None,
    looks: list[list[float]] | None = None,
    scene: int = 0,
) -> list[int]:
    each = zip(faces, embeddings or [ONE] * len(faces), looks or [ONE] * len(faces), strict=True)
    return tracker.update([Seen(*(np.array(part, np.float32) for part in face)) for face in each], seconds, scene)


def test_a_face_that_moves_keeps_its_number():
    tracker = tracker_for(2)
    assert [update(tracker, [square(10 * step, 0)], step / 10) for step in range(20)] == [[1]] * 20


def test_the_order_in_which_faces_come_does_not_matter():
    tracker = tracker_for(2)
    left, right = square(0, 0), square(300, 0, 90)
    assert update(tracker, [left, right], 0) == [1, 2]
    assert update(tracker, [right, left], 0.1) == [2, 1]


def test_a_face_elsewhere_is_another():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0)], 0) == [1]
    assert update(tracker, [square(500, 0)], 0.1) == [2]


def test_a_face_of_another_size_in_the_same_place_is_another():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0, 100)], 0) == [1]
    assert update(tracker, [square(-150, -150, 400)], 0.1) == [2]


def test_a_face_that_was_hidden_for_a_moment_is_the_same_and_after_long_another():
    tracker = tracker_for(1)
    face = [square(0, 0)]
    assert update(tracker, face, 0) == [1]
    assert update(tracker, [square(900, 0)], 0.5) == [2]
    assert update(tracker, face, 0.9) == [1]
    assert update(tracker, face, 2.0) == [3]


def test_where_places_say_little_embeddings_decide():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0), square(40, 0)], 0, [ONE, OTHER]) == [1, 2]
    assert update(tracker, [square(20, 1), square(20, -1)], 0.1, [OTHER, ONE]) == [2, 1]


def test_a_face_that_changes_its_expression_at_once_is_the_same():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0)], 0, [[1.0, 0.0]]) == [1]
    assert update(tracker, [square(30, 10, 120)], 0.1, [[-1.0, 0.0]]) == [1]


def test_within_a_scene_looks_do_not_matter():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0)], 0, looks=[ONE]) == [1]
    assert update(tracker, [square(5, 0)], 0.1, looks=[OTHER]) == [1]


def test_after_a_cut_somebody_else_in_the_same_place_is_another():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0)], 0, looks=[ONE]) == [1]
    assert update(tracker, [square(0, 0)], 0.1, looks=[OTHER], scene=1) == [2]
    assert update(tracker, [square(5, 0)], 0.2, looks=[OTHER], scene=1) == [2]


def test_after_a_cut_the_same_face_is_known_wherever_it_is():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0)], 0, looks=[ONE]) == [1]
    assert update(tracker, [square(900, 50, 300)], 0.1, looks=[LIKE_ONE], scene=1) == [1]


def test_who_comes_later_in_a_scene_is_not_who_was_there_before_the_cut():
    tracker = tracker_for(2)
    assert update(tracker, [square(0, 0)], 0, looks=[ONE]) == [1]
    assert update(tracker, [square(500, 0)], 0.1, looks=[OTHER], scene=1) == [2]
    assert update(tracker, [square(500, 0), square(0, 0)], 0.2, looks=[OTHER, OTHER], scene=1) == [2, 3]


def test_two_who_talk_in_turns_keep_their_numbers_while_they_are_remembered():
    tracker = tracker_for(2)
    turns = [
        update(tracker, [square(0, 0)], turn, looks=[ONE if turn % 2 == 0 else OTHER], scene=turn) for turn in range(6)
    ]
    assert turns == [[1], [2]] * 3


def test_after_a_cut_those_are_matched_who_look_most_alike():
    tracker = tracker_for(2)
    near_one, near_both = [0.99, 0.14], [0.93, 0.37]
    assert update(tracker, [square(0, 0), square(300, 0)], 0, looks=[ONE, LIKE_ONE]) == [1, 2]
    assert update(tracker, [square(0, 0), square(300, 0)], 0.1, looks=[near_both, near_one], scene=1) == [2, 1]


def test_no_faces_have_no_numbers():
    tracker = tracker_for(2)
    assert update(tracker, [], 0) == []
    assert update(tracker, [square(0, 0)], 0.1) == [1]
    assert update(tracker, [], 0.2) == []


@given(st.permutations(range(4)), st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=4, max_size=4))
def test_faces_are_matched_so_that_all_together_moved_least(order, moves):
    """Against every assignment there is."""
    tracker = tracker_for(2)
    before = [square(60 * index, 0) for index in range(4)]
    assert update(tracker, before, 0) == [1, 2, 3, 4]
    after = [square(60 * index + dx, dy) for index, (dx, dy) in zip(order, moves, strict=True)]
    numbers = update(tracker, after, 0.1)

    def moved(assignment) -> float:
        return sum(np.hypot(after[k][0] - before[j][0], after[k][1] - before[j][1]) for k, j in enumerate(assignment))

    least = min(moved(each) for each in permutations(range(4)))
    assert moved([number - 1 for number in numbers]) <= least + 1e-3
