"""Hostile pictures: whatever is sent, the answer is a reading or a sentence, and the process stays as it was.

`make test` sends a few hundred; `make stress` ten thousand (SEMBLANCE_FUZZ says how many).
"""

import os
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from siamese import ExpressionService
from siamese.errors import ImageError
from siamese.faces.decode import decode
from siamese.settings import Settings
from siamese.web.api import routes
from siamese.web.api.problems import MEDIA_TYPE
from tests.stress.mutants import mutant, pictures

COUNT = int(os.environ.get("SEMBLANCE_FUZZ", "300"))
CODES = {"unreadable-photo", "no-face", "not-valid", "too-large"}
SENTENCE = re.compile(r"[A-Z«].*[.?!]", re.DOTALL)


@pytest.fixture(scope="module")
def client(reference: Path) -> TestClient:
    settings = Settings(requests_per_minute=0, max_pixels=25_000_000)
    return TestClient(routes.build(ExpressionService.load(reference, settings=settings)), raise_server_exceptions=False)


def resident_megabytes() -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1000


def refusal(content: bytes) -> str | None:
    """Why a photo cannot be read, or nothing where it is read as an RGB array."""
    try:
        photo = decode(content)
    except ImageError as error:
        return str(error)
    assert photo.ndim == 3 and photo.shape[2] == 3 and photo.dtype == "uint8"
    return None


def test_every_kind_of_picture_is_read_while_it_is_whole():
    for kind, content in pictures():
        photo = decode(content)
        assert photo.shape == (80, 80, 3), kind


@pytest.mark.timeout(3600)
def test_decoding_answers_with_a_photo_or_a_sentence():
    refused = 0
    for number in range(COUNT):
        sentence = refusal(mutant(number))
        refused += sentence is not None
        assert sentence is None or SENTENCE.fullmatch(sentence)
    assert COUNT / 4 < refused < COUNT


@pytest.mark.timeout(3600)
def test_the_api_answers_with_a_reading_or_a_problem_and_does_not_grow(client: TestClient):
    settled = 0.0
    for number in range(COUNT):
        answer = client.post("/recognise", files={"photo": mutant(number)})
        if answer.status_code != 200:
            told = answer.json()
            assert answer.status_code in (413, 422), (number, told)
            assert answer.headers["content-type"] == MEDIA_TYPE and told["code"] in CODES, (number, told)
            assert SENTENCE.fullmatch(told["detail"]), (number, told)
        if number == COUNT // 5:
            settled = resident_megabytes()
    assert resident_megabytes() < 1.05 * settled + 20
    assert client.get("/health").status_code == 200
