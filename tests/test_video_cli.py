"""`python -m siamese video`: a table, CSV, JSON, frames and a copy; Ctrl-C keeps what was read."""

import csv
import json
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from siamese import ExpressionService, video_cli
from siamese.cli import USER_ERROR
from siamese.errors import VideoError
from siamese.video.keyframes import KeyFrame
from siamese.video.watching import VideoReport
from siamese.video_cli import _outcome, _print
from tests.test_cli import run
from tests.video.made_up import faces, greys, write_video
from tests.video.test_timeline import timeline


@pytest.fixture(scope="module")
def film(astronaut: NDArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("films") / "film.mp4", faces(astronaut, 20))


def test_everything_is_written_and_told_as_one_object(
    film: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, folder, copy = tmp_path / "film.csv", tmp_path / "frames", tmp_path / "copy.mp4"
    options = ["--csv", table, "--frames", folder, "--annotated", copy, "--per-second", 5, "--json"]
    assert run("video", film, *options, "--reference", reference) == 0
    told = json.loads(capsys.readouterr().out)
    (face,) = told["faces"]
    assert (told["frames"], told["whole"], face["readings"]) == (10, True, 10)
    rows = list(csv.DictReader(table.open()))
    assert [row["emotion"] for row in rows] == face["timeline"]["emotion"]
    pictures = sorted(folder.iterdir())
    assert len(pictures) == len(face["key_frames"])
    assert all(Image.open(picture).size == (192, 192) for picture in pictures)
    assert [Path(name) for name in told["written"]] == [table, *pictures, copy] and copy.stat().st_size > 1000


def test_without_json_it_speaks_to_people(film: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("video", film, "--reference", reference) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "film.mp4, 0:02 read" in told and "0:00 to 0:02" in told and "%" in told


def test_on_a_narrow_terminal_each_emotion_is_whole_and_beside_its_share(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = ("neutral", "happiness", "surprise")
    seen = timeline(*((float(second), {1: name}) for second, name in enumerate(shown)), end=62)
    moments = [KeyFrame(1, second, name, 0.9, np.zeros(4, np.float32)) for second, name in enumerate(shown)]
    _print(VideoReport(Path("film.mp4"), (192, 192), 62, 62, True, 3, tuple(seen), {1: moments}, ()))
    told = capsys.readouterr().out
    assert all(
        words in told for words in ("neutral 2%", "happiness 2%", "surprise 97%", "0:00 neutral", "0:01 happiness")
    )


def pressing(during: str, after: int) -> Callable[[str], AbstractContextManager[Callable[[object], None]]]:
    """In place of the bar: what presses Ctrl-C during that work after so many frames."""

    @contextmanager
    def bar(what: str) -> Iterator[Callable[[object], None]]:
        told: list[object] = []

        def press(done: object) -> None:
            told.append(done)
            if what == during and len(told) == after:
                signal.raise_signal(signal.SIGINT)

        yield press

    return bar


def test_ctrl_c_keeps_what_was_read(
    film: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_cli, "_bar", pressing("Reading", 6))
    assert run("video", film, "--csv", tmp_path / "film.csv", "--json", "--reference", reference) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["frames"] == 6 and "Reading was stopped after 0.6 of 2.0 seconds" in err
    assert len((tmp_path / "film.csv").read_text().splitlines()) == 7


def test_of_a_copy_that_ctrl_c_ends_it_is_said_that_it_is_no_whole_one(
    film: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_cli, "_bar", pressing("Writing the copy", 6))
    assert run("video", film, "--annotated", tmp_path / "copy.mp4", "--json", "--reference", reference) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["frames"] == 20 and json.loads(out)["written"] == [str(tmp_path / "copy.mp4")]
    assert json.loads(out)["notes"] == ["The copy ends where it was stopped."] == err.splitlines()


def test_frames_that_ctrl_c_ends_are_as_many_as_were_written(
    film: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pictures(
        _: object, report: VideoReport, key_frames: Iterable[KeyFrame], cancelled: Callable[[], bool]
    ) -> Iterator[tuple[KeyFrame, NDArray]]:
        yield KeyFrame(1, 0.5, "fear", 0.9, np.zeros(4, np.float32)), np.zeros((8, 8, 3), np.uint8)
        signal.raise_signal(signal.SIGINT)
        assert cancelled()

    monkeypatch.setattr(ExpressionService, "pictures", pictures)
    assert run("video", film, "--frames", tmp_path, "--json", "--reference", reference) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["written"] == [str(tmp_path / "face 1 0000.500 fear.png")]
    assert err.strip() == "The frames end where it was stopped."


def test_a_video_without_a_face_is_told_so(reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wall = write_video(tmp_path / "wall.mp4", greys(3, 96, 128))
    assert run("video", wall, "--csv", tmp_path / "wall.csv", "--json", "--reference", reference) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["faces"] == [] and "No face was found in wall.mp4" in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--annotated", "copy.txt"], "ends in .mp4, .mov, .mkv"),
        (["--csv", "none/film.csv"], "there is no folder none"),
        (["--csv", "."], "it is a folder"),
        (["--csv", "/proc/film.csv"], "Nothing can be written to /proc/film.csv"),
        (["--annotated", "{folder}"], "it is a folder"),
        (["--annotated", "/proc/copy.mp4"], "No video can be written to /proc/copy.mp4"),
        (["--frames", "/proc"], "Nothing can be written to the folder /proc"),
        (["--frames", "/dev/null/frames"], "There can be no folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_video_is_read(
    options: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.mp4").mkdir()
    options = [word.replace("{folder}", str(tmp_path / "folder.mp4")) for word in options]
    assert run("video", tmp_path / "none.mp4", *options, "--reference", tmp_path / "none") == USER_ERROR
    assert sentence in capsys.readouterr().err


def test_what_was_read_is_told_though_a_file_cannot_be_written(
    film: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise VideoError("The copy cannot be written: No space left on device.")

    monkeypatch.setattr(ExpressionService, "annotate", failing)
    table, copy = tmp_path / "film.csv", tmp_path / "copy.mp4"
    options = ["--frames", tmp_path, "--annotated", copy, "--reference", reference]
    assert run("video", film, "--csv", "/dev/full", *options, "--json") == USER_ERROR
    out, err = capsys.readouterr()
    assert json.loads(out)["frames"] == 20 and not any(".mp4" in name for name in json.loads(out)["written"])
    assert "/dev/full cannot be written: No space left on device. The copy cannot be written" in err
    assert run("video", film, "--csv", table, *options) == USER_ERROR
    out, _ = capsys.readouterr()
    assert "film.mp4, 0:02 read" in out and "film.csv: written" in " ".join(out.split())


def test_files_before_and_after_one_that_fails_are_told() -> None:
    def failing() -> Iterator[Path]:
        yield Path("1.png")
        raise VideoError("2.png cannot be written.")

    assert _outcome(failing(), iter([Path("copy.mp4")])) == (
        [Path("1.png"), Path("copy.mp4")],
        ["2.png cannot be written."],
    )


def test_what_is_no_video_is_refused_with_a_sentence(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.mp4").write_text("Dear reader")
    assert run("video", tmp_path / "letter.mp4", "--reference", reference) == USER_ERROR
    assert "letter.mp4 is not a video that can be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--csv", "{film}"], ["--annotated", "{film}"], ["--csv", "x", "--annotated", "x"]]
)
def test_no_file_is_written_over_another(
    options: list[str], film: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = film.read_bytes()
    names = {"{film}": str(film), "x": str(tmp_path / "both.mp4")}
    assert run("video", film, *(names.get(word, word) for word in options), "--reference", reference) == USER_ERROR
    assert "a name of its own" in capsys.readouterr().err and film.read_bytes() == before
