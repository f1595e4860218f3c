"""Timelines: shares are of time, curves and tables agree with sums made by hand."""

import csv
import io
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.video.following import Sighting
from siamese.video.timeline import FaceTimeline, Timeline, write_csv
from siamese.vocabulary import EMOTIONS
from tests.web.readings import a_reading


def sighting(number: int, emotion: str, confidence: float = 0.65) -> Sighting:
    reading = a_reading(emotion, confidence)
    return Sighting(number, reading, reading)


def timeline(*frames: tuple[float, dict[int, str]], end: float) -> list[FaceTimeline]:
    """Of frames: when each is, and what each face shows in it."""
    gathered = Timeline()
    for seconds, faces in frames:
        gathered.add(seconds, [sighting(number, emotion) for number, emotion in faces.items()])
    gathered.end(end)
    return gathered.faces()


def test_a_reading_holds_until_the_next_frame_whoever_is_in_that() -> None:
    first, second = timeline(
        (0.0, {1: "fear"}), (0.5, {1: "fear", 2: "anger"}), (2.0, {1: "anger"}), (2.5, {}), (4.0, {1: "anger"}), end=5.0
    )
    assert first.held.tolist() == [0.5, 1.5, 0.5, 1.0] and second.held.tolist() == [1.5]
    assert (first.first_seen, first.last_seen, first.seen_seconds) == (0, 5, 3.5)
    assert (second.first_seen, second.last_seen, second.seen_seconds) == (0.5, 2, 1.5)
    assert first.shares["fear"] == pytest.approx(2 / 3.5) and first.shares["anger"] == pytest.approx(1.5 / 3.5)
    assert (first.emotion, second.emotion) == ("fear", "anger")
    assert [first.at(seconds) for seconds in (0, 0.4, 0.5, 2.4, 2.5, 3.9, 4.5, 5, 9)] == [
        *(0, 0, 1, 2, None, None, 3, None, None)
    ]


_FRAMES = st.lists(
    st.tuples(st.floats(0.001, 3), st.dictionaries(st.integers(1, 3), st.sampled_from(EMOTIONS))),
    min_size=1,
    max_size=30,
)


@given(frames=_FRAMES, parts=st.integers(1, 40))
def test_shares_sum_to_one_and_the_curve_to_the_time_that_was_seen(
    frames: list[tuple[float, dict[int, str]]], parts: int
) -> None:
    times = np.cumsum([step for step, _ in frames])
    end = float(times[-1] + 0.5)
    faces = timeline(*((float(time), each) for time, (_, each) in zip(times, frames, strict=True)), end=end)
    for face in faces:
        assert sum(face.shares.values()) == pytest.approx(1)
        assert all(0 <= share <= 1 for share in face.shares.values())
        curve = face.curve(parts, end)
        assert curve.shape == (parts, len(EMOTIONS))
        seen = ~np.isnan(curve[:, 0])
        assert curve[seen].sum(axis=1) == pytest.approx(np.ones(seen.sum()), abs=1e-5)


@given(frames=_FRAMES, parts=st.integers(1, 12))
def test_a_curve_is_what_many_looks_at_the_timeline_average_to(
    frames: list[tuple[float, dict[int, str]]], parts: int
) -> None:
    times = np.cumsum([step for step, _ in frames])
    end = float(times[-1] + 0.5)
    faces = timeline(*((float(time), each) for time, (_, each) in zip(times, frames, strict=True)), end=end)
    looks = 4000 // parts
    for face in faces:
        for part, mean in enumerate(face.curve(parts, end)):
            rows = [face.at((part + (look + 0.5) / looks) * end / parts) for look in range(looks)]
            seen = [face.probabilities[row] for row in rows if row is not None]
            if len(seen) > looks / 20:
                assert mean == pytest.approx(np.mean(seen, axis=0), abs=0.03)


def test_the_table_and_the_json_give_the_shares_by_an_independent_sum() -> None:
    frames = [(0.0, {1: "fear", 2: "anger"}), (0.1, {2: "anger"}), (0.4, {1: "anger", 2: "anger"}), (0.8, {1: "fear"})]
    faces = timeline(*frames, end=1.0)
    file = io.StringIO()
    write_csv(faces, file)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [float(row["seconds"]) for row in rows] == sorted(float(row["seconds"]) for row in rows)
    assert [int(row["face"]) for row in rows if float(row["seconds"]) == 0] == [1, 2]
    held: dict[tuple[int, str], float] = defaultdict(float)
    for row in rows:
        held[int(row["face"]), row["emotion"]] += float(row["held"])
        assert sum(float(row[name]) for name in EMOTIONS) == pytest.approx(1, abs=0.001)
        assert [float(row[edge]) for edge in ("left", "top", "right", "bottom")] == [10, 10, 60, 60]
    for face in faces:
        told = face.to_dict()
        time = sum(told["timeline"]["held"])
        for name in EMOTIONS:
            shown = [name == emotion for emotion in told["timeline"]["emotion"]]
            assert np.dot(shown, told["timeline"]["held"]) / time == pytest.approx(told["shares"][name])
            assert held[face.number, name] / time == pytest.approx(told["shares"][name])
        columns = told["timeline"]["probabilities"]
        mine = [row for row in rows if int(row["face"]) == face.number]
        assert [[float(row[name]) for row in mine] for name in columns] == list(columns.values())


def test_an_expression_that_is_taught_meanwhile_is_a_column_from_then_on() -> None:
    gathered = Timeline()
    gathered.add(0.0, [sighting(1, "fear")])
    reading = a_reading("fear")
    more = {**{name: share / 2 for name, share in reading.probabilities.items()}, "smirk": 0.5}
    taught = a_reading("smirk")
    object.__setattr__(taught, "probabilities", more)
    gathered.add(1.0, [Sighting(1, taught, taught)])
    gathered.add(2.0, [sighting(1, "fear")])
    gathered.end(3.0)
    (face,) = gathered.faces()
    assert face.names == (*EMOTIONS, "smirk") and face.probabilities[:, -1].tolist() == [0, 0.5, 0]
    assert face.shares["smirk"] == pytest.approx(1 / 3)


def test_boxes_are_told_in_the_videos_own_pixels() -> None:
    gathered = Timeline()
    gathered.add(0.0, [sighting(1, "fear")], scale=1.5)
    gathered.end(1.0)
    assert gathered.faces()[0].boxes.tolist() == [[15, 15, 90, 90]]


def test_without_a_face_there_is_only_a_head() -> None:
    file = io.StringIO()
    write_csv(timeline((0.0, {}), end=1.0), file)
    assert file.getvalue() == "seconds,held,face,emotion,left,top,right,bottom\n"
