"""Places over HTTP: a request has one before its body is read, works in a thread of its own, and gives it back."""

import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import anyio
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import AfterValidator, BaseModel

from siamese import ExpressionService
from siamese.gallery.gallery import Gallery
from siamese.settings import Settings
from siamese.web.api import examples, routes
from siamese.web.api.bodies import reader
from siamese.web.api.limits import THREADS, Turns
from tests.web.api.conftest import MakeClient, in_a_loop, refused

Receive = Callable[[], Awaitable[dict[str, Any]]]

SERVICE, GALLERY = ExpressionService, Gallery
ROUTES = {  # of those that take a place: what is sent, and what is asked for then
    "POST /recognise": (examples.READ, [(SERVICE, "recognise")]),
    "POST /embed": (examples.READ, [(SERVICE, "recognise")]),
    "POST /compare": (examples.COMPARE, [(SERVICE, "compare")]),
    "POST /similar": (examples.SIMILAR, [(SERVICE, "similar")]),
    "POST /teach": (examples.TEACH, [(SERVICE, "examples_of"), (SERVICE, "learn")]),
    "POST /gallery": (examples.ADD, [(SERVICE, "entries_of"), (SERVICE, "keep")]),
    "GET /gallery": (None, [(GALLERY, "page")]),
    "GET /gallery/some": (None, [(GALLERY, "__contains__")]),
    "GET /gallery/some/thumbnail": (None, [(GALLERY, "__contains__")]),
    "DELETE /gallery/some": (None, [(GALLERY, "__contains__")]),
}


@pytest.fixture
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Opens for what reads expressions, which waits until then."""
    gate = threading.Event()
    monkeypatch.setattr(ExpressionService, "recognise", lambda *_: gate.wait(30) and [])
    yield gate
    gate.set()


async def ask(api: FastAPI, route: str, receive: Receive, kind: str = "application/json") -> list[dict[str, Any]]:
    """The messages of the answer to a body that comes so."""
    method, path = route.split()
    told: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        told.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b""}
    await api({**scope, "headers": [(b"content-type", kind.encode())]}, receive, send)
    return told


def body_of(given: dict[str, Any]) -> Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(given).encode()}

    return receive


@pytest.mark.parametrize("route", ROUTES)
def test_where_all_places_are_taken_no_body_is_read(
    reference: Path, one_core: None, gate: threading.Event, route: str
) -> None:
    api = routes.build(ExpressionService.load(reference, settings=Settings(waiting=0)))
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def main() -> None:
        async with anyio.create_task_group() as clients:
            clients.start_soon(ask, api, "POST /recognise", body_of(examples.READ))
            await anyio.sleep(0.1)
            told.extend(await ask(api, route, receive))
            gate.set()
        told.extend(await ask(api, "POST /recognise", body_of(examples.READ)))

    in_a_loop(main)
    headers = dict(told[0]["headers"])
    assert (told[0]["status"], json.loads(told[1]["body"])["code"], headers[b"retry-after"]) == (503, "busy", b"1")
    assert told[2]["status"] == 200  # the place is free again


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b"{", "headers": {"content-type": "application/json"}},
        {"content": b"?", "headers": {"content-type": "text/plain"}},
        {"content": b"?" * 5000, "headers": {"content-type": "application/json"}},
        {"files": {"photo": b"no photo"}},
        {"files": {"another": b""}},
    ],
)
def test_whatever_is_refused_leaves_its_place(client: MakeClient, one_core: None, sent: dict[str, Any]) -> None:
    asked = client(waiting=0, max_body_bytes=4000)
    for _ in range(2):
        assert 400 <= asked.post("/recognise", **sent).status_code < 500
    assert asked.post("/recognise", json=examples.READ).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up(client: MakeClient, gate: threading.Event) -> None:
    answer = client(answer_seconds=0.1).post("/recognise", json=examples.READ)
    assert "after 0.1 s" in refused(answer, 503, "too-slow")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_comes_too_slowly_is_not_waited_for(reference: Path, kind: str) -> None:
    api = routes.build(ExpressionService.load(reference, settings=Settings(body_seconds=0.2)))

    async def slowly() -> dict[str, Any]:
        await anyio.sleep(0.05)
        return {"type": "http.request", "body": b"", "more_body": True}

    told = in_a_loop(ask, api, "POST /recognise", slowly, kind)
    assert (told[0]["status"], json.loads(told[1]["body"])["code"]) == (408, "slow-body")
    assert (b"connection", b"close") in told[0]["headers"]


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_works_in_threads_of_its_place(
    client: MakeClient, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    given, steps = ROUTES[route]
    threads: list[str] = []

    def told(*_: object) -> None:
        threads.append(threading.current_thread().name)
        if len(threads) == len(steps):
            raise ZeroDivisionError

    for owner, name in steps:
        monkeypatch.setattr(owner, name, told)
    refused(client().request(*route.split(), json=given), 500, "failed")
    assert len(threads) == len(steps) and all(name.startswith(THREADS) for name in threads)


def test_no_route_but_those_that_watch_over_the_service_goes_without_a_place(client: MakeClient) -> None:
    told = client().get("/openapi.json").json()["paths"]
    known = {f"{method.upper()} {path}".replace("{item_id}", "some") for path in told for method in told[path]}
    assert known == {*ROUTES, "GET /health", "GET /ready", "GET /version"}


@pytest.mark.parametrize("sent", [{"json": {"given": "1"}}, {"files": {"given": (None, "1")}}])
def test_a_body_is_checked_in_a_thread_of_its_place(sent: dict[str, Any]) -> None:
    class Asked(BaseModel):
        given: Annotated[str, AfterValidator(lambda _: threading.current_thread().name)]

    api = FastAPI()
    api.post("/", response_model=None)(reader(Asked, Turns(Settings())))
    assert TestClient(api).post("/", **sent).json()["given"].startswith(THREADS)
