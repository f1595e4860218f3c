"""Smoothing: averages are the formula's, whatever comes; a label changes only when another clearly leads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from siamese.video.smoothing import Smoother, Smoothing, exponential, linear, none

frames_of_four = arrays(np.float64, st.tuples(st.integers(1, 12), st.just(4)), elements=st.floats(0.01, 1)).map(
    lambda rows: rows / rows.sum(axis=1, keepdims=True)
)
ways = st.sampled_from([none(), linear(5), exponential(7, 0.7), exponential(3, 1.0, lead=0.2)])


def averages(smoothing: Smoothing, frames: np.ndarray) -> list[np.ndarray]:
    smoother = Smoother(smoothing)
    return [smoother.add(frame)[0] for frame in frames]


def labels(smoothing: Smoothing, frames: list[list[float]]) -> list[int]:
    smoother = Smoother(smoothing)
    return [smoother.add(np.array(frame))[1] for frame in frames]


def test_without_smoothing_each_frame_stands_by_itself():
    frames = np.array([[0.9, 0.1], [0.2, 0.8]])
    np.testing.assert_allclose(averages(none(), frames), frames)


def test_linear_weights_fall_evenly():
    frames = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [0, 1]], dtype=float)
    assert averages(linear(5), frames)[-1][0] == pytest.approx((1 + 3) / 15)  # weights 1 2 3 4 5, oldest first


def test_exponential_weights_fall_by_the_strength():
    frames = np.array([[1, 0], [0, 1], [0, 1]], dtype=float)
    assert averages(exponential(3, 0.5), frames)[-1][0] == pytest.approx(0.25 / 1.75)


@given(frames_of_four, ways)
def test_averages_are_the_weighted_sums_over_the_last_frames(frames, smoothing):
    for now, average in enumerate(averages(smoothing, frames)):
        pairs = [(weight, frames[now - age]) for age, weight in enumerate(smoothing.weights) if age <= now]
        total = sum(weight for weight, _ in pairs)
        by_hand = [sum(weight * frame[column] for weight, frame in pairs) / total for column in range(4)]
        np.testing.assert_allclose(average, by_hand)


@given(frames_of_four, ways)
def test_averages_are_probabilities(frames, smoothing):
    for average in averages(smoothing, frames):
        assert average.sum() == pytest.approx(1)
        assert (average >= 0).all()


@given(frames_of_four)
def test_without_a_lead_the_label_is_the_most_probable(frames):
    smoother = Smoother(exponential(7, 0.7))
    for frame in frames:
        average, label = smoother.add(frame)
        assert average[label] == average.max()


def test_another_label_needs_the_lead():
    close, clear = [0.48, 0.52], [0.4, 0.6]
    assert labels(Smoothing(lead=0.1), [[0.6, 0.4], close, close, clear, close, [0.52, 0.48]]) == [0, 0, 0, 1, 1, 1]


def test_where_a_class_was_taught_meanwhile_it_begins_anew():
    smoother = Smoother(exponential(7, 0.7, lead=0.5))
    smoother.add(np.array([1.0, 0.0]))
    average, label = smoother.add(np.array([0.1, 0.2, 0.7]))
    np.testing.assert_allclose(average, [0.1, 0.2, 0.7])
    assert label == 2
