"""Several processes at one address: all answer, one that is killed is replaced, and what was accepted is finished."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from siamese import ExpressionService
from siamese.errors import SettingsError
from siamese.gallery.gallery import Gallery
from siamese.network.runtime import Embedder
from siamese.settings import Settings
from siamese.web.workers import environment, serve_by_workers
from tests.browser.serving import ROOT, free_port


@contextmanager
def serving(*words: object) -> Iterator[tuple[subprocess.Popen, httpx.Client]]:
    """`siamese serve` as a program of its own, and a client that waited for it."""
    port = free_port()
    command = [sys.executable, "-m", "siamese", "serve", "--port", str(port), *map(str, words)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        assert program.stdout
        try:
            assert program.stdout.readline() == f"Semblance: http://127.0.0.1:{port}\n"
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                yield program, client
        finally:
            program.terminate()


def told(client: httpx.Client, line: str, seconds: float = 60) -> None:
    """Wait until the figures of all processes together hold a line; an answer is counted after it went out."""
    until = time.monotonic() + seconds
    text = ""
    while line not in text:
        assert time.monotonic() < until, line
        time.sleep(0.05)
        with suppress(httpx.TransportError):  # of one that was killed
            text = client.get("/metrics", headers={"Connection": "close"}).text


def workers(program: subprocess.Popen) -> set[int]:
    """The process numbers of those that answer."""
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    return {int(number) for number in children if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes()}


def test_a_worker_that_is_killed_is_replaced(reference: Path):
    counted = 'semblance_requests_total{method="GET",route="/ready",status="200"} 1.0'
    with serving("--workers", 2, "--reference", reference) as (program, client):
        assert client.get("/v1/ready").json() == {"status": "ready"}
        told(client, counted)
        before = workers(program)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        until, answered = time.monotonic() + 60, 0
        while len(now := workers(program) - {min(before)}) < 2 or not answered:
            with suppress(httpx.TransportError):  # what the killed one had accepted went with it
                answered += client.get("/v1/health", headers={"Connection": "close"}).status_code == 200
            assert time.monotonic() < until
            time.sleep(0.1)
        assert len(before & now) == 1
        told(client, counted)  # by those that live on, of the killed one too
    assert program.returncode == 0


def test_what_a_killed_worker_worked_on_is_not_underway_any_more(reference: Path):
    heading = (
        "POST /v1/recognise HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
    )
    with (
        serving("--workers", 2, "--reference", reference) as (program, client),
        socket.create_connection((client.base_url.host, client.base_url.port)) as asking,
    ):
        asking.sendall(f"{heading}\r\n".encode())  # and no body, which is waited for
        told(client, "semblance_requests_underway 1.0")
        for number in workers(program):
            os.kill(number, signal.SIGKILL)
        told(client, "semblance_requests_underway 0.0")


def test_what_only_one_worker_would_know_is_not_offered(reference: Path):
    with serving("--workers", 2, "--reference", reference) as (_, client):
        paths = client.get("/v1/openapi.json").json()["paths"]
        assert "/recognise" in paths and "/teach" not in paths
        assert set(paths["/gallery"]) == {"get"} and set(paths["/gallery/{item_id}"]) == {"get"}


def test_where_nothing_can_be_written_a_sentence_says_so(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with socket.socket() as listening, pytest.raises(SettingsError, match=r"what the processes count .*TMPDIR"):
        serve_by_workers(2, ExpressionService.load(reference), listening)


def test_what_was_acknowledged_outlives_the_worker_that_acknowledged_it(
    reference: Path, portrait: Path, tmp_path: Path
):
    embedder = Embedder(reference / "network.onnx")
    Gallery.create(tmp_path / "own", "Mine", embedder.fingerprint, embedder.embedding_size).close()
    with serving("--workers", 2, "--reference", reference, "--gallery", tmp_path / "own") as (program, client):
        photo, fields = {"photo": portrait.read_bytes()}, {"emotion": "surprise"}
        answer = client.post("/v1/gallery", files=photo, data=fields, headers={"Connection": "close"})
        before = workers(program)
        for number in before:
            os.kill(number, signal.SIGKILL)
        assert answer.status_code == 201
        (added,) = answer.json()["examples"]
        until, found = time.monotonic() + 60, None
        while found is None:
            with suppress(httpx.TransportError):  # until others take their place
                found = client.get(f"/v1/gallery/{added['id']}", headers={"Connection": "close"})
            assert time.monotonic() < until
        assert found.json() == added and not before & workers(program)


def test_settings_reach_the_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    settings = Settings(gallery=tmp_path, token="secret", max_pixels=1234, teaching=True)
    for name, value in environment(settings, count=4, keeps_changes=True).items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings.model_copy(update={"threads": 2})
    assert environment(settings, 4, keeps_changes=False)["SEMBLANCE_TEACHING"] == "False"
