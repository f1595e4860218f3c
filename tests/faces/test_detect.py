"""Detection: the known face is found where it was put, several are all found, and where there is none, none is."""

from pathlib import Path

import numpy as np
import pytest
from facenet_pytorch import MTCNN
from numpy.typing import NDArray
from PIL import Image

from siamese.faces.align import CROP_SIZE, INPUT_SIZE, TEMPLATE, alignment, face_crop, whole_picture
from siamese.faces.decode import decode
from siamese.faces.detect import LANDMARKS, DetectorSettings, Face, FaceDetector

# Pupils, nose tip and mouth corners, read off the picture by eye, enlarged tenfold under a grid.
ASTRONAUT_LANDMARKS = np.array([[203.5, 101], [247, 103.5], [223, 127], [203, 139.5], [246, 140]], dtype=np.float32)
TOLERANCE = 5  # pixels there, a ninth of the distance between the eyes
PEOPLE_IN_GROUP_PHOTOS = [3, 3, 3, 4, 5, 4]  # counted by eye
FACES_TURNED_AWAY = [0, 2, 0, 0, 0, 0]  # in profile or bowed, which MTCNN may miss


def only(faces: list[Face]) -> Face:
    assert len(faces) == 1
    return faces[0]


def test_the_astronauts_face_is_found_with_its_landmarks(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    face = only(detector.detect(astronaut))
    assert face.landmarks.shape == (len(LANDMARKS), 2)
    assert np.abs(face.landmarks - ASTRONAUT_LANDMARKS).max() < TOLERANCE
    left, top, right, bottom = face.box
    x, y = face.landmarks.T
    assert left < x.min() and x.max() < right and top < y.min() and y.max() < bottom
    assert face.probability > 0.99
    assert face.area == pytest.approx((right - left) * (bottom - top))


@pytest.mark.parametrize(("x", "y", "scale"), [(0, 0, 1.0), (300, 80, 1.0), (40, 200, 0.5), (100, 0, 2.0)])
def test_a_face_is_found_where_it_was_put(detector, astronaut: NDArray[np.uint8], x: int, y: int, scale: float):
    size = round(512 * scale)
    canvas = Image.new("RGB", (x + size + 50, y + size + 20), (90, 90, 90))
    canvas.paste(Image.fromarray(astronaut).resize((size, size), Image.Resampling.LANCZOS), (x, y))
    face = detector.detect(np.asarray(canvas))[0]
    assert np.abs(face.landmarks - (ASTRONAUT_LANDMARKS * scale + [x, y])).max() < TOLERANCE * max(1, scale)


def test_a_photo_too_large_for_detection_is_answered_in_its_own_pixels(detector, astronaut: NDArray[np.uint8]):
    large = np.asarray(Image.fromarray(astronaut).resize((3000, 3000)))
    scale = 3000 / 512
    face = only(detector.detect(large))
    assert np.abs(face.landmarks - ASTRONAUT_LANDMARKS * scale).max() < TOLERANCE * scale


def test_faces_come_largest_first(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    portrait = astronaut[0:300, 80:380]
    canvas = Image.new("RGB", (760, 320), (90, 90, 90))
    canvas.paste(Image.fromarray(portrait).resize((180, 180)), (10, 10))
    canvas.paste(Image.fromarray(portrait), (250, 10))
    canvas.paste(Image.fromarray(portrait).resize((120, 120)), (600, 10))
    faces = detector.detect(np.asarray(canvas))
    assert [250 < face.box[0] < 550 for face in faces] == [True, False, False]
    assert [face.area for face in faces] == sorted((face.area for face in faces), reverse=True)


def test_every_face_of_a_group_is_found_unless_it_is_turned_away(detector: FaceDetector, group_photos: list[Path]):
    for photo, people, away in zip(group_photos, PEOPLE_IN_GROUP_PHOTOS, FACES_TURNED_AWAY, strict=True):
        assert people - away <= len(detector.detect(decode(photo))) <= people


def test_detecting_changes_nothing_and_says_the_same_twice(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    photo = astronaut.copy()
    photo.flags.writeable = False
    first, second = only(detector.detect(photo)), only(detector.detect(photo))
    np.testing.assert_array_equal(first.landmarks, second.landmarks)
    np.testing.assert_array_equal(photo, astronaut)


@pytest.mark.parametrize(("height", "width", "smallest"), [(360, 480, 20), (540, 960, 28.209), (1000, 1400, 39.787)])
def test_a_photos_faces_are_facenets(detector, group_photos: list[Path], height: int, width: int, smallest: float):
    """Whose smallest face is at most an 18th of the shorter side, and 20 pixels divided by a power of 0.709."""
    photo = np.asarray(Image.open(group_photos[0]).convert("RGB").resize((width, height), Image.Resampling.BICUBIC))
    boxes, _, landmarks = MTCNN(keep_all=True, min_face_size=smallest, device="cpu").detect(photo, landmarks=True)
    faces = detector.detect(photo)
    assert len(faces) == len(boxes) >= 3
    for face in faces:
        apart = np.abs(landmarks - face.landmarks).max(axis=(1, 2))
        assert apart.min() < 0.1
        np.testing.assert_allclose(face.box, boxes[apart.argmin()].astype(float), atol=0.1)


# Settings


def test_faces_smaller_than_the_share_asked_for_are_passed_over(astronaut: NDArray[np.uint8]):
    assert FaceDetector(DetectorSettings(smallest_face_share=0.5)).detect(astronaut) == []  # the face spans 0.23


def test_less_certain_faces_are_dropped(astronaut: NDArray[np.uint8]):
    assert FaceDetector(DetectorSettings(probability=1.0)).detect(astronaut) == []


# No face


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (12, 12), (19, 19), (20, 20), (21, 300), (64, 64), (500, 3)])
def test_pictures_too_small_for_a_face_have_none(detector: FaceDetector, shape: tuple[int, int]):
    assert detector.detect(np.full((*shape, 3), 128, dtype=np.uint8)) == []


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_face(detector: FaceDetector, seed: int):
    noise = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


# Tight crops


def test_a_tight_crop_is_framed_so_that_its_face_is_found(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    left, top, side = 165, 55, 118
    crop = Image.fromarray(astronaut[top : top + side, left : left + side])
    expected = (ASTRONAUT_LANDMARKS - [left, top]) * 48 / side
    for small in (crop.resize((48, 48)), crop.resize((48, 48)).convert("L")):
        (face,) = detector.detect_crops(np.asarray(small)[None])
        assert face is not None
        assert np.abs(face.landmarks - expected).max() < 2.5


@pytest.mark.parametrize("side", [48, 400, 3000])
def test_a_tight_picture_of_any_size_is_answered_in_its_own_pixels(detector, astronaut: NDArray[np.uint8], side: int):
    left, top, cut = 165, 55, 118
    crop = Image.fromarray(astronaut[top : top + cut, left : left + cut]).resize((side, side))
    face = only(detector.detect_tight(np.asarray(crop)))
    expected = (ASTRONAUT_LANDMARKS - [left, top]) * side / cut
    assert np.abs(face.landmarks - expected).max() < 0.05 * side
    assert detector.detect_tight(np.full((side, side, 3), 100, dtype=np.uint8)) == []


def test_crops_are_answered_one_by_one_in_order(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    face = np.asarray(Image.fromarray(astronaut[55:173, 165:283]).resize((64, 64)))
    nothing = np.full_like(face, 100)
    found = detector.detect_crops(np.stack([nothing, face, nothing, face[:, ::-1]]))
    assert [each is not None for each in found] == [False, True, False, True]
    assert found[1] is not None and found[3] is not None
    mirrored = found[3].landmarks[[1, 0, 2, 4, 3]]
    assert np.abs(64 - mirrored[:, 0] - found[1].landmarks[:, 0]).max() < 3


@pytest.mark.parametrize("side", [1, 2, 5, 48, 96, 130])
def test_crops_of_any_size_can_be_without_a_face(detector: FaceDetector, side: int):
    assert detector.detect_crops(np.full((2, side, side), 100, dtype=np.uint8)) == [None, None]


# Detection and alignment together


def test_the_aligned_crop_has_its_landmarks_near_the_template(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    face = only(detector.detect(astronaut))
    crop = face_crop(astronaut, alignment(face.landmarks[None])[0])
    (again,) = detector.detect_crops(crop[None])
    assert again is not None
    assert np.abs(again.landmarks * CROP_SIZE / INPUT_SIZE - TEMPLATE).max() < 3


def test_a_turned_head_is_turned_back(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    turned = np.asarray(Image.fromarray(astronaut).rotate(20, Image.Resampling.BICUBIC, center=(224, 125)))
    straight, from_turned = (
        face_crop(photo, alignment(detector.detect(photo)[0].landmarks[None])[0]).astype(float)
        for photo in (astronaut, turned)
    )
    not_turned_back = face_crop(turned, alignment(detector.detect(astronaut)[0].landmarks[None])[0]).astype(float)
    likeness = np.corrcoef([straight.ravel(), from_turned.ravel(), not_turned_back.ravel()])[0]
    assert likeness[1] > 0.9 > likeness[2]


def test_a_picture_taken_whole_needs_no_face():
    grey = np.random.default_rng(0).integers(0, 256, (100, 100), dtype=np.uint8)
    assert face_crop(grey, whole_picture(*grey.shape)).shape == (INPUT_SIZE, INPUT_SIZE)


@pytest.mark.parametrize(("right", "down"), [(0, 0), (12, -8), (-20, 15), (0, 25)])
def test_a_face_that_moved_a_little_is_found_again_nearby(
    detector, astronaut: NDArray[np.uint8], right: int, down: int
):
    before = only(detector.detect(astronaut))
    frame = np.roll(astronaut, (down, right), axis=(0, 1))
    (again,) = detector.detect_again(frame, [before])
    sought = only(detector.detect(frame))
    assert again is not None
    side = (sought.box[2:] - sought.box[:2]).mean()
    assert np.abs(again.landmarks - sought.landmarks).max() < 0.04 * side
    assert np.abs(again.box - sought.box).max() < 0.12 * side


def test_a_large_face_is_found_again_in_its_own_pixels(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    large = np.asarray(Image.fromarray(astronaut[:300, 80:380]).resize((1200, 1200)))
    before = only(detector.detect(large))
    (again,) = detector.detect_again(large, [before])
    assert again is not None
    assert np.abs(again.landmarks - before.landmarks).max() < 0.04 * (before.box[2:] - before.box[:2]).mean()


def test_a_face_that_is_gone_is_not_found_again(detector: FaceDetector, astronaut: NDArray[np.uint8]):
    before = only(detector.detect(astronaut))
    elsewhere = Face(before.box + 200, 1.0, before.landmarks + 200)
    grey = np.full_like(astronaut, 128)
    assert detector.detect_again(grey, [before]) == [None]
    assert detector.detect_again(astronaut, [elsewhere]) == [None]
    assert detector.detect_again(astronaut[:40, :40], [before]) == [None]  # it lies outside altogether
