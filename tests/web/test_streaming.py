"""The WebSocket of the tab Live: frames are answered with readings, the newest first, and misuse with a sentence."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from starlette.websockets import WebSocketDisconnect

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.vocabulary import EMOTIONS
from siamese.web.streaming import PATH, Newest, Streams
from tests.web.api.conftest import in_a_loop

HOST = "http://testserver"


def client_of(reference: Path, **settings: object) -> TestClient:
    service = ExpressionService.load(reference, settings=Settings(**settings))
    app = FastAPI()
    app.add_api_websocket_route(PATH, Streams(service, 1).answer)
    return TestClient(app)


@pytest.fixture(scope="module")
def client(reference: Path) -> Iterator[TestClient]:
    with client_of(reference, live_frame_pixels=300_000) as client:
        yield client


@pytest.fixture(scope="module")
def frame(astronaut: NDArray[np.uint8]) -> bytes:
    return jpeg(astronaut)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=90)
    return file.getvalue()


def test_it_greets_with_the_expressions_and_how_to_show_them(client: TestClient):
    with client.websocket_connect(PATH) as socket:
        greeting = socket.receive_json()
    assert [each["name"] for each in greeting["emotions"]] == list(EMOTIONS)
    assert all(each["colour"].startswith("#") and each["symbol"] for each in greeting["emotions"])
    assert set(greeting["steadiness"]) == {"window", "strength", "lead"}


def test_a_frame_is_answered_with_what_its_faces_show(client: TestClient, frame: bytes, reference: Path):
    (reading,) = ExpressionService.load(reference).recognise(frame)
    with client.websocket_connect(PATH) as socket:
        socket.receive_json()
        socket.send_bytes(frame)
        answer = socket.receive_json()
    (face,) = answer["faces"]
    assert (answer["frame"], answer["dropped"], face["number"]) == (1, 0, 1)
    assert answer["milliseconds"] > 0
    np.testing.assert_allclose(np.array(face["box"]) * 512, reading.box, atol=0.05)
    assert face["emotion"] == reading.emotion
    assert face["probabilities"] == pytest.approx(reading.probabilities, abs=1e-4)


def test_a_face_keeps_its_number_through_a_stream_and_another_stream_counts_anew(client: TestClient, frame: bytes):
    for _ in range(2):
        with client.websocket_connect(PATH) as socket:
            socket.receive_json()
            for number in (1, 2, 3):
                socket.send_bytes(frame)
                answer = socket.receive_json()
                assert (answer["frame"], answer["faces"][0]["number"]) == (number, 1)


def test_where_there_is_no_face_none_is_told(client: TestClient):
    with client.websocket_connect(PATH) as socket:
        socket.receive_json()
        socket.send_bytes(jpeg(np.full((240, 320, 3), 120, np.uint8)))
        assert socket.receive_json()["faces"] == []


@pytest.mark.parametrize("bad", [b"no picture", b"\xff\xd8\xff", jpeg(np.zeros((600, 800, 3), np.uint8))])
def test_a_bad_frame_is_answered_with_a_sentence_and_the_next_is_read(client: TestClient, frame: bytes, bad: bytes):
    with client.websocket_connect(PATH) as socket:
        socket.receive_json()
        socket.send_bytes(bad)
        answer = socket.receive_json()
        assert "faces" not in answer and answer["problem"].endswith(".")
        socket.send_bytes(frame)
        assert len(socket.receive_json()["faces"]) == 1


def test_readings_are_steadied_as_a_message_says(client: TestClient, astronaut: NDArray[np.uint8], reference: Path):
    frames = [jpeg(astronaut), jpeg(np.flip(astronaut, axis=1)), jpeg((astronaut * 0.4).astype(np.uint8))]
    service = ExpressionService.load(reference)
    alone = service.recognise(frames[-1])[0].probabilities
    with client.websocket_connect(PATH) as socket:
        socket.receive_json()
        told = []
        for wanted in ({"window": 1}, {"window": 30, "strength": 1}):
            socket.send_text(json.dumps(wanted))
            for each in frames:
                socket.send_bytes(each)
                answer = socket.receive_json()
            told.append(answer["faces"][0]["probabilities"])
    assert told[0] == pytest.approx(alone, abs=0.05)  # the box may lie a little otherwise
    assert told[1] != pytest.approx(told[0], abs=0.005)


@pytest.mark.parametrize(
    ("text", "demand"),
    [
        *((text, "send a JSON object of window, strength, lead, and nothing else") for text in ("", "[]", "no JSON")),
        ('{"colour": "red"}', "send a JSON object of window, strength, lead, and nothing else"),
        ('{"window": 0}', "window must be a whole number, above 0 and at most 1000"),
        ('{"window": 1001}', "window must be a whole number, above 0 and at most 1000"),
        ('{"strength": 2}', "strength must be a number, above 0 and at most 1"),
        ('{"lead": "NaN"}', "lead must be a number, at least 0 and below 1"),
    ],
)
def test_a_message_that_cannot_be_followed_ends_the_stream_with_a_sentence(client: TestClient, text: str, demand: str):
    with client.websocket_connect(PATH) as socket:
        socket.receive_json()
        socket.send_text(text)
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_json()
    assert ended.value.reason == f"This message cannot be followed: {demand}."


def test_readings_may_be_steadied_as_far_as_the_settings_reach(reference: Path, frame: bytes):
    """As the page's slider does, which reaches to the setting."""
    with client_of(reference, smoothing_window=1000) as client, client.websocket_connect(PATH) as socket:
        socket.send_text(json.dumps(socket.receive_json()["steadiness"]))
        socket.send_bytes(frame)
        assert len(socket.receive_json()["faces"]) == 1


