"""Thumbnails are small WebP pictures of the portrait."""

import numpy as np
import pytest

from siamese.gallery import thumbnails


@pytest.mark.parametrize(
    ("shape", "expected"), [((320, 320, 3), (160, 160)), ((400, 200), (160, 80)), ((48, 48), (48, 48))]
)
def test_large_portraits_shrink_and_small_ones_stay(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    encoded = thumbnails.encode(np.full(shape, 90, np.uint8))
    assert encoded[8:12] == b"WEBP"
    assert thumbnails.decode(encoded).shape == (*expected, 3)


def test_grey_levels_survive() -> None:
    ramp = np.tile(np.arange(160, dtype=np.uint8), (160, 1))
    assert np.abs(thumbnails.decode(thumbnails.encode(ramp))[:, :, 1].astype(int) - ramp).mean() < 3
