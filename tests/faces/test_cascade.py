"""The cascade: facenet-pytorch's answers to a hair, from files that hold its weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.utils.detect_face import detect_face
from numpy.typing import NDArray
from PIL import Image

from siamese.errors import ReferenceSetError
from siamese.faces.areas import Areas
from siamese.faces.cascade import FOLDER, NETWORKS, ORIGINAL, Cascade, Search
from siamese.faces.decode import decode
from siamese.faces.export_cascade import export_cascade
from siamese.sessions import load_session

SMALLEST = 20  # pixels, facenet-pytorch's default


@pytest.fixture(scope="module")
def original() -> MTCNN:
    return MTCNN(keep_all=True, device="cpu").eval()


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return Cascade()


def facenets(original: MTCNN, photos: NDArray[np.uint8]) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Boxes with probabilities (k, 5) and landmarks (k, 5, 2) per photo, as facenet-pytorch finds them."""
    pixels = torch.from_numpy(photos.astype(np.float32))
    networks = original.pnet, original.rnet, original.onet
    with torch.inference_mode():
        boxes, points = detect_face(pixels, SMALLEST, *networks, original.thresholds, original.factor, "cpu")
    return [(b.reshape(-1, 5), p.reshape(-1, 5, 2)) for b, p in zip(boxes, points, strict=True)]


def assert_same_faces(original: MTCNN, cascade: Cascade, photos: NDArray[np.uint8]) -> int:
    found, landmarks = cascade.find(Areas(photos), SMALLEST)
    for number, (boxes, points) in enumerate(facenets(original, photos)):
        rows = np.flatnonzero(found.photo == number)
        assert len(rows) == len(boxes)
        rows, others = rows[np.argsort(found.corners[rows, 0])], np.argsort(boxes[:, 0])
        np.testing.assert_allclose(found.corners[rows], boxes[others, :4].astype(float), atol=0.05)
        np.testing.assert_allclose(found.probability[rows], boxes[others, 4].astype(float), atol=1e-4)
        np.testing.assert_allclose(landmarks[rows], points[others].astype(float), atol=0.05)
    return len(found)


def test_a_portrait_has_facenets_box_and_landmarks(original, cascade, astronaut: NDArray[np.uint8]):
    assert assert_same_faces(original, cascade, astronaut[None]) == 1


def test_groups_have_facenets_boxes_and_landmarks(original, cascade, group_photos: list[Path]):
    found = 0
    for path in group_photos[:3]:
        with Image.open(path) as photo:
            small = np.asarray(photo.convert("RGB").resize((960, 640)))
        found += assert_same_faces(original, cascade, small[None])
    assert found >= 7


def test_several_photos_at_once_are_answered_each_by_its_own(original, cascade, astronaut: NDArray[np.uint8]):
    turned = np.ascontiguousarray(astronaut[:, ::-1])
    empty = np.full_like(astronaut, 90)
    assert assert_same_faces(original, cascade, np.stack([astronaut, empty, turned])) == 2


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_answered_alike(original, cascade, seed: int):
    noise = np.random.default_rng(seed).integers(0, 256, (1, 150, 200, 3), dtype=np.uint8)
    assert_same_faces(original, cascade, noise)


def test_higher_thresholds_leave_fewer_faces(cascade, group_photos: list[Path]):
    photo = decode(group_photos[0])[None, ::2, ::2]
    counts = [len(cascade.find(Areas(photo), SMALLEST, Search(judged=least))[0]) for least in (0.5, 0.9, 1.0)]
    assert counts == sorted(counts, reverse=True) and counts[0] >= 3 and counts[-1] == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (19, 19), (20, 20), (21, 300)])
def test_photos_too_small_for_a_face_have_none(cascade, shape: tuple[int, int]):
    boxes, landmarks = cascade.find(Areas(np.full((1, *shape, 3), 128, np.uint8)), SMALLEST, ORIGINAL)
    assert len(boxes) == 0 and landmarks.shape == (0, 5, 2)


# The files


def test_the_files_that_ship_hold_the_wheels_weights(tmp_path: Path):
    export_cascade(tmp_path)
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 3, 48, 48)).astype(np.float32)
    for name, side in zip(NETWORKS, (12, 24, 48), strict=True):
        shipped, fresh = (
            load_session(folder / name).run(None, {"photos": pixels[:, :, :side, :side]})
            for folder in (FOLDER, tmp_path)
        )
        for one, other in zip(shipped, fresh, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_rewired_networks_answer_as_the_original_ones_do(original):
    pixels = torch.from_numpy(np.random.default_rng(1).uniform(0, 255, (4, 3, 48, 48)).astype(np.float32))
    for name, network, side in zip(NETWORKS, (original.pnet, original.rnet, original.onet), (48, 24, 48), strict=True):
        cut = pixels[:, :, :side, :side]
        answers = load_session(FOLDER / name).run(None, {"photos": cut.numpy()})
        with torch.inference_mode():
            expected = network((cut - 127.5) / 128)
        if name == NETWORKS[0]:  # log-odds, then shifts
            log_odds, shifts = answers[0][:, 0], answers[0][:, 1:]
            answers = [shifts, np.stack([1 / (1 + np.exp(log_odds)), 1 / (1 + np.exp(-log_odds))], axis=1)]
        for answer, wanted in zip(answers, expected, strict=True):
            np.testing.assert_allclose(answer, wanted.numpy(), atol=1e-4)


def test_a_missing_network_is_named(tmp_path: Path):
    with pytest.raises(ReferenceSetError, match=r"proposal\.onnx"):
        Cascade(tmp_path)
