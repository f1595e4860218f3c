"""Photos that are sent to the page: they lie in memory, where nobody else can look, and are soon gone."""

import http.client
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from siamese.errors import ImageError, SettingsError
from siamese.settings import Settings
from siamese.web import uploads
from siamese.web.sentences import duration
from siamese.web.uploads import bytes_in, hold, in_memory, needed, release, sweep, upload_folder
from tests.browser.serving import ROOT, served

MEMORY = Path("/dev/shm")
in_memory_only = pytest.mark.skipif(not in_memory(MEMORY), reason="No memory is mounted here as a folder.")


def send(address: str, *photos: Path) -> list[Path]:
    """Upload photos as the page does; the paths that the page is told."""
    files = [("files", (photo.name, photo.read_bytes())) for photo in photos]
    return [Path(each) for each in httpx.post(f"{address}/gradio_api/upload", files=files, timeout=60).json()]


def press(address: str, button: str) -> int:
    """The number of what is called first when that button of the page is pressed."""
    config = httpx.get(f"{address}/config", timeout=60).json()
    (key,) = (each["id"] for each in config["components"] if each["props"].get("elem_id") == button)
    return next(each["id"] for each in config["dependencies"] if [key, "click"] in each["targets"])


def later() -> float:
    return time.time() + 1


