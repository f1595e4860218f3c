"""Views of a face, beside what they say they show."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import views
from benchmarks.views import CHOICES, SHIPPED, VIEWS, View
from siamese.faces.align import face_crop, whole_picture

TRANSFORM = np.array([[0.9, -0.2, 7.0], [0.2, 0.9, 3.0]], dtype=np.float32)


@pytest.fixture
def image() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(40, 200, (64, 64), dtype=np.uint8)


def at(transform: NDArray[np.float32], x: float, y: float) -> list[float]:
    return (transform @ [x, y, 1]).tolist()


def test_a_crop_is_moved_about_its_middle():
    nearer = views.moved(TRANSFORM, 0.5, (0, 0))
    assert at(nearer, 24, 24) == pytest.approx(at(TRANSFORM, 24, 24), abs=1e-4)
    assert at(nearer, 0, 48) == pytest.approx(at(TRANSFORM, 12, 36), abs=1e-4)
    shifted = views.moved(TRANSFORM, 1, (-2, 3))
    assert at(shifted, 10, 20) == pytest.approx(at(TRANSFORM, 8, 23), abs=1e-4)
    np.testing.assert_allclose(views.moved(TRANSFORM, 1, (0, 0)), TRANSFORM, atol=1e-5)


def test_a_shifted_crop_shows_the_same_pixels_elsewhere(image: NDArray[np.uint8]):
    picture = image[:48, :48]
    still, shifted = (View(shift=shift).crop(picture, whole_picture(48, 48)) for shift in ((0, 0), (-2, -2)))
    np.testing.assert_array_equal(shifted[4:, 4:], still[:-4, :-4])


def test_every_view_is_a_crop_and_choices_know_their_views(image: NDArray[np.uint8]):
    for view in VIEWS.values():
        crop = view.crop(image, TRANSFORM)
        assert crop.shape == (96, 96) and crop.dtype == np.uint8
    assert all(set(choice.views) <= set(VIEWS) for choice in CHOICES.values())
    np.testing.assert_array_equal(VIEWS[CHOICES[SHIPPED].views[0]].crop(image, TRANSFORM), face_crop(image, TRANSFORM))


def test_gamma_bends_brightness_and_leaves_black_and_white():
    crop = np.array([[0, 64, 128, 255]], dtype=np.uint8)
    assert views.with_gamma(crop, 2).tolist() == [[0, 16, 64, 255]]
    assert (views.with_gamma(crop, 0.5) >= crop).all()


def test_an_equalised_crop_has_all_brightnesses_alike_often(image: NDArray[np.uint8]):
    for equalise in (views.equalised, views.equalised_in_tiles):
        dark = (image[:48, :48] * 0.3).round().astype(np.uint8)
        assert np.quantile(equalise(dark), 0.95) > 200 > 60 > np.quantile(dark, 0.95)
    counts = np.histogram(views.equalised(image[:48, :48]), 4, (0, 256))[0]
    assert counts / 48**2 == pytest.approx(np.full(4, 0.25), abs=0.02)


@pytest.mark.parametrize("name", VIEWS)
def test_an_even_picture_can_be_looked_at(name: str):
    assert VIEWS[name].crop(np.full((48, 48), 77, dtype=np.uint8), whole_picture(48, 48)).shape == (96, 96)
