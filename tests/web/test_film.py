"""A video's report as HTML: a chart with gaps, tables that hold the readings, and nothing that is not escaped."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from siamese.video.keyframes import KeyFrame
from siamese.video.timeline import FaceTimeline
from siamese.video.watching import VideoReport
from siamese.vocabulary import EMOTIONS, emotion_of
from siamese.web import film as module
from siamese.web.film import MOST_FACES, chart, clock, film, summary


def face(number: int = 1, names: tuple[str, ...] = EMOTIONS) -> FaceTimeline:
    """Happy for four seconds, gone for two, then angry for four."""
    seconds = np.array([0.0, 1, 2, 3, 6, 7, 8, 9])
    labels = np.array([1] * 4 + [4] * 4)
    probabilities = np.full((8, len(names)), 0.1 / (len(names) - 1), np.float32)
    probabilities[np.arange(8), labels] = 0.9
    return FaceTimeline(number, names, seconds, np.ones(8), labels, probabilities, np.zeros((8, 4), np.float32))


def report(*faces: FaceTimeline, notes: tuple[str, ...] = (), name: str = "film.mp4") -> VideoReport:
    moment = KeyFrame(1, 6.3, "anger", 0.9, np.zeros(4, np.float32))
    moments = {each.number: [moment] if each.number == 1 else [] for each in faces}
    return VideoReport(Path("/uploads") / name, (640, 360), 10.0, 10.0, True, 100, faces, moments, notes)


def test_the_chart_has_a_band_for_each_emotion_in_its_colour_with_a_gap_where_the_face_is_gone() -> None:
    drawn = chart(face(), 10, [])
    assert [each in drawn for each in (emotion_of(name).colour for name in EMOTIONS)] == [True] * len(EMOTIONS)
    path = re.search(rf'fill="{emotion_of("anger").colour}" d="([^"]*)"', drawn)
    assert path
    pieces = [piece for piece in path[1].split("M") if piece]
    edges = [sorted(float(point.split(",")[0]) for point in piece.rstrip("Z").split()) for piece in pieces]
    assert [(xs[0], xs[-1]) for xs in edges] == [(0, 96), (144, 240)]  # of 240: 0 to 4 s, and 6 to 10 s
    heights = [float(point.split(",")[1]) for piece in pieces for point in piece.rstrip("Z").split()]
    assert max(heights) == pytest.approx(100 * (0.9 + 0.1 * 4 / 7), abs=0.1) and min(heights) >= 0


def test_the_chart_says_in_words_what_it_shows_and_marks_its_moments() -> None:
    drawn = chart(face(), 10, [KeyFrame(1, 2.5, "happiness", 0.9, np.zeros(4, np.float32))])
    assert "Shares of the time: happiness 50%, anger 50%" in drawn and 'style="left: 25.00%"' in drawn
    assert re.findall(r"<span>([\d:]+)</span>", drawn) == ["0:00", "0:02", "0:05", "0:07", "0:10"]


def test_times_in_a_short_film_are_told_to_a_tenth_of_a_second() -> None:
    short = replace(report(face()), read_seconds=9.2)
    times = re.findall(r"<span>([\d:.]+)</span>", film(short, {}))
    assert times == ["0:00.0", "0:02.3", "0:04.6", "0:06.9", "0:09.2"]
    assert "from 0:00.0 to" in film(short, {}) and "0:09.2 of video" in summary(short, 3)


def test_the_tables_are_held_by_links_and_tell_no_folder() -> None:
    told = summary(report(face()), 3, ["The copy ends where it was stopped."])
    table, object_ = (base64.b64decode(each).decode() for each in re.findall(r"base64,([^\"]*)", told))
    assert len(table.splitlines()) == 9
    assert json.loads(object_)["video"] == "film.mp4" and "/uploads" not in told + table + object_
    assert "1 face in film.mp4" in told and "The copy ends where it was stopped." in told


def test_tables_too_large_for_a_page_are_left_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = report(*(face(number) for number in range(1, MOST_FACES + 4)))  # 15 faces, 8 readings, 16 columns
    for most, tabled in ((15 * 8 * 16, True), (15 * 8 * 16 - 1, False)):
        monkeypatch.setattr(module, "_MOST_NUMBERS", most)
        told = summary(seen, 3)
        assert ("base64" in told) is tabled
        assert ("python -m siamese video FILE --csv TABLE.csv" in told) is not tabled
        assert f"3 more, seen for less long, {'are in the tables' if tabled else 'are not shown'}." in film(seen, {})


def test_without_a_face_the_reason_is_told_at_once() -> None:
    told = summary(report(notes=("No face was found in film.mp4.",)), 1)
    assert 'role="alert"' in told and film(report(), {}) == ""


def test_the_faces_that_were_seen_longest_are_shown_and_the_others_counted() -> None:
    shown = film(report(*(face(number) for number in range(1, MOST_FACES + 4))), {})
    assert shown.count("<section") == MOST_FACES and "3 more" in shown


def test_what_people_named_is_escaped() -> None:
    names = (*EMOTIONS[:4], "<b>sly</b>", *EMOTIONS[5:])
    shown = film(report(face(names=names)), {}) + summary(report(face(names=names), name="<i>.mp4"), 1)
    assert "<b>" not in shown and "<i>.mp4" not in shown


def test_times_are_as_a_clock_shows_them() -> None:
    assert [clock(seconds) for seconds in (0, 9.99, 60, 754.2)] == ["0:00", "0:09", "1:00", "12:34"]
    assert [clock(seconds, tenths=True) for seconds in (0, 9.99, 62.5)] == ["0:00.0", "0:09.9", "1:02.5"]
