"""What the page does not take: bodies that are too large for it, and more connections than may be."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.web import workers
from tests.browser.serving import served

JOIN = "/gradio_api/queue/join"


@pytest.fixture(scope="module")
def address(reference: Path) -> Iterator[str]:
    limits = {"SEMBLANCE_PAGE_BODY_BYTES": 10_000, "SEMBLANCE_MAX_CONNECTIONS": 8}
    with served("--reference", reference, **limits) as address:
        yield address


def connected(address: str) -> socket.socket:
    server = urlsplit(address)
    return socket.create_connection((server.hostname, server.port), timeout=30)


@pytest.mark.parametrize("path", [JOIN, "/gradio_api/run/recognise", "/anything"])
def test_a_body_that_is_too_large_is_not_read(address: str, path: str) -> None:
    body = json.dumps({"data": ["x" * 20_000], "fn_index": 0, "session_hash": "a"}).encode()
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    heading = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n\r\n"
    with connected(address) as asking:
        asking.sendall(heading.encode())  # and nothing more
        assert asking.recv(999).startswith(b"HTTP/1.1 413")


def test_a_body_of_unknown_length_is_not_read(address: str) -> None:
    heading = f"POST {JOIN} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    with connected(address) as asking:
        asking.sendall(heading.encode())
        assert asking.recv(999).startswith(b"HTTP/1.1 411")


def test_what_the_page_sends_is_read(address: str) -> None:
    asked = httpx.post(address + JOIN, json={"data": [], "fn_index": 0, "session_hash": "a"})
    assert asked.status_code == 200 and "event_id" in asked.json()


def test_more_connections_than_may_be_are_not_answered(address: str) -> None:
    with ExitStack() as others:
        for _ in range(8):
            others.enter_context(connected(address))
        assert httpx.get(f"{address}/v1/health").status_code == 503
    assert httpx.get(f"{address}/v1/health").status_code == 200


def test_workers_have_as_many_connections_each(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configured: list[Any] = []

    class Started:
        def __init__(self, config: Any, sockets: list[socket.socket]) -> None:
            configured.append(config)

        def run(self) -> None:
            pass

    monkeypatch.setattr(workers, "Workers", Started)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    service = ExpressionService.load(reference, settings=Settings(max_connections=7))
    with socket.socket() as listening:
        workers.serve_by_workers(2, service, listening)
    assert configured[0].limit_concurrency == 7
