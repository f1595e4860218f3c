"""Each way to spoil an image, beside what its definition says of it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import spoiling
from benchmarks.spoiling import CLEAN, SPOILINGS


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def images() -> NDArray[np.uint8]:
    """Forty images of 12×16 pixels, none of which is the grey that hides a half."""
    drawn = np.random.default_rng(1).integers(0, 256, (40, 12, 16), dtype=np.uint8)
    return np.where(drawn == spoiling.HIDDEN, np.uint8(0), drawn)


@pytest.mark.parametrize("name", SPOILINGS)
def test_copies_are_images_of_the_same_shape_and_the_same_from_the_same_seed(name: str, images: NDArray[np.uint8]):
    before = images.copy()
    first, second = (SPOILINGS[name](images, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == images.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(images, before)
    assert np.array_equal(first, images) == (name == CLEAN)


def test_light_is_multiplied_and_lost_above_white():
    image = np.array([[[0, 10, 100, 200, 255]]], dtype=np.uint8)
    assert spoiling.lit(image, 0.3).tolist() == [[[0, 3, 30, 60, 76]]]
    assert spoiling.lit(image, 1.8).tolist() == [[[0, 18, 180, 255, 255]]]


def test_a_blurred_point_is_a_gaussian_and_keeps_its_light():
    image = np.zeros((1, 31, 31), dtype=np.uint8)
    image[0, 15, 15] = 255
    blurred = spoiling.blurred(np.repeat(image, 2, axis=0), deviation=1.0)
    away = np.arange(-15, 16)
    expected = 255 / (2 * np.pi) * np.exp(-(away[:, None] ** 2 + away**2) / 2)
    assert np.abs(blurred - expected).max() < 1
    np.testing.assert_array_equal(blurred[0], blurred[1])


def test_noise_has_its_deviation_and_no_direction(chance: np.random.Generator):
    noise = spoiling.noisy(np.full((20, 48, 48), 128, dtype=np.uint8), chance, deviation=10).astype(float) - 128
    assert noise.mean() == pytest.approx(0, abs=0.2) and noise.std() == pytest.approx(10, abs=0.2)
    assert not np.array_equal(noise[0], noise[1])


def test_a_quarter_turn_moves_every_pixel_to_where_it_belongs(images: NDArray[np.uint8]):
    square = images[:, :12, :12]
    np.testing.assert_array_equal(spoiling.turned(square, 90), np.rot90(square, axes=(1, 2)))
    np.testing.assert_array_equal(spoiling.turned(square, -90), np.rot90(square, -1, axes=(1, 2)))
    even = np.full((1, 12, 12), 90, dtype=np.uint8)
    np.testing.assert_array_equal(spoiling.turned(even, 20), even)  # no corner is filled with black


def test_images_are_turned_to_either_side(images: NDArray[np.uint8], chance: np.random.Generator):
    left, right = spoiling.turned(images, 20), spoiling.turned(images, -20)
    turned = spoiling.turned_either_way(images, chance, 20)
    to_the_left = (turned == left).all(axis=(1, 2))
    np.testing.assert_array_equal(turned[~to_the_left], right[~to_the_left])
    assert 5 < to_the_left.sum() < 35


def test_exactly_one_half_is_hidden_and_every_half_of_some(images: NDArray[np.uint8], chance: np.random.Generator):
    spoiled = spoiling.half_hidden(images, chance)
    hidden = spoiled == spoiling.HIDDEN
    np.testing.assert_array_equal(spoiled[~hidden], images[~hidden])
    sides = {"left": np.s_[:, :8], "right": np.s_[:, 8:], "upper": np.s_[:6], "lower": np.s_[6:]}
    found = [next(side for side, half in sides.items() if each[half].all() and each.sum() == 96) for each in hidden]
    assert set(found) == set(sides)
