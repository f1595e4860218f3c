"""The pyramid: what `areas` answers exactly, nearly, on what photos are like: smooth; and steady landmarks."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from siamese.faces.areas import Areas
from siamese.faces.cascade import Boxes, Cascade, _shares
from siamese.faces.pyramid import Pyramid


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade()


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).normal(size=(300, 400, 3))
    smooth = gaussian_filter(noise, (6, 6, 0))
    return (255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)


def test_copies_are_nearly_the_means_over_areas(cascade: Cascade, photo: NDArray[np.uint8]):
    pyramid, areas = cascade.pyramid(photo), Areas(photo[None])
    for height, width in ((150, 200), (106, 141), (75, 100), (20, 27)):
        assert np.abs(pyramid.scaled(height, width) - areas.scaled(height, width)).mean() < 3


@pytest.mark.parametrize("size", [24, 48])
def test_crops_of_all_sizes_are_nearly_the_means_over_areas(cascade: Cascade, photo: NDArray[np.uint8], size: int):
    pyramid: Pyramid = cascade.pyramid(photo)
    for height, width in ((150, 200), (75, 100)):
        pyramid.scaled(height, width)
    corners = np.array([[10, 20, 34, 44], [100, 50, 200, 150], [0, 0, 300, 300], [380, 280, 400, 300], [5, 6, 7, 9]])
    which = np.zeros(len(corners), np.int64)
    found, exact = pyramid.crops(which, corners, size), Areas(photo[None]).crops(which, corners, size)
    assert found.shape == exact.shape == (len(corners), 3, size, size)
    assert np.abs(found - exact).mean(axis=(1, 2, 3)).max() < 4


def test_steady_landmarks_are_the_mean_over_the_boxes_of_a_face():
    corners = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60], [0, 0, 10, 10]], np.float32)
    probability = np.array([0.9, 0.6, 0.8, 0.7], np.float32)
    boxes = Boxes(np.array([0, 0, 0, 1]), corners, probability, np.zeros((4, 4), np.float32))
    shares = _shares(boxes, np.array([0, 2, 3]))  # the second overlaps the first by 90 of 110
    np.testing.assert_allclose(shares, [[0.6, 0.4, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], atol=1e-6)


def test_no_boxes_have_no_shares():
    nothing = Boxes(np.empty(0, np.int64), *(np.empty(shape, np.float32) for shape in ((0, 4), 0, (0, 4))))
    assert _shares(nothing, np.empty(0, np.int64)).shape == (0, 0)
