"""Classical baselines on images drawn by code: stripes whose direction or spacing is the label."""

import numpy as np
import pytest

from siamese.errors import MeasurementError
from siamese.evaluation.baselines import BASELINES, grey_levels, measure_baselines, patterns, pixels
from siamese.evaluation.labelled import Labelled

Y, X = np.mgrid[:48, :48]


def stripes(seed, size):
    """Lying, standing or slanting, each kind of another brightness."""
    random = np.random.default_rng(seed)
    labels = np.arange(size) % 3
    waves = np.stack([np.sin((Y, X, Y + X)[label] / 2 + random.uniform(-0.6, 0.6)) for label in labels])
    levels = 90 + 30 * labels[:, None, None] + 50 * waves + random.normal(0, 12, (size, 48, 48))
    return Labelled(levels.clip(0, 255).astype(np.uint8), labels)


TRAIN, VALIDATION, TEST = stripes(0, 90), stripes(1, 30), stripes(2, 45)


def test_every_baseline_learns_stripes():
    found = measure_baselines(TRAIN, VALIDATION, TEST)
    assert [each.name for each in found] == list(BASELINES)
    for each in found:
        assert each.accuracy > 0.8, each.name
        assert each.examples == 90


def test_a_limit_is_how_many_images_are_fitted_on():
    (found,) = measure_baselines(TRAIN, VALIDATION, TEST, ["nearest pixels"], limit=12)
    assert found.examples == 12


def test_the_nearest_pixels_are_by_absolute_differences():
    (found,) = measure_baselines(TRAIN, VALIDATION, TEST, ["nearest pixels"])
    right = 0
    for image, label in zip(TEST.rows, TEST.labels, strict=True):
        distances = np.abs(TRAIN.rows.astype(float) - image).sum(axis=(1, 2))
        votes = np.zeros(3)
        for row in np.argsort(distances)[:3]:
            votes[TRAIN.labels[row]] += 1 / distances[row]
        right += int(votes.argmax() == label)
    assert found.accuracy == right / len(TEST)


def test_pixels_are_grey_levels_row_by_row():
    image = np.arange(48 * 48).reshape(1, 48, 48) % 256
    np.testing.assert_allclose(pixels(image.astype(np.uint8))[0] * 255, image.ravel(), atol=1e-4)


def test_grey_levels_are_numpys_histogram():
    counts = [np.histogram(image, bins=256, range=(0, 256))[0] for image in TEST.rows]
    np.testing.assert_allclose(grey_levels(TEST.rows), np.array(counts) / 48**2)


def test_patterns_ignore_brightness_and_every_cell_sums_to_one():
    """All but a few pixels as bright as their neighbours, of which interpolation's rounding decides."""
    images = TEST.rows[:4] // 2
    found = patterns(images)
    assert found.shape == (4, 36 * 59)
    np.testing.assert_allclose(found.reshape(4, 36, 59).sum(axis=2), 1, rtol=1e-5)
    assert (found != patterns(images + 60)).mean() < 0.001


def test_a_pattern_stands_in_its_own_cell():
    """One image is flat but for its cell in the second row and third column."""
    flat = np.full((1, 48, 48), 100, np.uint8)
    spotted = flat.copy()
    spotted[0, 11:13, 19:21] = 200
    changed = np.flatnonzero((patterns(flat) != patterns(spotted)).reshape(36, 59).any(axis=1))
    assert changed.tolist() == [1 * 6 + 2]


@pytest.mark.parametrize(
    ("train", "names", "sentence"),
    [
        (TRAIN, ["oracle"], "There is no baseline «oracle». Choose: HOG"),
        (Labelled(TRAIN.rows / 255, TRAIN.labels), BASELINES, r"grey images \(n, 48, 48\) uint8, not float64"),
        (Labelled(TRAIN.rows[:, :47], TRAIN.labels), BASELINES, r"not uint8 \(90, 47, 48\)"),
        (Labelled(TRAIN.rows[:, :40, :40], TRAIN.labels), BASELINES, r"not uint8 \(30, 48, 48\)"),
    ],
)
def test_what_is_not_images_alike_is_refused(train, names, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        measure_baselines(train, VALIDATION, TEST, names)
