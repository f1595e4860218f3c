"""Areas: the means that PyTorch's «area» interpolation gives, of whole photos and of any crops of them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from siamese.faces.areas import Areas


def random_photos(n: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, height, width, 3), dtype=np.uint8)


def pytorch_area(photos: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float64]:
    channels_first = torch.from_numpy(photos.astype(np.float64)).permute(0, 3, 1, 2)
    return F.interpolate(channels_first, (height, width), mode="area").numpy()


sides = st.integers(1, 30)


@given(sides, sides, sides, sides, st.integers(0, 9))
def test_a_scaled_photo_is_pytorchs(height: int, width: int, new_height: int, new_width: int, seed: int):
    photos = random_photos(2, height, width, seed)
    result = Areas(photos).scaled(new_height, new_width)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, pytorch_area(photos, new_height, new_width), rtol=1e-5)


@given(st.data(), st.integers(1, 50))
def test_each_crop_is_pytorchs(data: st.DataObject, size: int):
    photos = random_photos(2, 40, 30)
    left, top = data.draw(st.integers(0, 29)), data.draw(st.integers(0, 39))
    right, bottom = data.draw(st.integers(left + 1, 30)), data.draw(st.integers(top + 1, 40))
    corners = np.array([[left, top, right, bottom], [0, 0, 30, 40]])
    first, whole = Areas(photos).crops(np.array([1, 0]), corners, size)
    np.testing.assert_allclose(first, pytorch_area(photos[1:, top:bottom, left:right], size, size)[0], rtol=1e-5)
    np.testing.assert_allclose(whole, pytorch_area(photos[:1], size, size)[0], rtol=1e-5)


def test_values_between_whole_numbers_are_kept():
    photos = np.full((1, 6, 6, 3), 100.25, np.float32)
    np.testing.assert_array_equal(Areas(photos).scaled(3, 2), np.full((1, 3, 3, 2), 100.25, np.float32))


@pytest.mark.parametrize("value", [1, 254, 255])
def test_windows_of_more_pixels_than_a_channel_has_room_for_are_right(value: int):
    photos = np.full((1, 4200, 4100, 3), value, np.uint8)  # of 255, they sum to 4.39e9, of 2**21 that there is room for
    areas = Areas(photos)
    assert (areas.scaled(7, 5) == value).all()
    corners = np.array([[4000, 4100, 4100, 4200], [0, 0, 4100, 4200], [17, 4, 900, 4199]])
    rows = slice(0, 1 if value == 255 else 3)
    means = areas.crops(np.zeros(3, np.int64)[rows], corners[rows], 24)
    np.testing.assert_allclose(means, value, rtol=1e-6)


def test_channels_do_not_flow_over_into_each_other():
    photos = np.zeros((1, 300, 200, 3), np.uint8)
    photos[..., 1] = 255
    means = Areas(photos).scaled(1, 1)
    np.testing.assert_array_equal(means[0, :, 0, 0], [0, 255, 0])
