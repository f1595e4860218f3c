"""Alignment: five landmarks are laid on the template by a similarity transform, and the crop is area-averaged."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates
from skimage.transform import SimilarityTransform

from siamese.faces.align import (
    CROP_SIZE,
    INPUT_SIZE,
    TEMPLATE,
    alignment,
    as_input,
    box_transform,
    face_crop,
    warp,
    whole_picture,
)
from siamese.faces.grid import sampling_grid

similarities = st.builds(
    lambda scale, degrees, x, y: SimilarityTransform(scale=scale, rotation=np.deg2rad(degrees), translation=(x, y)),
    st.floats(0.2, 40),
    st.floats(-180, 180),
    st.floats(-500, 4000),
    st.floats(-500, 4000),
)


def apply(transform: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.float32]:
    return points @ transform[:, :2].T + transform[:, 2]


# The transform


def test_the_template_is_an_upright_face_inside_the_crop():
    left_eye, right_eye, nose, left_mouth, right_mouth = TEMPLATE
    assert left_eye[0] < nose[0] < right_eye[0] and left_mouth[0] < nose[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert (TEMPLATE > 0).all() and (TEMPLATE < CROP_SIZE).all()


@given(similarities)
def test_landmarks_that_are_a_similar_template_are_met_exactly(similarity: SimilarityTransform):
    landmarks = similarity(TEMPLATE).astype(np.float32)
    (transform,) = alignment(landmarks[None])
    np.testing.assert_allclose(apply(transform, TEMPLATE), landmarks, atol=0.01)


@given(similarities, arrays(np.float64, (5, 2), elements=st.floats(-8, 8)))
def test_any_landmarks_get_the_least_squares_similarity_of_skimage(similarity, shifts: NDArray[np.float64]):
    landmarks = (similarity(TEMPLATE + 0.5 * shifts)).astype(np.float32)
    expected = SimilarityTransform.from_estimate(TEMPLATE.astype(np.float64), landmarks.astype(np.float64))
    (transform,) = alignment(landmarks[None])
    corners = np.array([[0, 0], [CROP_SIZE, 0], [0, CROP_SIZE], [CROP_SIZE, CROP_SIZE]], dtype=np.float32)
    np.testing.assert_allclose(apply(transform, corners), expected(corners), atol=0.02)


def test_many_faces_are_aligned_at_once_as_each_alone():
    landmarks = np.random.default_rng(0).uniform(0, 500, (7, 5, 2)).astype(np.float32)
    together = alignment(landmarks)
    assert together.shape == (7, 2, 3) and together.dtype == np.float32
    np.testing.assert_allclose(together, np.concatenate([alignment(one[None]) for one in landmarks]), rtol=1e-5)
    assert alignment(np.empty((0, 5, 2), np.float32)).shape == (0, 2, 3)


def test_a_box_is_stretched_over_the_crop():
    transform = box_transform(np.array([10, 20, 110, 60], dtype=np.float32))
    corners = np.array([[0, 0], [CROP_SIZE, CROP_SIZE]], dtype=np.float32)
    np.testing.assert_allclose(apply(transform, corners), [[10, 20], [110, 60]], rtol=1e-6)


# The crop


def test_a_picture_of_the_crops_size_taken_whole_stays_as_it_is():
    picture = random_photo(CROP_SIZE, CROP_SIZE)
    np.testing.assert_array_equal(warp(picture, whole_picture(CROP_SIZE, CROP_SIZE)), picture)


@pytest.mark.parametrize("factor", [2, 3, 5, 8, 16, 24])
def test_shrinking_by_a_whole_factor_is_the_mean_over_blocks(factor: int):
    photo = random_photo(CROP_SIZE * factor, CROP_SIZE * factor)
    blocks = photo.reshape(CROP_SIZE, factor, CROP_SIZE, factor, 3).astype(float).mean(axis=(1, 3))
    crop = warp(photo, whole_picture(*photo.shape[:2]))
    assert np.abs(crop - blocks).max() <= 1  # shrinking in two steps rounds twice


def test_a_picture_shrunk_in_one_direction_alone_is_averaged_in_that_direction():
    photo = np.repeat(random_photo(1, CROP_SIZE * 6), CROP_SIZE, axis=0)
    blocks = photo.reshape(CROP_SIZE, CROP_SIZE, 6, 3).astype(float).mean(axis=2)
    assert np.abs(warp(photo, whole_picture(*photo.shape[:2])) - blocks).max() <= 1


@settings(max_examples=25)
@given(st.floats(0.3, 7.9), st.floats(-180, 180), st.floats(-20, 120), st.floats(-20, 120))
def test_any_crop_is_the_mean_of_bilinear_samples_with_the_border_repeated(scale, degrees, x, y):
    photo = random_photo(90, 110)
    similarity = SimilarityTransform(scale=scale, rotation=np.deg2rad(degrees), translation=(x, y))
    fine = max(1, int(np.ceil(scale - 0.01)))
    steps = (np.arange(CROP_SIZE * fine) + 0.5) / fine
    points = similarity(np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2))
    rows_and_columns = points[:, ::-1].T - 0.5  # scipy counts pixel centres from zero
    samples = np.stack([map_coordinates(c, rows_and_columns, float, order=1, mode="nearest") for c in channels(photo)])
    expected = samples.reshape(3, CROP_SIZE, fine, CROP_SIZE, fine).mean(axis=(2, 4)).transpose(1, 2, 0)
    crop = warp(photo, similarity.params[:2].astype(np.float32))
    assert np.abs(crop - expected).max() <= 0.6


@settings(max_examples=25)
@given(st.floats(8, 60), st.floats(-180, 180))
def test_shrinking_a_smooth_photo_a_lot_follows_the_scene(scale: float, degrees: float):
    x = np.arange(1500) + 0.5
    photo = np.tile(np.rint(255 * x / 1500).astype(np.uint8), (1500, 1))
    similarity = SimilarityTransform(scale=scale / 3, rotation=np.deg2rad(degrees), translation=(750, 750))
    steps = (np.arange(16) + 0.5) * CROP_SIZE / 16
    points = similarity(np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)).reshape(16, 16, 2)
    expected = 255 * points[..., 0].clip(0, 1500) / 1500
    inside = (np.abs(points - 750) < 700).all(axis=-1)
    crop = warp(photo, similarity.params[:2].astype(np.float32), size=16)
    assert np.abs(crop - expected)[inside].max() <= 1.5  # photo, reduced photo and crop are rounded, each by half


def test_far_outside_the_photo_its_border_is_repeated():
    photo = random_photo(30, 40)
    beyond = box_transform(np.array([1000, -500, 1048, -452], dtype=np.float32))
    np.testing.assert_array_equal(warp(photo, beyond), np.broadcast_to(photo[0, -1], (CROP_SIZE, CROP_SIZE, 3)))


@pytest.mark.parametrize("size", [24, 48, 160])
def test_a_crop_of_another_size_shows_the_same_scene(size: int, astronaut: NDArray[np.uint8]):
    box = np.array([150, 30, 310, 190], dtype=np.float32)
    left, top, right, bottom = box.astype(int)
    expected = Image.fromarray(astronaut[top:bottom, left:right]).resize((size, size), Image.Resampling.BOX)
    crop = warp(astronaut, box_transform(box), size)
    assert crop.shape == (size, size, 3) and crop.dtype == np.uint8
    assert np.abs(crop.astype(float) - np.asarray(expected)).mean() < 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (1, 200, 3), (200, 1)])
def test_a_photo_of_hardly_any_pixels_can_be_cropped(shape: tuple[int, ...]):
    photo = np.full(shape, 77, dtype=np.uint8)
    crop = warp(photo, whole_picture(*shape[:2]))
    assert crop.shape == (CROP_SIZE, CROP_SIZE, *shape[2:]) and (crop == 77).all()


def test_the_networks_input_is_grey_and_no_sharper_than_what_was_learned_from(astronaut: NDArray[np.uint8]):
    transform = box_transform(np.array([150, 30, 310, 190], dtype=np.float32))
    crop = face_crop(astronaut, transform)
    assert crop.shape == (INPUT_SIZE, INPUT_SIZE) and crop.dtype == np.uint8
    luma = warp(astronaut, transform) @ [0.299, 0.587, 0.114]  # ITU-R 601
    drawn = Image.fromarray(luma.round().astype(np.uint8)).resize(crop.shape, Image.Resampling.BILINEAR)
    assert np.abs(crop.astype(int) - np.asarray(drawn)).max() <= 2  # each was rounded
    grey = np.asarray(Image.fromarray(astronaut).convert("L"))
    assert np.abs(crop.astype(int) - face_crop(grey, transform)).max() <= 2


def test_of_a_picture_like_those_learned_from_nothing_is_averaged_away():
    picture = random_photo(CROP_SIZE, CROP_SIZE)[..., 0]
    crop = face_crop(picture, whole_picture(CROP_SIZE, CROP_SIZE))
    expected = Image.fromarray(picture).resize(crop.shape, Image.Resampling.BILINEAR)
    assert np.abs(crop.astype(int) - np.asarray(expected)).max() <= 1


def test_a_crop_kept_at_the_resolution_of_the_data_becomes_an_input_and_an_input_stays_one():
    kept = random_photo(CROP_SIZE, CROP_SIZE)[..., 0]
    drawn = as_input(kept)
    np.testing.assert_array_equal(drawn, face_crop(kept, whole_picture(CROP_SIZE, CROP_SIZE)))
    np.testing.assert_array_equal(as_input(drawn), drawn)


def test_the_sampling_grid_runs_from_edge_to_edge():
    grid = sampling_grid(torch.from_numpy(whole_picture(30, 40))[None], height=30, width=40, size=4)
    assert grid.shape == (1, 4, 4, 2)
    np.testing.assert_allclose(grid[0, 0, :, 0], [-0.75, -0.25, 0.25, 0.75], atol=1e-6)
    np.testing.assert_allclose(grid[0, :, 0, 1], [-0.75, -0.25, 0.25, 0.75], atol=1e-6)


def random_photo(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def channels(photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    return photo.transpose(2, 0, 1).astype(float)


@given(st.integers(1, 60), st.integers(1, 60), st.floats(0.05, 6), st.floats(-180, 180), st.integers(0, 9))
def test_a_crop_is_what_grid_sample_in_training_sees(height: int, width: int, scale: float, degrees: float, seed: int):
    chance = np.random.default_rng(seed)
    photo = chance.integers(0, 256, (height, width), dtype=np.uint8)
    cos, sin = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    shift = chance.uniform(-20, 60, 2)
    transform = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]], dtype=np.float32)
    crop = warp(photo, transform).astype(float)
    if scale < 1:  # beyond, warp averages, which training does not
        grid = sampling_grid(torch.from_numpy(transform)[None], height, width, CROP_SIZE)
        pixels = torch.from_numpy(photo.astype(np.float32))[None, None]
        seen = F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)
        assert np.abs(crop - seen[0, 0].numpy()).max() <= 0.51
