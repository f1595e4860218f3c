"""The benchmarks of live readings: figures are those by hand, and both forms of each page are told."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks import live, smoothing
from siamese import ExpressionService
from siamese.video.smoothing import exponential, linear, none


def clip(*labels: int, label: int = 0) -> smoothing.Clip:
    """A clip that shows these labels, frame by frame, with certainty."""
    return smoothing.Clip(np.eye(3)[list(labels)], label)


def test_flicker_counts_changes_a_second_after_the_start():
    still = clip(*[0] * 28)
    wild = clip(*[1, 2] * 3, *[0] * 11, 1, *[0] * 10)  # what happens in the first seven frames does not count
    figures = smoothing.measure([still, wild, clip(*[1] * 28, label=1)], none())
    assert figures.flicker == pytest.approx(2 / (60 / smoothing.RATE))
    assert figures.right == pytest.approx((21 + 20 + 21) / 63)
    assert figures.delay == pytest.approx((4 * 1 + 2 * 1 + 2 * 7) / 8)  # the wild one settles after seven frames


def test_delay_counts_frames_until_the_change_is_shown():
    before, after = clip(*[0] * 20).readings, clip(*[1] * 20).readings
    assert smoothing.delay(before, after, none()) == 1
    assert smoothing.delay(before, after, linear(5)) == 2  # 5 of 15, then 9 of 15
    assert smoothing.delay(before, after, exponential(30, 1.0)) == 15 + 1  # more than half of 30: the clip has 20
    assert smoothing.delay(before, after, exponential(30, 1.0, lead=0.9)) == 20  # never


def test_a_clip_is_still_but_for_what_a_camera_adds():
    face = np.random.default_rng(0).integers(0, 256, (48, 48), dtype=np.uint8)
    frames = list(smoothing.clip_frames(face, 3, seed=1))
    again = list(smoothing.clip_frames(face, 3, seed=1))
    for frame, same in zip(frames, again, strict=True):
        assert frame.shape == (240, 320, 3) and frame.dtype == np.uint8
        np.testing.assert_array_equal(frame, same)
    difference = np.abs(frames[0].astype(int) - frames[1].astype(int))
    assert 1 < difference.mean() < 40


def test_ways_of_smoothing_are_compared(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SEMBLANCE_REFERENCE", str(reference))
    monkeypatch.setattr(smoothing, "WINDOWS", (3,))
    monkeypatch.setattr(smoothing, "read_clips", lambda *_: [clip(*[k % 3] * 20, label=k % 3) for k in range(8)])
    words = ["--root", str(tmp_path), "--clips", "8", "--frames", "20"]
    smoothing.main([*words, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert set(told["ways"]) == {smoothing.NONE, smoothing.LINEAR, smoothing.EXPONENTIAL, smoothing.SHIPPED}
    assert all(way["flicker"] == 0 and way["delay"] >= 1 for way in told["ways"].values())
    smoothing.main(words)
    assert "| as it ships |" in capsys.readouterr().out


def test_a_face_is_followed_through_its_clip(reference: Path, astronaut: NDArray[np.uint8]):
    face = np.asarray(Image.fromarray(astronaut[60:190, 160:290]).convert("L").resize((48, 48)))
    readings = smoothing.read_clip(ExpressionService.load(reference), face, 4, seed=0)
    assert readings is not None and readings.shape == (4, 8)
    np.testing.assert_allclose(readings.sum(axis=1), 1, rtol=1e-6)
    assert smoothing.read_clip(ExpressionService.load(reference), np.full((48, 48), 90, np.uint8), 4, seed=0) is None


def test_a_cameras_figures_are_those_by_hand():
    sent = [index / 10 for index in range(20)]
    answers = [
        (0.15, {"frame": 1, "dropped": 0, "faces": []}),
        (1.05, {"frame": 10, "dropped": 2, "faces": [1]}),
        (1.55, {"frame": 15, "dropped": 4, "faces": [1, 2]}),
    ]
    found = live.figures(sent, answers, 1.0, 2.0)
    assert found.sent == pytest.approx(10) and found.read == pytest.approx(2)
    assert found.p50_ms == pytest.approx(150) and found.faces == pytest.approx(1.5)
    assert found.dropped == pytest.approx(2 / 10)


@pytest.mark.stress  # some fifteen seconds; all tests together must end within twenty minutes
@pytest.mark.timeout(300)
def test_a_camera_is_watched(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    one = live.scenarios(tmp_path)[0]
    monkeypatch.setattr(live, "scenarios", lambda _: [one])
    with ThreadPoolExecutor(1) as thread:  # the browser that tests drive keeps a loop in this one
        for words in (["--json"], []):
            thread.submit(live.main, ["--seconds", "1", *words]).result()
    as_json, page = capsys.readouterr().out.split("\n", 1)
    (figures,) = json.loads(as_json)["cameras"].values()
    assert figures["faces"] == 1 and 0 < figures["read"] <= figures["sent"] + 1
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert "| 640×480, one face |" in page
