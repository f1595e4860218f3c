"""What is known of requests: one line of JSON each, and figures for Prometheus; nothing of a photo in either."""

import json
import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.web.api.application import build_api
from siamese.web.api.observing import log_as_json, logger
from tests.web.api.conftest import png, refused


@pytest.fixture
def own_logging() -> Iterator[None]:
    """What the root logger was told before is as it was afterwards."""
    root, level = logging.getLogger(), logger.level
    handlers, root_level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(root_level)
    logger.setLevel(level)


def client(reference, **settings) -> TestClient:
    service = ExpressionService.load(reference, settings=Settings(**settings))
    return TestClient(build_api(service), raise_server_exceptions=False)


def figures(asking: TestClient) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values."""
    text = asking.get("/metrics").text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_requests_are_counted_by_route_and_status(reference):
    asking = client(reference)
    for _ in range(3):
        asking.get("/v1/health")
    asking.get("/v1/gallery/nothing-like-it")
    asking.get("/v1/gallery/another")
    asking.get("/v1/a-path-by-chance")
    known = figures(asking)
    assert known["semblance_requests_total", "GET", "/health", "200"] == 3
    assert known["semblance_requests_total", "GET", "/gallery/{item_id}", "404"] == 2
    assert known["semblance_requests_total", "GET", "none", "404"] == 1
    assert known["semblance_request_seconds_count", "/health"] == 3
    assert known["semblance_requests_underway",] == 0
    assert known["process_resident_memory_bytes",] > 1e7


def test_metrics_ask_for_the_token_where_there_is_one(reference):
    asking = client(reference, token="secret")
    refused(asking.get("/metrics"), 401, "no-token")
    assert asking.get("/metrics", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_words_that_are_no_methods_are_counted_together(reference):
    asking = client(reference)
    for word in ("M1", "M2", "TRACE"):
        asking.request(word, "/v1/health")
    known = figures(asking)
    assert known["semblance_requests_total", "other", "/health", "405"] == 3
    assert not [labels for labels in known if "M1" in labels]


def test_each_request_leaves_one_line_that_names_it(reference, astronaut: NDArray, own_logging, capsys):
    log_as_json(requests=True)
    asking = client(reference)
    photo = {"photo": ("grandmother.png", png(astronaut), "image/png")}
    answer = asking.post("/v1/recognise?who=grandmother", files=photo, headers={"X-Request-ID": "mine-1"})
    asking.post("/v1/recognise", files={"photo": b"no photo"})
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert first.pop("milliseconds") > 0 and first.pop("time")
    assert first == {
        "level": "INFO",
        "logger": "semblance.requests",
        "message": "answered",
        "request_id": answer.headers["x-request-id"],
        "client": "testclient",
        "method": "POST",
        "route": "/recognise",
        "status": 200,
    }
    assert first["request_id"] == "mine-1"
    assert second["status"] == 422 and second["request_id"] not in ("", "mine-1")


def test_what_fails_is_logged_with_the_requests_id(reference, own_logging, capsys, monkeypatch):
    log_as_json(requests=False)
    monkeypatch.setattr(ExpressionService, "recognise", lambda *_: 1 / 0)
    answer = client(reference).post("/v1/recognise", files={"photo": b""}, headers={"X-Request-ID": "mine-2"})
    assert answer.status_code == 500
    (line,) = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert line["request_id"] == "mine-2" and "ZeroDivisionError" in line["message"] and line["level"] == "ERROR"


def test_requests_are_not_logged_where_that_is_not_wanted(reference, own_logging, capsys):
    log_as_json(requests=False)
    client(reference).get("/v1/health")
    assert capsys.readouterr().err == ""
