"""Sessions of the page: faces that a session shows are kept for a few sessions, and not for ever."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.web.forgetting import _MOST_UNREAD, forget, forget_in_time, keep_few
from siamese.web.server import build_app


class Face:
    """Stands for what a session keeps of a photo."""


class Small:
    """A page that answers with «a face», and keeps one for each session; as the whole page is mounted.

    Where it is not `in_time`, nothing is forgotten of its own accord.
    """

    def __init__(self, in_time: bool = True, **settings: Any) -> None:
        self.faces: list[weakref.ref[Face]] = []
        with gr.Blocks() as self.page:
            seen, shown = gr.State(None), gr.HTML()
            gr.Button().click(self._look, None, [seen, shown])
        given, api = Settings(**settings), FastAPI()
        self.page.queue()
        keep_few(self.page, given)
        self.app = gr.mount_gradio_app(api, self.page, "", ssr_mode=False)
        if in_time:
            forget_in_time(self.app, self.page, given)

    def _look(self) -> tuple[Face, str]:
        face = Face()
        self.faces.append(weakref.ref(face))
        return face, "a face"

    def kept(self) -> int:
        """How many faces are in memory."""
        gc.collect()
        return sum(face() is not None for face in self.faces)


def look(client: TestClient, session: str) -> None:
    asked = {"data": [], "fn_index": 0, "session_hash": session}
    assert client.post("/gradio_api/run/predict", json=asked).json()["data"][1] == "a face"


@pytest.fixture
def few() -> Iterator[tuple[Small, TestClient]]:
    small = Small(sessions=3)
    with TestClient(small.app) as client:
        yield small, client


def test_only_so_many_sessions_are_remembered(few: tuple[Small, TestClient]) -> None:
    small, client = few
    for number in range(8):
        look(client, f"session {number}")
    assert len(small.page.state_holder.session_data) == 3 and small.kept() == 3


def test_a_session_is_forgotten_with_all_that_it_showed_once_it_was_not_used_for_long(
    few: tuple[Small, TestClient],
) -> None:
    small, client = few
    look(client, "a session")
    forget(small.page, seconds=60)
    assert small.kept() == 1
    forget(small.page, seconds=0)
    assert small.kept() == 0 and not small.page.state_holder.session_data
    look(client, "a session")  # who comes back begins anew
    assert small.kept() == 1


def test_they_are_forgotten_while_the_application_runs() -> None:
    small = Small(session_seconds=0.2)
    with TestClient(small.app) as client:
        look(client, "a session")
        while small.kept():
            client.get("/config")


def test_answers_that_nobody_fetches_are_few() -> None:
    small = Small(in_time=False)
    with TestClient(small.app) as client:
        for _ in range(_MOST_UNREAD):
            asked = {"data": [], "fn_index": 0, "session_hash": "one that never listens"}
            assert client.post("/gradio_api/queue/join", json=asked).is_success
        (unread,) = small.page._queue.pending_messages_per_session.values()
        while unread.qsize() <= _MOST_UNREAD:
            client.get("/config")
        forget(small.page, seconds=60)
        assert unread.qsize() < _MOST_UNREAD


def test_the_whole_page_is_mounted_so(reference: Path) -> None:
    app = build_app(ExpressionService.load(reference, settings=Settings(sessions=7)), None, 1)
    assert app.routes[-1].app.app.state_holder.capacity == 7


def test_an_hour_is_the_default() -> None:
    assert Settings().session_seconds == 3600 and Settings().sessions <= 100
