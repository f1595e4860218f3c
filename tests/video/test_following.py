"""Following: frame by frame the faces are those of the photos that the frames are, at a part of the searching."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.scenes import enlarged, swaying
from siamese import ExpressionService
from siamese.faces.decode import decode
from siamese.settings import Settings
from siamese.video.following import FaceStream
from siamese.video.smoothing import exponential

WIDTH, HEIGHT = 640, 480
FRAMES = 24  # at ten a second, so that a whole second passes twice
LANDMARKS_APART = 0.04  # of the box's side; a third of a pixel of the crop


@pytest.fixture(scope="module")
def service(reference: Path) -> ExpressionService:
    return ExpressionService.load(reference)


@pytest.fixture(scope="module")
def frames(astronaut: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return swaying(astronaut, WIDTH, HEIGHT, FRAMES)


@pytest.fixture(scope="module")
def empty() -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), 120, np.uint8)


def test_what_is_followed_is_what_a_search_of_each_frame_finds(service: ExpressionService, frames):
    stream = service.follow()
    for number, frame in enumerate(frames):
        (sighting,), (found,) = stream.read(frame, number / 10), service.recognise(frame)
        assert sighting.number == 1
        side = (found.box[2:] - found.box[:2]).mean()
        assert np.abs(sighting.momentary.landmarks - found.landmarks).max() < LANDMARKS_APART * side
        assert sighting.momentary.embedding @ found.embedding > 0.98


def test_the_whole_frame_is_searched_once_a_second_alone(service: ExpressionService, frames):
    stream = service.follow()
    for number, frame in enumerate(frames):
        stream.read(frame, number / 10)
    assert stream.searches == 3  # at 0, 1 and 2 seconds


def test_the_first_reading_is_the_photos(service: ExpressionService, frames):
    (sighting,), (found,) = service.follow().read(frames[0], 0), service.recognise(frames[0])
    assert sighting.steady.probabilities == pytest.approx(found.probabilities)
    assert sighting.steady.emotion == found.emotion


def test_steady_readings_are_averages_of_the_momentary_ones(service: ExpressionService, frames):
    stream = service.follow()
    stream.smooth_by(exponential(2, 0.5))
    before, now = (stream.read(frame, number / 10)[0] for number, frame in enumerate(frames[:2]))
    for name, share in now.steady.probabilities.items():
        by_hand = (now.momentary.probabilities[name] + 0.5 * before.momentary.probabilities[name]) / 1.5
        assert share == pytest.approx(by_hand)
    assert now.steady.confidence == now.steady.probabilities[now.steady.emotion]


def test_a_face_that_leaves_is_gone_and_keeps_its_number_when_it_is_soon_back(service, frames, empty):
    stream = service.follow()
    assert len(stream.read(frames[0], 0)) == 1
    assert stream.read(empty, 0.1) == []
    assert [each.number for each in stream.read(frames[1], 0.2)] == [1]
    assert [each.number for each in stream.read(frames[1], 9.0)] == [2]


def test_a_face_that_comes_is_found_within_a_second(service: ExpressionService, frames):
    one = np.concatenate([frames[0], np.full_like(frames[0], 120)], axis=1)
    both = one.copy()
    both[-HEIGHT // 3 :, -WIDTH // 3 :] = frames[0][::3, ::3][: HEIGHT // 3 + 1, : WIDTH // 3 + 1]
    stream = service.follow()
    assert len(stream.read(one, 0)) == 1
    assert [len(stream.read(both, seconds)) for seconds in (0.5, 1.1)] == [1, 2]


@pytest.fixture(scope="module")
def close_ups(service: ExpressionService, group_photos: list[Path]) -> list[NDArray[np.uint8]]:
    """Of five photos the largest face, in the middle of a picture; that of the second photo is bowed too low."""
    chosen = [path for number, path in enumerate(group_photos) if number != 1]
    return [close_up(service, decode(path, Settings().decode_limits)) for path in chosen]


def close_up(service: ExpressionService, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    box = service.faces(photo)[0].box
    middle, reach = (box[:2] + box[2:]) / 2, 1.5 * (box[3] - box[1])
    part = Image.fromarray(photo).crop([*(middle - reach), *(middle + reach)])
    return enlarged(part, WIDTH, HEIGHT)


def numbers(stream: FaceStream, scenes: list[list[NDArray[np.uint8]]]) -> list[set[int]]:
    """Those of the largest face in each scene."""
    found, count = [], 0
    for frames in scenes:
        found.append(set())
        for frame in frames:
            found[-1] |= {each.number for each in stream.read(frame, count / 10)[:1]}
            count += 1
    return found


def test_after_a_cut_another_in_the_same_place_is_another(service: ExpressionService, close_ups):
    scenes = [swaying(picture, WIDTH, HEIGHT, FRAMES)[:3] for picture in close_ups]
    stream = service.follow()
    told = numbers(stream, scenes)
    assert [len(each) for each in told] == [1] * len(close_ups) and len(set.union(*told)) == len(close_ups)
    assert stream.cuts == len(close_ups) - 1


def test_cuts_that_are_not_sought_are_not_noticed(service: ExpressionService, close_ups):
    blind = replace(Settings().following, cut_below=-1)
    stream = FaceStream(service.detector, service.follow()._read, blind, max_faces=8)
    assert numbers(stream, [[picture] for picture in close_ups[:2]]) == [{1}, {1}]


def test_after_a_cut_the_whole_frame_is_searched(service: ExpressionService, close_ups):
    stream = service.follow()
    numbers(stream, [[picture] * 3 for picture in close_ups[:3]])
    assert stream.searches == 3


def test_who_is_seen_again_after_a_cut_keeps_the_number(service: ExpressionService, close_ups):
    one, other = close_ups[:2]
    first, second, third = numbers(service.follow(), [[one] * 2, [other] * 2, [np.roll(one, 60, axis=1)] * 2])
    assert first == third != second


def test_frames_may_change_their_size(service: ExpressionService, frames):
    stream = service.follow()
    assert len(stream.read(frames[0], 0)) == 1
    assert len(stream.read(frames[0][::2, ::2], 0.1)) == 1


def test_of_more_faces_than_are_allowed_the_largest_are_read(service: ExpressionService, frames):
    both = np.concatenate([frames[0], frames[0]], axis=1)
    few = FaceStream(service.detector, service.follow()._read, service.settings.following, max_faces=1)
    assert len(few.read(both, 0)) == 1


def test_settings_say_how_often_is_searched(service: ExpressionService, frames):
    always = replace(Settings().following, search_seconds=0)
    stream = FaceStream(service.detector, service.follow()._read, always, max_faces=8)
    for number, frame in enumerate(frames[:5]):
        stream.read(frame, number / 10)
    assert stream.searches == 5
