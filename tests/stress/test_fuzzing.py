"""Hostile pictures: whatever is sent, the answer is a reading or a sentence, and the process stays as it was.

`make test` sends a few hundred; `make stress` ten thousand (SEMBLANCE_FUZZ says how many).
"""

import ctypes
import gc
import os
import re
import zlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from siamese import ExpressionService
from siamese.errors import ImageError
from siamese.faces.decode import decode
from siamese.settings import Settings
from siamese.web.api import routes
from siamese.web.api.problems import MEDIA_TYPE
from tests.stress.mutants import BOMBS, bomb, mutant, pictures, zeros

COUNT = int(os.environ.get("SEMBLANCE_FUZZ", "300"))
PIXELS = 25_000_000
CODES = {"unreadable-photo", "no-face", "not-valid", "too-large"}
SENTENCE = re.compile(r"[A-Z«].*[.?!]", re.DOTALL)


@pytest.fixture(scope="module")
def client(reference: Path) -> TestClient:
    settings = Settings(requests_per_minute=0, max_pixels=PIXELS)
    return TestClient(routes.build(ExpressionService.load(reference, settings=settings)), raise_server_exceptions=False)


def resident_megabytes() -> float:
    """What this process holds; what it has freed, and the C library keeps for later photos, is given back before."""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
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


@pytest.mark.parametrize("count", [0, 1, 70_000, 1 << 20, 3_000_000])
def test_zeros_are_packed_as_zlib_packs_them(count: int):
    assert zlib.decompress(zeros(count)) == bytes(count)


@pytest.mark.parametrize("side", BOMBS)
def test_bombs_are_small_and_whole(side: int):
    content = bomb(side)
    assert len(content) < 2_000_000
    unpacker, packed, unpacked = zlib.decompressobj(), content[content.index(b"IDAT") + 4 :], 0
    while not unpacker.eof and len(chunk := unpacker.decompress(packed, 1 << 24)):
        unpacked, packed = unpacked + len(chunk), unpacker.unconsumed_tail
    assert unpacker.eof and unpacked == side * (3 * side + 1)


def test_bombs_within_the_limit_are_unpacked_and_others_are_refused_by_their_heading():
    within = [side for side in BOMBS if side**2 < PIXELS]
    assert 0 < len(within) < len(BOMBS)
    for side in within:
        photo = decode(bomb(side))
        assert photo.shape == (side, side, 3) and not photo.any()
    for side in set(BOMBS) - set(within):
        assert "pixels" in str(refusal(bomb(side)))


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
