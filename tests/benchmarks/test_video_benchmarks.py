"""The benchmarks of videos: films are what they say, perfect choices are told as such, and both run end to end."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cuts, films, keyframes, videos
from benchmarks.films import Film, Look, Scene
from siamese.datasets.samples import Samples
from siamese.settings import VideoSettings
from siamese.video.following import Sighting
from siamese.video.frames import opened
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face


@pytest.fixture(scope="module")
def looks() -> list[Look]:
    return [Look(emotion, draw_face(label)[..., 0]) for label, emotion in enumerate(EMOTIONS)]


def test_a_film_shows_every_look_and_never_one_twice_running(looks: list[Look]) -> None:
    film = films.made_film(looks, 90, still=True, seed=1)
    shown = [scene.look for scene in film.scenes]
    assert set(shown) == set(range(films.LOOKS)) and film.seconds == 90
    assert all(one != other for one, other in pairwise(shown))
    assert [scene.end for scene in film.scenes[:-1]] == [scene.start for scene in film.scenes[1:]]
    assert {film.looks[look].emotion for look in shown} == set(EMOTIONS)


def test_a_film_and_its_repetition_are_as_long_as_they_say(looks: list[Look], tmp_path: Path) -> None:
    film = films.made_film(looks, 2, still=False, seed=1)
    once = films.write(film, tmp_path / "once.mp4", 160, 90)
    thrice = films.repeat(once, 3, tmp_path / "thrice.mp4")
    for path, seconds in ((once, 2), (thrice, 6)):
        with opened(path, VideoSettings()) as video:
            times = [frame.seconds for frame in video.frames()]
            assert video.duration == pytest.approx(seconds, abs=0.05) and video.faults == ()
        assert times == pytest.approx(np.arange(seconds * films.RATE) / films.RATE, abs=0.002)


def test_one_expression_turns_into_the_next(looks: list[Look]) -> None:
    film = Film(tuple(looks), (Scene(0, 1, 0), Scene(1, 2, 2)), still=True, seed=0)
    before, half, after = (list(films.frames(film, 160, 90))[number].astype(int) for number in (20, 30, 45))
    assert np.abs(half - (before + after) / 2).max() <= 1 and np.abs(before - after).max() > 50


def test_what_is_found_is_counted(looks: list[Look]) -> None:
    scenes = (Scene(0, 2, 0), Scene(2, 4, 1), Scene(4, 6, 0), Scene(6, 8, 2))
    film, tally = Film(tuple(looks), scenes, still=True, seed=0), keyframes.Tally()
    tally.add(film, [1.0, 3.0, 5.0, 7.0], 0.1)
    tally.add(film, [2.1, 2.3, 5.0], 0.3)  # in between, still the first look; in between, the second; the first again
    assert tally.looks == [1, pytest.approx(2 / 3)] and tally.scenes == [1, 0.75]
    assert (tally.frames, tally.duplicates, tally.between) == ([4, 3], [1, 1], [0, 2])
    assert tally.to_dict()["milliseconds"] == pytest.approx(0.2)


def test_the_methods_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    keyframes.main(["--films", "1", "--seconds", "6", "--width", "320", "--height", "180", "--json"])
    kinds = json.loads(capsys.readouterr().out)["kinds"]
    assert set(kinds) == set(keyframes.KINDS.values())
    for methods in kinds.values():
        assert methods[keyframes.EVEN]["frames"] == 20
        assert all(0 <= figures["looks"] <= 1 and figures["frames"] <= 20 for figures in methods.values())
        assert methods[keyframes.OURS]["looks"] > 0
    assert "| ours, on embeddings |" in keyframes.rows(kinds)


@pytest.mark.slow
def test_videos_are_read_by_processes_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    videos.main(["--minutes", "0.05", "0.1", "--width", "320", "--height", "180", "--json"])
    told = json.loads(capsys.readouterr().out)
    short, long = told["videos"]
    assert (short["frames"], long["frames"]) == (pytest.approx(30, abs=1), pytest.approx(60, abs=1))
    assert 0 < short["megabytes_before"] < short["megabytes"] and 0.5 < told["ratio"] < 1.5
    assert "| 0.1 |" in videos.rows(told["videos"])


def sighting(number: int) -> Sighting:
    return Sighting(number, None, None)  # type: ignore[arg-type]


class Answers:
    """In place of a stream: of each frame, the numbers that it is told."""

    searches = 3

    def __init__(self, numbers: list[list[int]]) -> None:
        self._numbers = iter(numbers)

    def read(self, frame: None, seconds: float) -> list[Sighting]:
        return [sighting(number) for number in next(self._numbers)]


def test_people_who_are_merged_and_split_are_counted() -> None:
    scenes = [[[1]] * cuts.FRAMES, [[1]] * cuts.FRAMES, [[2]] * 20 + [[3]] * 10, [[4]] * 15 + [[]] * 15]
    film = [[None] * cuts.FRAMES] * 4
    found = cuts.told(Answers([numbers for scene in scenes for numbers in scene]), film)
    assert (found.cuts, found.merged, found.split, found.searches) == (3, 1, 1, 3)
    assert found.seen == 105 / 120
    both = cuts.together([found, found])
    assert (both.cuts, both.merged, both.split, both.seen) == (6, 2, 2, found.seen)


def test_in_each_scene_one_picture_of_another_person_turns_into_another() -> None:
    faces = np.stack([np.full((48, 48), level, np.uint8) for level in (40, 90, 140, 190)])
    labels = np.array([0, 1, 0, 1])
    people = ("a", "a", "b", "b")
    samples = Samples("made", "all", "label", faces, np.eye(8, dtype=np.float32)[labels], labels, ("",) * 4, people)
    middle = slice(220, 260), slice(300, 340)
    film = list(cuts.made_film(samples, 2, elsewhere=False, seed=0))
    levels = [[int(np.median(frame[middle])) for frame in (scene[0], scene[-1])] for scene in film]
    assert sorted(level for scene in levels for level in scene) == [40, 90, 140, 190]
    assert all(abs(first - last) == 50 for first, last in levels)
