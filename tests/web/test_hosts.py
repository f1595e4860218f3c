"""The name by which the service is asked: a page whose site gives its name this machine's address is refused."""

from pathlib import Path

import httpx
import pytest
from fastapi import WebSocket
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.web.api.application import build_api
from siamese.web.hosts import with_own_names
from tests.web.api.conftest import refused
from tests.web.test_workers import serving

EVIL = "evil.example:7860"


def client(reference: Path, hosts: str) -> TestClient:
    return TestClient(build_api(ExpressionService.load(reference, settings=Settings(hosts=hosts))))


@pytest.fixture(scope="module")
def asking(reference: Path) -> TestClient:
    return client(reference, "127.0.0.1 faces.example Other.example")


def status(asking: TestClient | httpx.Client, path: str, host: str) -> int:
    return asking.get(path, headers={"Host": host, "Connection": "close"}).status_code


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:7860", "LocalHost:1", "127.0.0.1:7860", "127.8.9.10", "[::1]", "[::1]:7860"),
        *("faces.example", "faces.example:8443", "FACES.example", "other.example"),
    ],
)
def test_this_machine_and_the_names_of_the_setting_are_answered(asking: TestClient, host: str) -> None:
    assert status(asking, "/v1/gallery", host) == status(asking, "/metrics", host) == 200


@pytest.mark.parametrize(
    "host",
    [
        *(EVIL, "localhost.evil.example", "127.0.0.1.evil.example", "evil-faces.example", "a.faces.example"),
        *("10.0.0.5", "[2001:db8::1]:7860", "0.0.0.0:7860", "[", "[::1", ":7860", "faces.example.evil.example"),
    ],
)
def test_any_other_name_is_refused_with_a_sentence(asking: TestClient, host: str) -> None:
    for path in ("/v1/gallery", "/metrics", "/nothing"):
        origin = {"Host": host, "Origin": f"http://{host}"}  # to the browser, one site
        assert "Add it to SEMBLANCE_HOSTS" in refused(asking.get(path, headers=origin), 403, "foreign-name")


def test_a_name_is_told_without_its_port_and_not_at_any_length(asking: TestClient) -> None:
    assert "«evil.example» is no name" in asking.get("/v1/gallery", headers={"Host": EVIL}).json()["detail"]
    assert len(asking.get("/v1/gallery", headers={"Host": "x" * 5000}).json()["detail"]) < 400


@pytest.mark.parametrize("path", ["/v1/health", "/v1/ready"])
def test_probes_ask_by_any_name(asking: TestClient, path: str) -> None:
    assert status(asking, path, "10.1.2.3:7860") == 200


def test_a_websocket_is_refused_too(reference: Path) -> None:
    api = build_api(ExpressionService.load(reference, settings=Settings(hosts="localhost")))

    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")

    api.add_api_websocket_route("/live", greet)
    with TestClient(api).websocket_connect("/live", headers={"Host": "localhost:7860"}) as socket:
        assert socket.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDisconnect) as ended,
        TestClient(api).websocket_connect("/live", headers={"Host": EVIL, "Origin": f"http://{EVIL}"}),
    ):
        pass
    assert "SEMBLANCE_HOSTS" in ended.value.reason


def test_without_names_any_will_do(reference: Path) -> None:
    assert status(client(reference, ""), "/v1/gallery", EVIL) == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1"])
@pytest.mark.parametrize("named", ["", "faces.example"])
def test_where_this_machine_alone_can_ask_names_are_checked(host: str, named: str) -> None:
    assert with_own_names(Settings(hosts=named), host).hosts.split() == [*named.split(), host]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "there.is.no.such.name.invalid"])
@pytest.mark.parametrize("named", ["", "faces.example"])
def test_elsewhere_names_are_those_of_the_setting(host: str, named: str) -> None:
    assert with_own_names(Settings(hosts=named), host).hosts == named


@pytest.mark.parametrize("workers", [1, 2])
def test_the_program_goes_by_its_own_names(reference: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANCE_HOSTS", "faces.example")
    with serving("--workers", workers, "--reference", reference) as (_, asking):
        for path in ("/v1/gallery", "/metrics", *(["/", "/config"] if workers == 1 else [])):
            told = {host: status(asking, path, host) for host in (asking.base_url.netloc.decode(), "faces.example")}
            assert set(told.values()) == {200}, (path, told)
            assert status(asking, path, EVIL) == 403
