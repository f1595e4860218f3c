"""Stretched crops, beside what is expected of stretching; and the setting that asks for it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese import ExpressionService
from siamese.faces.contrast import stretched
from siamese.network.runtime import Embedder
from siamese.settings import Settings
from tests.tiny import draw_face


@pytest.fixture
def dark() -> NDArray[np.uint8]:
    """A dark crop and one darker still, in which brightness goes from 10 to 60 and from 0 to 30."""
    chance = np.random.default_rng(0)
    return np.stack([chance.integers(10, 61, (48, 48)), chance.integers(0, 31, (48, 48))]).astype(np.uint8)


def test_each_crop_goes_from_black_to_white_in_even_steps(dark: NDArray[np.uint8]) -> None:
    spread = stretched(dark)
    assert spread.shape == dark.shape and spread.dtype == np.uint8
    for before, after in zip(dark, spread, strict=True):
        low, high = np.quantile(before, [0.01, 0.99])
        expected = (255 * (before - low) / (high - low)).clip(0, 255)
        assert np.abs(after - expected).max() <= 255 / (high - low)  # one step of the dark crop
        assert after.min() == 0 and after.max() == 255


def test_light_does_not_matter_to_a_stretched_crop() -> None:
    crop = np.random.default_rng(1).integers(0, 64, (1, 48, 48)).astype(np.uint8)
    np.testing.assert_allclose(stretched(4 * crop).astype(int), stretched(crop), atol=2)


def test_a_crop_of_one_brightness_stays_and_no_crops_are_none() -> None:
    even = np.full((1, 48, 48), 77, dtype=np.uint8)
    np.testing.assert_array_equal(stretched(even), even)
    assert stretched(even[:0]).shape == (0, 48, 48)


def test_an_embedder_that_stretches_sees_stretched_crops(reference: Path, dark: NDArray[np.uint8]) -> None:
    plain, stretching = (Embedder(reference / "network.onnx", threads=1, stretch=stretch) for stretch in (False, True))
    np.testing.assert_array_equal(stretching.embed(dark), plain.embed(stretched(dark)))
    assert np.abs(stretching.embed(dark) - plain.embed(dark)).max() > 1e-3
    assert stretching.fingerprint == plain.fingerprint


def test_stretching_is_a_setting_and_not_the_default(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    face = draw_face(1, 0, 48)
    dark = (0.3 * face).astype(np.uint8)

    def similarity(service: ExpressionService) -> float:
        (bright,), (dim,) = service.recognise(face, whole=True), service.recognise(dark, whole=True)
        return float(bright.embedding @ dim.embedding)

    assert not Settings().stretch
    without = similarity(ExpressionService.load(reference))
    monkeypatch.setenv("SEMBLANCE_STRETCH", "true")
    assert similarity(ExpressionService.load(reference)) > max(without, 0.98)
