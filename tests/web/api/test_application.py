"""The application around the API: what it refuses itself is a problem too, with and without the page beside it."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.web.api.application import build_api
from siamese.web.api.observing import Metrics
from tests.web.api.conftest import refused


@pytest.fixture(params=["alone", "with a page"])
def asking(reference: Path, request: pytest.FixtureRequest) -> TestClient:
    app = build_api(ExpressionService.load(reference))
    if request.param == "with a page":
        app.mount("", PlainTextResponse("the page"))
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("method", ["POST", "HEAD", "NOTHING"])
def test_the_figures_have_no_other_method(asking: TestClient, method: str) -> None:
    answer = asking.request(method, "/metrics")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    if method != "HEAD":
        assert f"{method} /metrics" in refused(answer, 405, "wrong-method")


def test_where_nothing_is_there_is_a_problem(asking: TestClient) -> None:
    answer = asking.get("/nothing")
    if answer.text != "the page":
        refused(answer, 404, "not-found")
    refused(asking.get("/v1/nothing"), 404, "not-found")


def test_figures_that_cannot_be_told_are_a_problem(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Metrics, "told", lambda self: 1 / 0)
    asking = TestClient(build_api(ExpressionService.load(reference)), raise_server_exceptions=False)
    refused(asking.get("/metrics"), 500, "failed")


def test_tokens_that_are_guessed_are_limited_like_all_requests(reference: Path) -> None:
    settings = Settings(token="secret", requests_per_minute=4)
    asking = TestClient(build_api(ExpressionService.load(reference, settings=settings)))
    for number, path in enumerate(("/metrics", "/v1/gallery", "/metrics", "/v1/gallery")):
        refused(asking.get(path, headers={"Authorization": f"Bearer {number}"}), 401, "no-token")
    for path in ("/metrics", "/v1/gallery"):
        refused(asking.get(path, headers={"Authorization": "Bearer secret"}), 429, "too-many")
