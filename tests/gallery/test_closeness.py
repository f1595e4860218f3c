"""When two pictures are one: correlations against numpy's, repeats among the sources."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese.gallery.closeness import (
    SAME_PICTURE,
    closest_others,
    closest_source,
    distinct,
    ellipse_radius,
    patterns,
    symmetry,
)

RNG = np.random.default_rng(0)
CROPS = RNG.integers(0, 256, (40, 48, 48), dtype=np.uint8)
FACE = ellipse_radius(48) < 1


def test_the_closest_source_is_the_one_that_numpy_correlates_with_most() -> None:
    probe = (0.6 * CROPS[17] + 0.4 * CROPS[3]).astype(np.uint8)
    correlations = [np.corrcoef(probe[FACE], crop[FACE])[0, 1] for crop in CROPS]
    row, correlation = closest_source(probe, patterns(CROPS))
    assert row == int(np.argmax(correlations)) == 17
    assert correlation == pytest.approx(max(correlations), abs=1e-5)


@given(gain=st.floats(0.3, 1), offset=st.integers(0, 60))
def test_brightness_and_contrast_do_not_hide_a_picture(gain: float, offset: int) -> None:
    changed = np.clip(CROPS[5] * gain * 0.75 + offset, 0, 255).round().astype(np.uint8)
    row, correlation = closest_source(changed, patterns(CROPS))
    assert row == 5
    assert correlation > 0.999


def test_an_even_picture_is_close_to_nothing() -> None:
    assert closest_source(np.full((48, 48), 128, np.uint8), patterns(CROPS))[1] == 0


def test_the_closest_other_is_never_the_picture_itself() -> None:
    rows = np.array([0, 7, 39])
    table = np.corrcoef(CROPS[:, FACE].astype(float))
    np.fill_diagonal(table, -1)
    np.testing.assert_allclose(closest_others(patterns(CROPS), rows), table[rows].max(axis=1), atol=1e-5)


@settings(deadline=None)
@given(order=st.permutations(range(12)))
def test_of_repeats_exactly_one_is_kept(order: list[int]) -> None:
    brighter = (CROPS[:6] * 0.5 + 100).astype(np.uint8)
    several = np.concatenate([CROPS[:6], brighter])[order]
    kept = distinct(patterns(several))
    assert sorted(order[row] % 6 for row in kept) == list(range(6))


def test_distinct_pictures_are_all_kept_and_no_two_kept_ones_repeat() -> None:
    sources = patterns(np.concatenate([CROPS, CROPS[:10]]))
    kept = distinct(sources)
    assert kept.tolist() == list(range(40))
    assert (closest_others(sources[kept], np.arange(40)) < SAME_PICTURE).all()


def test_a_mirrored_half_is_symmetric_and_noise_is_not() -> None:
    half = np.concatenate([CROPS[:, :, :24], CROPS[:, :, 23::-1]], axis=2)
    np.testing.assert_allclose(symmetry(half), 1, atol=1e-5)
    assert np.abs(symmetry(CROPS)).max() < 0.3


@pytest.mark.parametrize(("count", "alike"), [(16, 0.6), (16, 0.3), (32, 0.7)])
def test_an_honest_average_lies_where_theory_says_and_below_the_bound(count: int, alike: float) -> None:
    """√((1 + (n − 1) ρ) / n), for n pictures that share ρ of their variance."""
    common = RNG.normal(size=FACE.sum())
    pictures = np.sqrt(alike) * common + np.sqrt(1 - alike) * RNG.normal(size=(count, FACE.sum()))
    measured = [np.corrcoef(pictures.mean(axis=0), picture)[0, 1] for picture in pictures]
    expected = np.sqrt((1 + (count - 1) * alike) / count)
    assert np.mean(measured) == pytest.approx(expected, abs=0.03)
    assert expected < SAME_PICTURE
