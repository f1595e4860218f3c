"""Summaries of an album: who is chosen, against trying every choice; what is never chosen twice; and the sheet."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from siamese.errors import AlbumError
from siamese.gallery.album import (
    Highlight,
    cost,
    different_photos,
    draw_sheet,
    medoids,
    nearest_of_photo,
    summarise,
)
from siamese.vocabulary import EMOTIONS, emotion_of
from tests.gallery.made_up import unit_rows
from tests.tiny import draw_face


@dataclass(frozen=True, eq=False)
class Face:
    """As much of a reading as an album needs."""

    embedding: NDArray[np.float32]
    emotion: str = "happiness"
    portrait: NDArray[np.uint8] = None  # type: ignore[assignment]


def noise(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (48, 48, 3), dtype=np.uint8)


def face(label: int, seed: int, like: NDArray[np.uint8] | None = None) -> Face:
    """A face of this emotion: its embedding lies near the emotion's own direction, its picture is like no other."""
    embedding = 4 * np.eye(len(EMOTIONS))[label] + 0.3 * np.random.default_rng(seed).normal(size=len(EMOTIONS))
    embedding = (embedding / np.linalg.norm(embedding)).astype(np.float32)
    return Face(embedding, EMOTIONS[label], noise(seed) if like is None else like)


def album(labels: list[int]) -> dict[str, list[Face]]:
    return {f"{number}.jpg": [face(label, number)] for number, label in enumerate(labels)}


def test_each_expression_has_its_photo_however_rare_it_is() -> None:
    chosen = summarise(album([1] * 40 + [4] * 3 + [2] * 2 + [0] * 10), 4)
    assert [(each.emotion, each.stands_for) for each in chosen] == [
        ("happiness", 40),
        ("neutral", 10),
        ("anger", 3),
        ("surprise", 2),
    ]


@given(labels=st.lists(st.integers(0, 7), min_size=1, max_size=20), count=st.integers(1, 25))
@settings(max_examples=30)
def test_every_photo_is_stood_for_once_and_none_is_chosen_twice(labels: list[int], count: int) -> None:
    photos = album(labels)
    chosen = summarise(photos, count)
    assert len(chosen) == len({each.photo for each in chosen}) == min(count, len(labels))
    assert sum(each.stands_for for each in chosen) == len(labels)
    assert [each.to_dict() for each in summarise(photos, count)] == [each.to_dict() for each in chosen]
    for each in chosen:
        assert each.emotion == photos[each.photo][each.face].emotion
        assert each.portrait is photos[each.photo][each.face].portrait


