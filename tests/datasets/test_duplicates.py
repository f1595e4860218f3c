"""Near-copies: pairs whose pixels correlate, upright or mirrored, as a plain loop over all pairs finds them."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from siamese.datasets import duplicates
from siamese.datasets.duplicates import copies_of, groups, near_copies, repeats, shrunk, table
from siamese.datasets.samples import Samples
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face


def noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 5), dtype=np.uint8)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return max(np.corrcoef(a.ravel(), b.ravel())[0, 1], np.corrcoef(a[:, ::-1].ravel(), b.ravel())[0, 1])


def by_loop(images: np.ndarray, others: np.ndarray, threshold: float) -> set[tuple[int, int]]:
    return {(i, j) for i, a in enumerate(images) for j, b in enumerate(others) if correlation(a, b) >= threshold}


@pytest.mark.parametrize("block", [1, 4, 512])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.9])
def test_pairs_are_those_of_a_loop_however_the_images_are_cut(
    block: int, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "_BLOCK", block)
    images, others = noise(17), np.concatenate([noise(5, seed=1), noise(17)[[3]], noise(17)[[4], :, ::-1]])
    pairs, _ = near_copies(images, others, threshold)
    assert set(map(tuple, pairs.tolist())) == by_loop(images, others, threshold)
    assert {(3, 5), (4, 6)} <= set(map(tuple, pairs.tolist()))
    within, _ = near_copies(images, threshold=threshold)
    assert set(map(tuple, within.tolist())) == {(i, j) for i, j in by_loop(images, images, threshold) if i < j}


@given(st.floats(0.2, 1.5), st.floats(0, 60))
def test_brightness_and_contrast_make_no_difference(contrast: float, brightness: float) -> None:
    image = noise(1) // 2  # so that nothing is clipped
    changed = (image * contrast + brightness).astype(np.uint8)
    pairs, correlations = near_copies(image, changed, 0.99)
    assert pairs.tolist() == [[0, 0]]
    assert correlations[0] == pytest.approx(1, abs=0.01)


def test_an_image_of_one_shade_has_no_copies() -> None:
    for side in (6, 112):
        blank = np.full((2, side, side), 90, np.uint8)
        assert near_copies(blank)[0].shape == (0, 2)
        assert not copies_of(blank, blank).any()


def drawn_faces(side: int) -> np.ndarray:
    """One of each expression, each in its own shade and place, grey (8, side, side)."""
    faces = [Image.fromarray(draw_face(label, label, side)).convert("L") for label in range(len(EMOTIONS))]
    return np.stack([np.asarray(face) for face in faces])


@pytest.mark.parametrize("side", [48, 112, 224])
def test_a_slightly_noisy_copy_is_found_and_another_face_is_not_whatever_the_size(side: int) -> None:
    faces = drawn_faces(side)
    noisy = np.clip(faces + np.random.default_rng(0).normal(0, 5, faces.shape), 0, 255).astype(np.uint8)
    assert near_copies(faces, noisy)[0].tolist() == [[face, face] for face in range(len(faces))]
    assert near_copies(faces, noisy[:, :, ::-1])[0].tolist() == [[face, face] for face in range(len(faces))]
    assert near_copies(faces)[0].tolist() == []


@pytest.mark.parametrize(("height", "width"), [(96, 144), (112, 112), (49, 224), (30, 112)])
def test_larger_images_are_compared_by_the_means_of_areas(height: int, width: int) -> None:
    """Each pixel is cut into as many parts as the small image has pixels a side, so that whole parts are averaged."""
    images = np.random.default_rng(0).integers(0, 256, (4, height, width), dtype=np.uint8)
    small_height, small_width = min(height, 48), min(width, 48)
    parts = images.repeat(small_height, axis=1).repeat(small_width, axis=2)
    means = parts.reshape(4, small_height, height, small_width, width).mean(axis=(2, 4))
    np.testing.assert_allclose(shrunk(images), means, atol=0.5001)  # rounded
    pairs, correlations = near_copies(images, threshold=-1)
    expected = [correlation(means[i], means[j]) for i, j in pairs]
    assert len(pairs) == 6
    np.testing.assert_allclose(correlations, expected, atol=0.01)


def test_images_of_48_pixels_are_compared_as_they_are() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 48, 48), dtype=np.uint8)
    assert shrunk(images) is images
    assert shrunk(noise(3)).shape == (3, 6, 5)


def test_large_images_are_never_all_held_as_floats() -> None:
    images = np.random.default_rng(0).integers(0, 256, (600, 224, 224), dtype=np.uint8)
    tracemalloc.start()
    try:
        near_copies(images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < images.nbytes  # as floats they would take four times as much


def test_copies_are_marked_among_the_images_asked_about() -> None:
    train, test = noise(6), noise(3, seed=1)
    test[1] = train[4][:, ::-1]
    assert copies_of(train, test).tolist() == [False] * 4 + [True, False]
    assert copies_of(test, train).tolist() == [False, True, False]


def test_of_eligible_copies_all_but_the_first_repeat(tmp_path: Path) -> None:
    images = np.concatenate([noise(3), noise(3)[[1, 0]], noise(3)[[1]][:, :, ::-1]])
    everything = np.ones(6, bool)
    assert repeats(images, everything, tmp_path).tolist() == [False, False, False, True, True, True]
    without_the_first = np.array([True, False, True, True, True, True])
    assert repeats(images, without_the_first, tmp_path).tolist() == [False, False, False, False, True, True]
    assert len(list(tmp_path.iterdir())) == 1  # compared once


def test_an_image_is_no_copy_of_one_of_another_kind(tmp_path: Path) -> None:
    images, everything = noise(1).repeat(5, axis=0), np.ones(5, bool)
    kinds = np.array([0, 1, 0, 2, 1])
    assert repeats(images, everything, tmp_path, kinds).tolist() == [False, False, True, False, True]
    assert repeats(images, everything, tmp_path).tolist() == [False, True, True, True, True]


def test_what_is_kept_of_a_comparison_is_of_the_images_that_were_compared(tmp_path: Path) -> None:
    large = np.random.default_rng(0).integers(0, 256, (3, 112, 112), dtype=np.uint8)
    everything = np.ones(3, bool)
    large[2] = large[0]
    for images in (large, shrunk(large)):
        assert repeats(images, everything, tmp_path).tolist() == [False, False, True]
    assert len(list(tmp_path.iterdir())) == 1


def test_copies_of_copies_are_one_group_and_others_stand_alone() -> None:
    numbers = groups(np.array([[0, 3], [3, 5], [1, 2]]), 7)
    together = [{row for row in range(7) if numbers[row] == number} for number in range(numbers.max() + 1)]
    assert sorted(map(sorted, together)) == [[0, 3, 5], [1, 2], [4], [6]]
    assert groups(np.empty((0, 2), np.int64), 3).tolist() == [0, 1, 2]


def test_the_table_counts_images_with_a_copy_in_each_part() -> None:
    """Train holds a picture twice, once mirrored, and test holds it again under another label."""
    images = noise(4)
    images[1] = images[0][:, ::-1]
    test = np.stack([images[0], noise(1, seed=5)[0]])

    def samples(split: str, images: np.ndarray, labels: list[int]) -> Samples:
        targets = np.eye(8, dtype=np.float32)[labels]
        return Samples("made", split, "label", images, targets, np.array(labels), tuple("abcd"[: len(images)]))

    lines = table({"train": samples("train", images, [1, 1, 2, 3]), "test": samples("test", test, [4, 5])}).splitlines()
    assert (
        lines[0]
        == "| correlation from | pairs | mirrored | same label | train in itself | test in train | test in itself |"
    )
    assert lines[-1] == "| 0.999 | 3 | 2 | 33% | 2 | 1 | 0 |"
    assert len(lines) == 2 + len(duplicates.THRESHOLDS)