@contextmanager
def held_by_another_program(settings: Settings) -> Iterator[tuple[subprocess.Popen, Path]]:
    """A program that holds an upload folder, with a photo in it."""
    script = (
        "import time; from siamese.settings import Settings; from siamese.web.uploads import upload_folder\n"
        f"with upload_folder(Settings(uploads={str(settings.uploads)!r}, upload_bytes=1)) as folder:\n"
        "    (folder / 'photo').write_text('a face'); print(folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        try:
            yield program, Path(program.stdout.readline().strip())
        finally:
            program.kill()


# The page as a whole


@in_memory_only
def test_a_photo_is_read_from_memory_and_leaves_nothing_behind(reference: Path, portrait: Path, tmp_path: Path) -> None:
    with served("--reference", reference, TMPDIR=tmp_path, SEMBLANCE_UPLOAD_BYTES=10_000_000) as address:
        (photo,) = send(address, portrait)
        folder = photo.parents[1]
        assert folder.parent == MEMORY and photo.read_bytes() == portrait.read_bytes()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        client = Client(address, verbose=False, download_files=False)
        assert client.predict(handle_file(str(portrait)), api_name="/recognise")["faces"]
        middle = portrait.read_bytes()[1000:1100]
        assert not any(middle in each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert not folder.exists()


def test_a_photo_goes_a_while_after_it_was_last_used(reference: Path, portrait: Path) -> None:
    with served("--reference", reference, SEMBLANCE_UPLOAD_SECONDS=1) as address:
        (photo,) = send(address, portrait)
        until = time.monotonic() + 60
        while photo.exists():
            assert time.monotonic() < until
            time.sleep(0.1)


def test_a_video_goes_though_who_began_to_read_it_never_says_that_it_leaves(reference: Path, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"of any kind")
    variables = {"SEMBLANCE_UPLOAD_SECONDS": 1, "SEMBLANCE_PAGE_VIDEO_WAITING_SECONDS": 2}
    with served("--reference", reference, **variables) as address:
        (film,) = send(address, tmp_path / "film.mp4")
        begin = press(address, "video-read")
        file = {"path": str(film), "meta": {"_type": "gradio.FileData"}}
        asked = {"data": [file], "fn_index": begin, "session_hash": "one without a heartbeat"}
        assert httpx.post(f"{address}/gradio_api/run/predict", json=asked, timeout=60).is_success
        until = time.monotonic() + 60
        while film.exists():
            assert time.monotonic() < until
            time.sleep(0.1)


def test_no_more_is_taken_than_there_is_room_for(reference: Path, portrait: Path) -> None:
    room = portrait.stat().st_size * 3 // 2
    limits = {"SEMBLANCE_MAX_FILE_BYTES": room // 2, "SEMBLANCE_MAX_VIDEO_BYTES": room // 2}
    with served("--reference", reference, SEMBLANCE_UPLOAD_BYTES=room, **limits) as address:
        upload = f"{address}/gradio_api/upload"
        assert httpx.post(upload, files={"files": bytes(room)}).status_code == 413  # larger than all the room
        assert httpx.post(upload, files={"files": bytes(room * 2 // 3)}).status_code == 413  # than a file may be
        assert httpx.post(upload, files={"files": bytes(room // 3)}).status_code == 200
        assert httpx.post(upload, files={"files": bytes(room // 3)[1:]}).status_code == 200
        full = httpx.post(upload, files={"files": bytes(room // 3)[2:]})
        assert (full.status_code, full.text[:15]) == (503, "Too many photos")
        assert httpx.post(upload, content=iter([b"of no told length"])).status_code == 411


def begin_to_send(address: str, count: int) -> http.client.HTTPConnection:
    """An upload of so many bytes, of which none is sent yet."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", "/gradio_api/upload")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(count))
    connection.endheaders()
    return connection


def test_uploads_that_begin_together_find_room_once(reference: Path) -> None:
    with served("--reference", reference, SEMBLANCE_UPLOAD_BYTES=1_000_000) as address:
        first, second = begin_to_send(address, 900_000), begin_to_send(address, 900_000)
        assert first_answered(first, second).getresponse().status == 503
        for connection in (first, second):
            connection.close()
        until = time.monotonic() + 60
        while httpx.post(f"{address}/gradio_api/upload", files={"files": bytes(900_000)}).status_code == 503:
            assert time.monotonic() < until
            time.sleep(0.1)


def first_answered(*connections: http.client.HTTPConnection) -> http.client.HTTPConnection:
    """The one to which an answer comes, while the others wait for more bytes."""
    ready, _, _ = select.select([each.sock for each in connections], [], [], 60)
    return next(each for each in connections if each.sock in ready)


def test_who_sends_too_slowly_keeps_no_room(reference: Path) -> None:
    limits = {"SEMBLANCE_UPLOAD_BYTES": 1_000_000, "SEMBLANCE_SENDING_SECONDS": 1}
    with served("--reference", reference, **limits) as address:
        answer = begin_to_send(address, 900_000).getresponse()
        assert (answer.status, answer.read()[:28]) == (408, b"The upload took longer than ")
        assert httpx.post(f"{address}/gradio_api/upload", files={"files": bytes(900_000)}).is_success


# The folder


@in_memory_only
def test_it_is_in_memory_and_gone_at_the_end(tmp_path: Path) -> None:
    with upload_folder(Settings(upload_bytes=1)) as folder:
        (folder / "photo.png").write_bytes(b"a face")
        assert folder.parent == MEMORY and os.environ["GRADIO_TEMP_DIR"] == str(folder)
    assert not folder.exists() and os.environ.get("GRADIO_TEMP_DIR") != str(folder)


@pytest.mark.parametrize("cause", ["it is on a disk", "it is full", "it is not there"])
def test_where_memory_will_not_do_it_is_on_disk_and_the_log_says_so(
    cause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    place = {"it is on a disk": ROOT, "it is full": MEMORY, "it is not there": tmp_path / "nowhere"}[cause]
    with upload_folder(Settings(uploads=place, upload_bytes=10**18)) as folder:
        assert folder.parent == tmp_path and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()
    (told,) = caplog.messages
    assert f"private folder in {tmp_path}" in told and str(place) in told and "SEMBLANCE_UPLOADS" in told


def test_where_nothing_can_be_written_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = tmp_path / "nowhere"
    monkeypatch.setattr("tempfile.tempdir", str(nowhere))
    with pytest.raises(SettingsError, match=rf"photos that are sent .*{nowhere}.*TMPDIR"):  # noqa: SIM117
        with upload_folder(Settings(uploads=nowhere)):
            pass


@in_memory_only
def test_sigterm_removes_it_too() -> None:
    with held_by_another_program(Settings()) as (program, folder):
        assert (folder / "photo").exists()
        program.terminate()
        assert program.wait(60) == -signal.SIGTERM
    assert not folder.exists()


@in_memory_only
def test_the_next_program_removes_what_a_killed_one_left_and_nothing_of_one_that_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "_JUST_MADE", 0)
    settings = Settings(upload_bytes=1)
    with held_by_another_program(settings) as (program, folder):
        with upload_folder(settings):
            assert (folder / "photo").exists()
        program.kill()
        program.wait()
        assert (folder / "photo").exists()
        with upload_folder(settings):
            assert not folder.exists()


# What lies in it


def test_what_nothing_has_touched_is_swept(tmp_path: Path) -> None:
    photo = tmp_path / "3f2a" / "photo.png"
    photo.parent.mkdir()
    photo.touch()
    sweep(tmp_path, before=time.time() - 60)
    assert photo.exists()
    sweep(tmp_path, before=later())
    assert not photo.exists()
    sweep(tmp_path, before=later())
    assert tmp_path.exists() and not any(tmp_path.iterdir())


def test_a_copy_of_an_old_file_counts_as_new(tmp_path: Path, portrait: Path) -> None:
    old = tmp_path / "example.png"
    shutil.copy(portrait, old)
    os.utime(old, (0, 0))
    copy = Path(shutil.copy2(old, tmp_path / "copy.png"))
    sweep(tmp_path, before=time.time() - 60)
    assert copy.exists()


def test_its_bytes_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "photo").write_bytes(bytes(7))
    (tmp_path / "other").write_bytes(bytes(5))
    assert bytes_in(tmp_path) == 12


def test_a_photo_that_is_used_gets_more_time_and_one_that_is_gone_a_sentence(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.touch()
    os.utime(photo, (0, 0))
    assert needed(photo).stat().st_mtime > time.time() - 60
    with pytest.raises(ImageError, match=r"^gone\.png is no longer here.*Choose it again\.$"):
        needed(tmp_path / "gone.png")


@pytest.mark.parametrize(("seconds", "words"), [(600, "10 minutes"), (1, "1 second"), (90, "90 seconds")])
def test_the_page_says_how_long_they_stay(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_file_that_waits_for_its_turn_is_kept_until_it_is_released(tmp_path: Path) -> None:
    waiting, other = tmp_path / "film.mp4", tmp_path / "photo.png"
    for path in (waiting, other):
        path.write_bytes(b"x")
    hold("a session", waiting, seconds=3600)
    sweep(tmp_path, time.time() + 60)
    assert waiting.exists() and not other.exists()
    release("a session")
    sweep(tmp_path, time.time() + 60)
    assert not waiting.exists()


def test_who_waits_too_long_waits_no_more(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"x")
    hold("a session that never says that it leaves", film, seconds=0)
    sweep(tmp_path, later())
    assert not film.exists() and not uploads._held


def test_only_so_many_files_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_MOST_HELD", 2)
    for name in "abc":
        hold(name, tmp_path / name, seconds=3600)
    assert uploads.held() == {tmp_path / "b", tmp_path / "c"}
    for name in "bc":
        release(name)


def test_holding_while_files_are_swept_disturbs_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    films = [tmp_path / f"{number}.mp4" for number in range(3)]
    for film in films:
        film.touch()
        hold(film.name, film, seconds=3600)
    monkeypatch.setattr(Path, "lstat", lambda path: hold(path.name + " too", path, 3600))  # as a handler may meanwhile
    sweep(tmp_path, later())
    assert all(film.exists() for film in films)
    for film in films:
        release(film.name)
        release(f"{film.name} too")


def test_sweeping_goes_on_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[float] = []

    def fail_once(_folder: Path, before: float) -> None:
        done.append(before)
        if len(done) == 1:
            raise RuntimeError("dictionary changed size during iteration")

    monkeypatch.setattr(uploads, "sweep", fail_once)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with upload_folder(Settings(upload_bytes=10**18, upload_seconds=0.1)):
        until = time.monotonic() + 60
        while len(done) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
    assert "will be tried again" in caplog.text and "dictionary changed size" in caplog.text
