"""The program that serves the page: when it cannot start, it says so in a sentence."""

import socket
import sys
import time
from pathlib import Path

import httpx
import pytest

import app
from tests.browser.serving import served


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


def test_an_open_page_does_not_keep_the_program_from_ending(
    monkeypatch: pytest.MonkeyPatch, reference: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEMBLANCE_STOPPING_SECONDS", "1")
    with httpx.Client(timeout=60) as page:
        with served(tmp_path, "--reference", reference) as address:
            request = page.build_request("GET", f"{address}/gradio_api/heartbeat/a-page")
            assert page.send(request, stream=True).status_code == 200
            told = time.monotonic()
        assert time.monotonic() - told < 30  # it has ended


def test_a_port_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, reference: Path) -> None:
    assert "127.0.0.1:99999" in run(monkeypatch, "--reference", reference, "--port", 99999)


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch, reference: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = run(monkeypatch, "--reference", reference, "--port", port)
    assert f"127.0.0.1:{port}" in sentence and "--port" in sentence
