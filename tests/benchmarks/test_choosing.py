"""What a choice gains, and which are picked and confirmed, where the answer is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import choosing
from benchmarks.choosing import Copies, Pick

SHIPPED, CLEAN = "shipped", "clean"


def answers(right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Probabilities of two classes, of which the first is the label of all."""
    return np.where(right[:, None], [0.8, 0.2], [0.3, 0.7])


def test_a_difference_is_paired_and_its_interval_is_that_of_paired_resamples():
    chance = np.random.default_rng(0)
    before = chance.random(600) < 0.8
    right = np.where(chance.random(600) < 0.1, ~before, before)
    found = choosing.difference(right, before)
    assert found.points == pytest.approx(100 * (right.mean() - before.mean()))
    rows = chance.integers(600, size=(4000, 600))
    drawn = 100 * (right[rows].mean(axis=1) - before[rows].mean(axis=1))
    assert found.interval == pytest.approx(np.quantile(drawn, [0.025, 0.975]).tolist(), abs=0.4)
    same = choosing.difference(before, before)
    assert (same.points, same.interval, same.helps, same.harms) == (0, (0, 0), False, False)


def test_halves_are_halves_and_mixed():
    first = choosing.halves(101)
    assert first.sum() == 50 and 15 < first[:50].sum() < 35
    np.testing.assert_array_equal(first, choosing.halves(101))


def test_an_outcome_is_of_all_and_of_each_half():
    first = choosing.halves(400)
    before = np.arange(400) % 2 == 0
    found = choosing.outcomes(
        {SHIPPED: answers(before), "better": answers(before | first)}, np.zeros(400, np.int64), SHIPPED
    )
    better = found["better"]
    assert better.accuracy == pytest.approx((before | first).mean())
    assert better.confidence == pytest.approx(np.where(before | first, 0.8, 0.7).mean())
    assert better.choosing.points == pytest.approx(100 * (~before[first]).mean()) and better.choosing.helps
    assert better.confirming.points == 0 and not better.confirming.helps
    assert found[SHIPPED].all.points == 0 and found[SHIPPED].ece == pytest.approx(0.45)


def test_what_helps_on_both_halves_and_harms_nowhere_is_confirmed():
    first = choosing.halves(400)
    before = np.arange(400) % 2 == 0
    labels = np.zeros(400, np.int64)
    clean = {SHIPPED: before, "everywhere": before, "by chance": before, "harmful": before & (np.arange(400) > 100)}
    dark = {SHIPPED: before, "everywhere": before | True, "by chance": before | first, "harmful": before | True}
    found = {
        name: Copies(0.0, choosing.outcomes({each: answers(right) for each, right in rights.items()}, labels, SHIPPED))
        for name, rights in ((CLEAN, clean), ("dark", dark))
    }
    assert choosing.picks(found, CLEAN) == [Pick("everywhere", "dark", True), Pick("by chance", "dark", False)]
