"""Frames of one sequence: told by names that count on, one label and pictures that hardly change, and by no less."""

import numpy as np
from numpy.typing import NDArray

from siamese.gallery.sequences import sequences_of
from siamese.gallery.thumbnails import pack


def film(seed: int, frames: int) -> list[bytes]:
    """The crops of a face that hardly moves."""
    rng = np.random.default_rng(seed)
    face = rng.integers(60, 200, (48, 48))
    return [pack(_crop(face + rng.integers(-9, 10, (48, 48)))) for _ in range(frames)]


def _crop(face: NDArray[np.int64]) -> NDArray[np.uint8]:
    return face.clip(0, 255).astype(np.uint8)


def test_frames_whose_names_count_on_are_a_sequence_in_whatever_order_they_came() -> None:
    sources = ["S010_004_0003.png", "S010_004_0001.png", "S011_001_0001.png", "S010_004_0010.png"]
    first, second = film(0, 3), film(1, 1)
    crops = [first[0], first[1], second[0], first[2]]
    assert sequences_of(sources, ["fear"] * 4, crops).tolist() == [1, 1, 2, 1]


def test_a_camera_counts_too_but_its_photos_change() -> None:
    crops = [film(seed, 1)[0] for seed in range(4)]
    assert sequences_of([f"IMG_{n:04d}.jpg" for n in range(4)], ["fear"] * 4, crops).tolist() == [0, 1, 2, 3]


def test_a_frame_with_another_label_is_left_to_be_contradicted() -> None:
    labels = ["fear", "fear", "anger", "fear", "fear"]
    assert sequences_of([f"{n}.png" for n in range(5)], labels, film(0, 5)).tolist() == [0, 0, 2, 0, 0]


def test_names_without_a_number_and_examples_without_a_crop_stand_alone() -> None:
    one, two, three = film(0, 3)
    assert sequences_of(["a photo", "a photo", "1.png"], ["fear"] * 3, [one, two, three]).tolist() == [0, 1, 2]
    assert sequences_of(["1.png", "2.png", "3.png"], ["fear"] * 3, [one, None, three]).tolist() == [0, 1, 0]
    assert sequences_of([], [], []).tolist() == []


def test_films_in_folders_of_their_own_may_have_the_same_names() -> None:
    films = [film(seed, 4) for seed in range(3)]
    crops = [crop for frames in films for crop in frames]
    sources = [f"frame {n}.png" for n in range(4)] * 3
    assert sequences_of(sources, ["fear"] * 12, crops).tolist() == [0] * 4 + [4] * 4 + [8] * 4


def test_frames_of_one_number_are_not_one_sequence() -> None:
    one, two = film(0, 2)
    assert sequences_of(["1.png", "1.png"], ["fear"] * 2, [one, two]).tolist() == [0, 1]


def test_a_long_film_is_followed_from_batch_to_batch(monkeypatch) -> None:
    monkeypatch.setattr("siamese.gallery.sequences._BATCH", 3)
    sources = [f"frame {n}.png" for n in range(20)]
    assert set(sequences_of(sources, ["fear"] * 20, film(0, 10) + film(1, 10)).tolist()) == {0, 10}
