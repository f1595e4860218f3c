"""Crops of a data set: aligned where the detector finds the face, the whole image where it finds none."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from siamese.datasets import crops
from siamese.datasets.pictures import square
from siamese.datasets.samples import Samples
from siamese.errors import DatasetError
from siamese.faces.align import TEMPLATE, as_input, whole_picture
from siamese.faces.detect import FaceDetector


@pytest.fixture(scope="module")
def samples(astronaut: NDArray[np.uint8]) -> Samples:
    """Three images: a face, the same face turned, and nothing."""
    face = Image.fromarray(astronaut).convert("L").crop((160, 40, 300, 180))
    turned = face.rotate(15, resample=Image.Resampling.BILINEAR, fillcolor=128)
    images = np.stack([np.asarray(face.resize((48, 48))), np.asarray(turned.resize((48, 48))), np.full((48, 48), 90)])
    targets = np.eye(8, dtype=np.float32)[[1, 1, 0]]
    return Samples("made", "test", "majority", images.astype(np.uint8), targets, np.array([1, 1, 0]), ("a", "b", "c"))


def test_aligned_faces_have_their_landmarks_near_the_template(samples: Samples, tmp_path: Path) -> None:
    transforms = crops.transforms(samples, "aligned", tmp_path)
    landmarks = crops.detections(samples, tmp_path).landmarks[:2]
    mapped = np.einsum("nij,kj->nki", transforms[:2], np.c_[TEMPLATE, np.ones(5)])
    assert np.abs(mapped - landmarks).mean() < 1.5  # pixels; a similarity transform fits a face's five points that well


def test_alignment_undoes_rotation(samples: Samples, tmp_path: Path) -> None:
    straight, turned, _ = crops.transforms(samples, "aligned", tmp_path)
    angles = [np.degrees(np.arctan2(each[1, 0], each[0, 0])) for each in (straight, turned)]
    assert angles[0] - angles[1] == pytest.approx(15, abs=4)


@pytest.mark.parametrize("kind", crops.KINDS)
def test_an_image_without_a_face_is_taken_whole(kind: str, samples: Samples, tmp_path: Path) -> None:
    np.testing.assert_array_equal(crops.transforms(samples, kind, tmp_path)[2], whole_picture(48, 48))
    np.testing.assert_array_equal(crops.crops(samples, kind, tmp_path)[2], as_input(samples.images[2]))


def test_faces_are_detected_once(samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = crops.detections(samples, tmp_path)
    monkeypatch.setattr(crops, "FaceDetector", None)
    np.testing.assert_array_equal(crops.detections(samples, tmp_path).landmarks, first.landmarks)
    some = crops.detections(samples.take([2, 0]), tmp_path)
    np.testing.assert_array_equal(some.landmarks, first.landmarks[[2, 0]])


def test_only_new_images_are_searched(samples: Samples, tmp_path: Path) -> None:
    together = crops.detections(samples, tmp_path / "whole")
    crops.detections(samples.take([1]), tmp_path / "pieces")
    in_pieces = crops.detections(samples, tmp_path / "pieces")
    np.testing.assert_allclose(in_pieces.landmarks, together.landmarks, atol=1e-3)
    np.testing.assert_array_equal(in_pieces.found, [True, True, False])


def test_a_small_face_in_a_photo_is_found_as_the_service_finds_it(
    astronaut: NDArray[np.uint8], detector: FaceDetector, tmp_path: Path
) -> None:
    photo = square(astronaut, 224)
    targets = np.eye(8, dtype=np.float32)[[1]]
    samples = Samples("photos", "all", "label", photo[None], targets, np.array([1]), ("astronaut",))
    (face,) = detector.detect(np.repeat(photo[..., None], 3, axis=2))
    assert face.box[2] - face.box[0] < 224 / 3
    np.testing.assert_allclose(crops.detections(samples, tmp_path).landmarks, face.landmarks[None], atol=1e-3)


def test_an_unknown_kind_is_refused(samples: Samples, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="aligned, box, whole"):
        crops.transforms(samples, "round", tmp_path)


@pytest.mark.parametrize("kind", ["aligned", "box"])
def test_where_no_image_shows_a_face_all_are_taken_whole(samples: Samples, tmp_path: Path, kind: str) -> None:
    without = samples.take([2])
    assert not crops.detections(without, tmp_path).found.any()
    np.testing.assert_array_equal(
        crops.transforms(without, kind, tmp_path), crops.transforms(without, "whole", tmp_path)
    )
