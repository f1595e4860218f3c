"""Labelled rows: a draw keeps each row with its label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.errors import MeasurementError
from siamese.evaluation.labelled import Labelled


@given(size=st.integers(1, 40), limit=st.integers(1, 50), seed=st.integers(0, 5))
def test_a_draw_is_of_different_rows_each_with_its_own_label(size, limit, seed):
    drawn = Labelled(np.arange(size)[:, None], np.arange(size) * 3).drawn(limit, seed)
    rows = drawn.rows[:, 0]
    assert len(drawn) == len(set(rows)) == min(size, limit)
    np.testing.assert_array_equal(drawn.labels, rows * 3)


def test_without_a_limit_all_are_kept_and_with_a_seed_a_draw_is_the_same_again():
    everything = Labelled(np.arange(20)[:, None], np.arange(20))
    assert everything.drawn(None) is everything
    np.testing.assert_array_equal(everything.drawn(5, seed=1).labels, everything.drawn(5, seed=1).labels)
    assert (everything.drawn(5, seed=1).labels != everything.drawn(5, seed=2).labels).any()


def test_rows_without_a_label_each_are_refused():
    with pytest.raises(MeasurementError, match="Expected 3 whole-number labels"):
        Labelled(np.eye(3), np.array([0, 1]))
