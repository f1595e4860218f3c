"""Portraits are averages: even in brightness, of every face alike, and faded at the border."""

import numpy as np
from numpy.typing import NDArray

from siamese.faces.align import whole_picture
from siamese.gallery.averaging import average, blend, faded
from siamese.gallery.closeness import ellipse_radius, patterns

RNG = np.random.default_rng(0)


def whole(count: int) -> NDArray[np.float32]:
    return np.repeat(whole_picture(48, 48)[None], count, axis=0)


def smooth_faces(count: int) -> NDArray[np.uint8]:
    coarse = RNG.integers(40, 215, (count, 6, 6), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8), np.uint8))


def test_brightness_and_contrast_of_a_source_make_no_difference() -> None:
    faces = smooth_faces(16)
    dimmed = faces.copy()
    dimmed[3] = (faces[3] * 0.4).round() + 10
    difference = average(faces, whole(16), 96).astype(int) - average(dimmed, whole(16), 96)
    assert np.abs(difference).mean() < 2


def test_the_average_is_the_mean_of_the_evened_faces() -> None:
    faces = smooth_faces(16)
    portrait = average(faces, whole(16), 48)
    mean = patterns(faces).mean(axis=0)  # evened inside the face's ellipse, each picture alike
    assert np.corrcoef(patterns(portrait[None])[0], mean)[0, 1] > 0.9  # what sharpening changes is the rest


def test_faces_that_lie_over_each_other_already_are_averaged_as_they_are() -> None:
    faces = smooth_faces(16)
    difference = blend(faces).astype(int) - average(faces, whole(16), 48)
    assert np.abs(difference).max() <= 1


def test_faces_are_laid_over_each_other_by_their_transforms() -> None:
    scene = np.full((96, 96), 60, np.uint8)
    scene[40:56, 40:56] = 200
    shifts = [(0, 0), (10, -6), (-8, 12)]
    images = np.stack([np.roll(scene, shift, axis=(0, 1)) for shift in shifts])
    transforms = np.array([[[2, 0, x], [0, 2, y]] for y, x in shifts], np.float32)
    np.testing.assert_array_equal(average(images, transforms, 96), average(images[:1], transforms[:1], 96))


def test_the_border_fades_into_one_grey_and_the_face_stays() -> None:
    portrait = RNG.integers(0, 256, (160, 160), dtype=np.uint8)
    shown = faded(portrait)
    assert len(np.unique(shown[ellipse_radius(160) > 1.3])) == 1
    inside = ellipse_radius(160) < 1
    np.testing.assert_array_equal(shown[inside], portrait[inside])