def test_a_burst_is_shown_once_and_stands_for_all_of_it() -> None:
    burst = {f"burst {number}": [face(1, 7, noise(7) // 2 + number)] for number in range(9)}
    chosen = summarise({**burst, **album([2, 4])}, 6)
    assert (chosen[0].photo, chosen[0].stands_for) == ("burst 0", 9)
    assert len(chosen) == 3


def test_another_expression_in_the_same_light_is_not_a_repeat() -> None:
    chosen = summarise({"a": [face(1, 7)], "b": [face(4, 8, noise(7))]}, 2)
    assert {each.emotion for each in chosen} == {"happiness", "anger"}


def test_a_photo_of_several_people_is_chosen_once_for_all_of_them() -> None:
    group = [face(4, 100), face(1, 101), face(2, 102)]
    photos = {**album([1, 1, 1, 2, 2]), "group": group, "nobody": []}
    (only,) = summarise(photos, 1)
    assert (only.photo, only.stands_for) == ("group", 6)
    assert only.to_dict() == {"photo": "group", "face": 1, "emotion": "happiness", "stands_for": 6}


def test_one_photo_stands_for_itself() -> None:
    (only,) = summarise(album([3]), 12)
    assert (only.photo, only.face, only.emotion, only.stands_for) == ("0.jpg", 0, "sadness", 1)


@pytest.mark.parametrize(("photos", "count"), [({}, 3), ({"nobody": []}, 3), (album([1]), 0)])
def test_without_a_face_or_room_there_is_a_sentence(photos: dict[str, list[Face]], count: int) -> None:
    with pytest.raises(AlbumError, match=r"nothing to summarise|at least one photo"):
        summarise(photos, count)


PROBLEMS = {"rows": st.integers(1, 9), "seed": st.integers(0, 999), "count": st.integers(1, 4)}


def problem(rows: int, seed: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    vectors = unit_rows(rows, seed, 3).astype(np.float64)
    return 1 - vectors @ vectors.T, np.random.default_rng(seed).uniform(0.1, 1, rows), min(rows, count)


def test_medoids_are_mostly_the_best_of_all_choices_and_never_far_from_it() -> None:
    above = []
    for seed in range(100):
        distances, weights, count = problem(8, seed, 3)
        chosen = medoids(distances, weights, count).tolist()
        best = min(cost(distances, weights, each) for each in itertools.combinations(range(8), count))
        above.append(cost(distances, weights, chosen) / best)
        assert len(set(chosen)) == count
    assert min(above) > 1 - 1e-6
    assert np.mean(np.array(above) < 1 + 1e-6) > 0.8
    assert np.mean(above) < 1.02
    assert max(above) < 1.5


@given(**PROBLEMS)
def test_no_single_exchange_makes_medoids_better(rows: int, seed: int, count: int) -> None:
    distances, weights, count = problem(rows, seed, count)
    chosen = medoids(distances, weights, count).tolist()
    left = cost(distances, weights, chosen)
    for place, other in itertools.product(range(count), range(rows)):
        assert cost(distances, weights, [*chosen[:place], other, *chosen[place + 1 :]]) >= left - 1e-6


def test_the_distance_from_a_photo_is_that_from_its_nearest_face() -> None:
    distances = np.arange(16.0).reshape(4, 4)[:, ::-1]
    owners = np.array([0, 1, 1, 2])
    expected = [[min(row[owners == photo]) for photo in range(3)] for row in distances]
    np.testing.assert_array_equal(nearest_of_photo(distances, owners), expected)


def test_a_photo_repeats_another_only_with_all_its_faces() -> None:
    """Photo 1 shows the face of photo 0 and one more; photo 2 only that one more."""
    owners = np.array([0, 1, 1, 2])
    repeats = np.eye(4, dtype=bool)
    repeats[0, 1] = repeats[1, 0] = repeats[2, 3] = repeats[3, 2] = True
    assert different_photos(repeats, owners).tolist() == [0, 1]


def highlights(count: int) -> list[Highlight]:
    return [
        Highlight(f"{number}.jpg", 0, EMOTIONS[number % 8], number + 1, draw_face(number % 8, number))
        for number in range(count)
    ]


@pytest.mark.parametrize(("count", "columns", "shape"), [(1, None, (1, 1)), (5, None, (3, 2)), (4, 9, (4, 1))])
def test_the_sheet_has_a_place_for_each(count: int, columns: int | None, shape: tuple[int, int]) -> None:
    sheet = draw_sheet(highlights(count), columns)
    tile = draw_sheet(highlights(1)).size
    gap = 16
    assert sheet.size == tuple(number * (side - gap) + gap for number, side in zip(shape, tile, strict=True))


def test_the_sheet_shows_each_face_with_its_emotions_colour() -> None:
    sheet = np.asarray(draw_sheet(highlights(3), 3))
    for number, highlight in enumerate(highlights(3)):
        left = 16 + number * 216
        shown = Image.fromarray(highlight.portrait).resize((200, 200), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(sheet[16:216, left : left + 200], np.asarray(shown))
        assert "#{:02x}{:02x}{:02x}".format(*sheet[218, left + 100]) == emotion_of(highlight.emotion).colour


def test_a_long_name_stays_within_its_place_and_a_grey_portrait_is_drawn() -> None:
    named = Highlight("a.jpg", 0, "an expression that took a whole evening to teach", 3, noise(0)[:, :, 0])
    sheet = np.asarray(draw_sheet([named]))
    assert sheet.shape[2] == 3
    assert (sheet[221:, 216:] == 255).all()


def test_an_empty_sheet_is_refused() -> None:
    with pytest.raises(AlbumError, match="no photo to draw"):
        draw_sheet([])