@pytest.mark.parametrize("origin", ["https://a.example", "null", "http://testserver.a.example", "http://["])
def test_a_page_of_another_site_is_not_answered(client: TestClient, origin: str):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(PATH, headers={"Origin": origin}):
        pass


def test_the_own_page_and_sites_that_are_named_are_answered(reference: Path):
    with client_of(reference, origins="https://friend.example") as client:
        for origin in (HOST, "https://friend.example"):
            with client.websocket_connect(PATH, headers={"Origin": origin}) as socket:
                assert "emotions" in socket.receive_json()


def test_more_cameras_than_allowed_are_told_to_come_later(reference: Path, frame: bytes):
    with client_of(reference, live_streams=1) as client:
        with client.websocket_connect(PATH) as first:
            first.receive_json()
            with client.websocket_connect(PATH) as second, pytest.raises(WebSocketDisconnect) as refused:
                second.receive_json()
            assert "Try again later" in refused.value.reason
            first.send_bytes(frame)
            assert first.receive_json()["frame"] == 1
        with client.websocket_connect(PATH) as next_one:  # the place is free again
            assert "emotions" in next_one.receive_json()


def test_a_camera_that_sends_nothing_is_let_go(reference: Path):
    with client_of(reference, live_idle_seconds=0.2) as client, client.websocket_connect(PATH) as socket:
        socket.receive_json()
        with pytest.raises(WebSocketDisconnect) as ended:
            socket.receive_json()
    assert ended.value.reason == "No frame came for 0.2 seconds."


def test_frames_that_come_faster_than_they_are_read_are_dropped_and_the_newest_is_read(
    client: TestClient, frame: bytes
):
    with client.websocket_connect(PATH) as socket:
        socket.receive_json()
        for _ in range(30):
            socket.send_bytes(frame)
        answers = [socket.receive_json()]
        while answers[-1]["frame"] < 30:
            answers.append(socket.receive_json())
    numbers = [answer["frame"] for answer in answers]
    assert numbers == sorted(set(numbers))
    assert answers[-1]["dropped"] == 30 - len(numbers)
    assert len(numbers) < 30


def test_newest_holds_one_frame_and_counts_what_it_dropped():
    async def scene() -> tuple[int, int, bytes, float]:
        newest = Newest()
        for file in (b"1", b"2", b"3"):
            newest.put(file)
        frame = await newest.take()
        with anyio.move_on_after(0.05) as waited:
            await newest.take()
        assert waited.cancelled_caught  # there is none left
        return newest.dropped, frame.number, frame.file, frame.arrived

    dropped, number, file, arrived = in_a_loop(scene)
    assert (dropped, number, file) == (2, 3, b"3")
    assert arrived <= time.monotonic()


def test_a_message_that_ends_the_stream_while_a_frame_is_read_leaves_no_error(
    client: TestClient, frame: bytes, caplog: pytest.LogCaptureFixture
):
    for _ in range(3):
        with client.websocket_connect(PATH) as socket:
            socket.receive_json()
            socket.send_bytes(frame)
            socket.send_text("x")
            while socket.receive()["type"] != "websocket.close":
                pass
    assert not caplog.records
