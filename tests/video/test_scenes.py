"""Scenes: a film cuts where a frame's pixels hardly correlate with those of the frame before."""

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.scenes import swaying
from siamese.video.scenes import Scenes, miniature


def shapes(seed: int) -> NDArray[np.uint8]:
    """A grey picture (64, 96) of sixteen by sixteen even fields."""
    fields = np.random.default_rng(seed).integers(60, 180, (16, 16), np.uint8)
    return np.repeat(np.repeat(fields, 4, axis=0), 6, axis=1)


def coloured(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(picture[..., None], 3, axis=2)


def test_the_inner_product_of_miniatures_is_their_correlation() -> None:
    one, other = shapes(0), shapes(1)
    expected = np.corrcoef(one[::4, ::6].ravel(), other[::4, ::6].ravel())[0, 1]
    assert miniature(one) @ miniature(other) == pytest.approx(expected, abs=1e-3)
    assert miniature(coloured(one)) @ miniature(other) == pytest.approx(expected, abs=1e-3)


@given(seed=st.integers(0, 1000), gain=st.floats(0.3, 1.4), light=st.integers(-15, 0))
def test_exposure_makes_no_cut(seed: int, gain: float, light: int) -> None:
    picture = shapes(seed)
    exposed = np.clip(gain * picture + light, 0, 255).astype(np.uint8)
    assert miniature(picture) @ miniature(exposed) > 0.99


def test_an_even_picture_is_like_none() -> None:
    assert not miniature(np.full((48, 64, 3), 90, np.uint8)).any()


def test_another_picture_is_a_cut_and_the_first_is_none(astronaut: NDArray[np.uint8]) -> None:
    scenes, cat = Scenes(least=0.8), skimage.data.chelsea()
    assert [scenes.cut(frame) for frame in (astronaut, astronaut, cat, cat, astronaut)] == [
        False,
        False,
        True,
        False,
        True,
    ]


def test_a_picture_that_moves_is_no_cut(astronaut: NDArray[np.uint8]) -> None:
    scenes = Scenes(least=0.8)
    assert not any(scenes.cut(frame) for frame in swaying(astronaut, 640, 480, frames=24))


def test_frames_of_another_size_may_show_the_same_scene(astronaut: NDArray[np.uint8]) -> None:
    scenes = Scenes(least=0.8)
    assert not scenes.cut(astronaut) and not scenes.cut(astronaut[::2, ::2])


def test_cuts_need_not_be_sought(astronaut: NDArray[np.uint8]) -> None:
    scenes = Scenes(least=-1)
    assert not any(scenes.cut(frame) for frame in (astronaut, 255 - astronaut, astronaut))
