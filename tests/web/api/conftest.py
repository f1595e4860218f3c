"""The API on the tiny reference set, and what its tests ask of answers."""

import io
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.web.api import problems, routes

MakeClient = Callable[..., TestClient]


def png(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def refused(answer: Any, status: int, code: str) -> str:
    """The sentence of a problem, which is complete and names the request."""
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, problems.MEDIA_TYPE)
    assert (told["status"], told["code"], told["type"]) == (status, code, "about:blank") and told["title"]
    assert told["request_id"] == answer.headers["x-request-id"]
    return str(told["detail"])


def in_a_loop(function: Callable[..., Coroutine[Any, Any, Any]], *given: Any) -> Any:
    """What a coroutine returns, run in a thread of its own: the browser that tests drive keeps a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, function, *given).result()


@pytest.fixture(scope="session")
def client(reference: Path) -> MakeClient:
    """Makes a client of the API with a gallery, or the reference set's own, and with these settings."""

    def made(gallery: Path | None = None, **settings: Any) -> TestClient:
        service = ExpressionService.load(reference, gallery, Settings(**settings))
        return TestClient(routes.build(service), raise_server_exceptions=False)

    return made
