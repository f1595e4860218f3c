"""What a run learns from and what it validates on: the official parts, or people held out; never aliased."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from siamese.datasets.samples import Samples
from siamese.errors import TrainingError
from siamese.faces.align import face_crop, whole_picture
from siamese.training import data
from siamese.training.augment import cut
from siamese.training.config import SHIPPED_NETWORK, TrainingConfig
from siamese.training.data import framed, load_parts, metric_labels, split
from siamese.vocabulary import EMOTIONS
from tests.datasets.made_up import write_picture
from tests.training.small import write_parts


def samples(side: int, count: int = 12, subjects: tuple[str, ...] = ()) -> Samples:
    images = np.random.default_rng(side).integers(0, 256, (count, side, side), dtype=np.uint8)
    labels = np.arange(count) % len(EMOTIONS)
    names = tuple(map(str, range(count)))
    return Samples(
        "made up", "all", "label", images, np.eye(len(EMOTIONS), dtype=np.float32)[labels], labels, names, subjects
    )


def test_the_official_parts_are_taken_where_there_are_some(tmp_path: Path) -> None:
    write_parts(tmp_path)
    config = TrainingConfig(data=str(tmp_path), crops="whole", cache=str(tmp_path / "cache"), limit=100)
    train, validation = load_parts(config)
    assert train.images.shape == (100, 48, 48)
    assert validation.crops.shape == (40, 1, 96, 96)
    assert validation.crops.min() >= 0 and validation.crops.max() <= 1


def test_without_a_validation_part_whole_people_are_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    people = tuple(f"S{row % 20:03}" for row in range(200))
    monkeypatch.setattr(data, "load_dataset", lambda *_: samples(48, 200, people))
    train, held_out = split(TrainingConfig(dataset="ckplus", validation_share=0.25))
    assert len(train) + len(held_out) == 200
    assert set(train.subjects) & set(held_out.subjects) == set()
    assert len(set(held_out.subjects)) == 5
    again = split(TrainingConfig(dataset="ckplus", validation_share=0.25))[1]
    assert again.sources == held_out.sources


def test_where_people_are_not_known_images_are_held_out(tmp_path: Path) -> None:
    for emotion in ("joy", "anger"):
        for row in range(10):
            write_picture(tmp_path / emotion / f"{row}.png", 20 * row)
    train, held_out = split(TrainingConfig(dataset="folder", data=str(tmp_path), validation_share=0.2))
    assert (len(train), len(held_out)) == (16, 4)


def test_a_part_without_a_label_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    unlabelled = dataclasses.replace(samples(48), labels=np.full(12, -1))
    monkeypatch.setattr(data, "load_dataset", lambda *_: unlabelled)
    with pytest.raises(TrainingError, match=r"To train on .* takes images of two emotions"):
        load_parts(TrainingConfig(crops="whole", cache=str(tmp_path)))


def test_an_emotion_that_shall_be_taught_later_is_not_seen_in_training(tmp_path: Path) -> None:
    write_parts(tmp_path)
    config = TrainingConfig(data=str(tmp_path), crops="whole", cache=str(tmp_path / "cache"), leave_out="happy, sad")
    train, validation = load_parts(config)
    left_out = [EMOTIONS.index("happiness"), EMOTIONS.index("sadness")]
    assert len(train.images) == 80 and len(validation.labels) == 20
    assert not np.isin(train.labels, left_out).any() and not np.isin(validation.labels, left_out).any()
    assert not train.targets[:, left_out].any()


def test_small_images_are_augmented_as_they_are() -> None:
    small = samples(48)
    assert framed(small, np.repeat(whole_picture(48, 48)[None], 12, axis=0))[0] is small.images


@pytest.mark.parametrize("pixels", [1.0, 1.3, 1.49, 1.6, 2.4])
def test_of_a_large_image_training_sees_the_crop_that_is_read_in_use(pixels: float) -> None:
    """However many of its pixels lie along one of the crop; all but the outermost, beyond which in use is nothing."""
    large = samples(200)
    turned = np.array([[pixels, -0.4, 45.0], [0.4, pixels, 30.0]], np.float32)
    frames, inside = framed(large, np.repeat(turned[None], 12, axis=0))
    crops = cut(torch.from_numpy(frames), torch.from_numpy(inside))[:, 0].numpy() * 255
    expected = np.stack([face_crop(image, turned) for image in large.images]).astype(float)
    assert np.abs(crops - expected)[:, 1:-1, 1:-1].max() <= 2  # grey levels, of roundings


def test_examples_are_of_every_class(tmp_path: Path) -> None:
    write_parts(tmp_path)
    train, _ = load_parts(TrainingConfig(data=str(tmp_path), crops="whole", cache=str(tmp_path / "cache")))
    examples = train.examples()
    assert sorted(set(examples.labels.tolist())) == [0, 1, 2, 3]
    assert len(examples.crops) == len(examples.labels) == 160


@pytest.mark.parametrize(("near_copies", "expected"), [("drop", [0, 1, -1, 2]), ("keep", [0, 1, 0, 2])])
def test_a_picture_that_repeats_another_is_in_no_pair(near_copies: str, expected: list[int], tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
    images[2] = images[0, :, ::-1]
    given = dataclasses.replace(samples(48, 4), images=images, labels=np.array([0, 1, 0, 2]))
    config = TrainingConfig(near_copies=near_copies, cache=str(tmp_path))
    assert metric_labels(given, config).tolist() == expected


@pytest.mark.parametrize(("people", "expected"), [(("ann",) * 3, [0, 1, -1]), (("",) * 3, [0, -1, -1])])
def test_another_expression_of_the_same_person_is_no_copy(
    people: tuple[str, ...], expected: list[int], tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8).repeat(3, axis=0)
    given = dataclasses.replace(samples(48, 3), images=images, labels=np.array([0, 1, 0]), subjects=people)
    assert metric_labels(given, TrainingConfig(cache=str(tmp_path))).tolist() == expected


@pytest.mark.parametrize(("weights", "told"), [(str(SHIPPED_NETWORK), True), ("", False), ("other.npz", False)])
def test_it_is_said_when_the_start_has_seen_what_is_held_out(
    weights: str, told: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """FER2013's folders have no validation part, and the network that ships was trained on their pictures."""
    for emotion in ("happy", "sad"):
        (tmp_path / "train" / emotion).mkdir(parents=True)
        for number in range(10):
            Image.fromarray(np.full((48, 48), number, np.uint8)).save(tmp_path / "train" / emotion / f"{number}.png")
    split(TrainingConfig(dataset="fer2013", data=str(tmp_path), initial_weights=weights))
    assert ("validation will look better than it is" in caplog.text) == told
