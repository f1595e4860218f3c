"""The tab Video without a browser: what a reading may take of time and room, and what is said where that ends it."""

from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from numpy.typing import NDArray

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.video.keyframes import KeyFrame
from siamese.web import video
from tests.video.made_up import faces, write_video


@pytest.fixture(scope="module")
def film(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of one face."""
    return write_video(tmp_path_factory.mktemp("films") / "film.mp4", faces(astronaut, 10))


def read(
    reference: Path, film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> tuple[str, str | None]:
    """The status, as HTML, and the marked copy's path of a reading for which a copy was asked."""
    monkeypatch.setattr(video, "get_upload_folder", lambda: str(folder))
    service = ExpressionService.load(reference, settings=Settings(**settings))
    status, _, copy, *_ = video._Reading(service, film, Event(), gr.Progress()).answer(with_copy=True)
    return status, copy["value"]


def test_a_copy_is_put_with_the_uploads(
    reference: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, copy = read(reference, film, tmp_path, monkeypatch)
    assert "1 face in film.mp4" in status and "film-note" not in status
    assert copy is not None and Path(copy).is_relative_to(tmp_path) and Path(copy).name == "film marked.mp4"


def test_where_uploads_have_no_room_left_the_figures_come_without_a_copy(
    reference: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "others").write_bytes(bytes(2000))
    status, copy = read(reference, film, tmp_path, monkeypatch, upload_bytes=1000)
    assert "1 face in film.mp4" in status and "There is no room for a copy now. Try again in a few minutes." in status
    assert copy is None and [path.name for path in tmp_path.iterdir()] == ["others"]


def test_a_video_that_takes_too_long_is_left_with_what_was_read(
    reference: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr(video, "monotonic", lambda: float(next(clock)))  # it ticks whenever it is looked at
    status, copy = read(reference, film, tmp_path, monkeypatch, page_video_work_seconds=9)
    assert "Reading was stopped after 0." in status and "what was read until then is kept" in status
    assert "This page works on a video for 9 seconds at most." in status
    assert copy is None and "No copy was made" in status


@pytest.mark.parametrize(("seconds", "fetched"), [(10.0, 3), (-1.0, 1)])
def test_moments_of_what_was_read_are_fetched_after_a_stop_but_not_for_long(
    seconds: float, fetched: int, reference: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "_FETCHING", seconds)
    service = ExpressionService.load(reference)
    report = service.watch(film)
    (face,) = report.faces
    box = np.array([0, 0, 90, 90], np.float32)
    moments = [KeyFrame(face.number, second, "fear", 0.9, box) for second in (0.0, 0.3, 0.6)]
    stopped = Event()
    stopped.set()
    reading = video._Reading(service, film, stopped, gr.Progress())
    portraits, missing = reading._portraits(replace(report, key_frames={face.number: moments}))
    assert len(portraits) == fetched
    assert missing == ([] if fetched == 3 else ["Moments shown: 1 of 3. There was no time for the others."])


def test_flags_of_sessions_that_never_end_go_with_time() -> None:
    now = 0.0
    stops = video._Stops(seconds=10, clock=lambda: now)
    sessions = [SimpleNamespace(session_hash=str(number)) for number in range(4)]
    first, second = stops.begin(sessions[0]), stops.begin(sessions[1])
    now = 6.0
    assert stops.begin(sessions[0]) is not first  # begun again, its time begins anew
    now = 12.0
    stops.begin(sessions[2])
    assert len(stops) == 2 and stops.of(sessions[1]) is not second
    stops.stop(sessions[0])
    assert stops.of(sessions[0]).is_set()
