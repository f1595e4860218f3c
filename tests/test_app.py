"""The program that serves the page: when it cannot start, it says so in a sentence."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import app
from tests.browser.serving import ROOT, served


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> str:
    """What the program says at its end."""
    monkeypatch.setattr(sys, "argv", ["app.py", *map(str, arguments)])
    monkeypatch.setattr("siamese.web.start.log_as_json", lambda requests: None)  # for all tests after this one, too
    with pytest.raises(SystemExit) as ended:
        app.main()
    return str(ended.value.code)


def test_a_missing_reference_set_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sentence = run(monkeypatch, "--reference", tmp_path / "nowhere")
    assert sentence.startswith("Semblance cannot start: There is no reference set at")


def test_a_setting_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANCE_MAX_FACES", "none")
    assert "SEMBLANCE_MAX_FACES" in run(monkeypatch)


def test_an_open_page_does_not_keep_the_program_from_ending(reference: Path) -> None:
    with httpx.Client(timeout=60) as page:
        with served("--reference", reference) as address:
            request = page.build_request("GET", f"{address}/gradio_api/heartbeat/a-page")
            assert page.send(request, stream=True).status_code == 200
            told = time.monotonic()
        assert time.monotonic() - told < 15  # it has ended, and did not wait until answers would be cut off


def ended(*arguments: object) -> str:
    """What the program says at its end, run by itself, since Gradio is told only once where its folder is."""
    command = [sys.executable, "app.py", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stderr


def test_a_port_that_cannot_be_is_named(reference: Path) -> None:
    assert "127.0.0.1:99999" in ended("--reference", reference, "--port", 99999)


def test_a_port_that_is_taken_is_named(reference: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = ended("--reference", reference, "--port", port)
    assert f"127.0.0.1:{port}" in sentence and "--port" in sentence
