"""The benchmarks of photos: scenes are what they say, a perfect detector is told as one, and servers are compared."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import detection, load, speed, stages
from benchmarks.scenes import Scene, made_scenes
from siamese import ExpressionService
from siamese.faces.detect import Face


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    faces = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    return made_scenes(faces, 20, seed=3)


def test_places_are_inside_their_photo_and_apart(scenes: list[Scene]):
    assert sum(len(scene.faces) for scene in scenes) > 10
    for scene in scenes:
        height, width, channels = scene.photo.shape
        assert channels == 3 and scene.photo.dtype == np.uint8
        for number, (left, top, right, bottom) in enumerate(scene.faces):
            assert 0 <= left < right <= width and 0 <= top < bottom <= height
            assert min(height, width) / 17 < right - left <= min(height, width) * 0.67
            for other in scene.faces[:number]:
                assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_the_same_seed_makes_the_same_scenes(scenes: list[Scene]):
    faces = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    for one, other in zip(made_scenes(faces, 20, seed=3), scenes, strict=True):
        np.testing.assert_array_equal(one.photo, other.photo)
        np.testing.assert_array_equal(one.faces, other.faces)


def face_at(place: NDArray[np.float32]) -> Face:
    left, top, right, bottom = (float(edge) for edge in place)
    shares = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    return Face(place, 0.99, (shares * [right - left, bottom - top] + [left, top]).astype(np.float32))


def test_a_perfect_detector_finds_all_and_one_that_errs_is_counted(scenes: list[Scene], reference: Path):
    service = ExpressionService.load(reference)
    places = {scene.photo.tobytes(): scene.faces for scene in scenes}

    def perfect(photo: NDArray[np.uint8]) -> list[Face]:
        return [face_at(place) for place in places[photo.tobytes()]]

    def erring(photo: NDArray[np.uint8]) -> list[Face]:
        """Misses the first face of each photo, and sees one in the corner, twice as large as the photo."""
        false = face_at(np.array([0, 0, 2 * photo.shape[1], 2 * photo.shape[0]], np.float32))
        return [*perfect(photo)[1:], replace(false, probability=0.1)]

    tallies = detection.measure(scenes, {"perfect": perfect, "erring": erring}, service)
    right, wrong = (tallies[name].to_dict(len(scenes)) for name in ("perfect", "erring"))
    assert (right["recall"], right["false_per_100"], right["same_reading"]) == (1, 0, 1)
    faces = sum(len(scene.faces) for scene in scenes)
    firsts = sum(len(scene.faces) > 0 for scene in scenes)
    assert wrong["recall"] == pytest.approx((faces - firsts) / faces) and wrong["false_per_100"] == 100
    assert wrong["landmarks_apart"] == 0
    assert "| erring |" in detection.rows({"perfect": right, "erring": wrong})


def test_actions_take_turns_and_are_told_as_multiples_of_ours():
    order: list[str] = []
    found = speed.milliseconds({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, repeats=3)
    assert set(found) == {"a", "b"} and order == ["a", "b"] * 5
    told = speed.rows({"small": {"ours": 2.0, "theirs": 9.0}}, "ours", "photo")
    assert told.splitlines()[-1] == "| small | 2.0 | 4.50 × |"


@pytest.mark.timeout(300)
def test_servers_are_compared_under_load(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(load, "_SETTLED", 10)
    with ThreadPoolExecutor(1) as thread:  # the browser that tests drive keeps a loop in this one
        thread.submit(load.main, ["--clients", "4", "--seconds", "1", "--requests", "30", "--json"]).result()
    servers = json.loads(capsys.readouterr().out)["servers"]
    assert set(servers) == {load.SERVICE, load.BARE}
    for figures in servers.values():
        assert figures["errors"] == {} and figures["requests"] >= 30 and figures["per_second"] > 0
        assert figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"] and figures["megabytes_before"] > 50
    assert "bare FastAPI" in load.rows(servers)


def test_the_stages_of_a_photo_are_all_there_is(capsys: pytest.CaptureFixture[str]):
    stages.main(["--width", "320", "--height", "240", "--repeats", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    for way in ("before", "after"):
        assert all(spent >= 0 for spent in found[way].values())
        for network in (stages.FIRST, stages.SECOND, stages.THIRD):
            assert found[way][network] > 0
    assert found["after"]["embedding"] > 0
    assert found["after"][stages.OTHER] < 0.5 * sum(found["after"].values())
