"""The tab Live with a server of our own making: what it does with answers that the real one gives rarely."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Playwright, WebSocketRoute, expect

from tests.browser import chromium
from tests.browser.camera import moving, write_camera
from tests.browser.chromium import open_tab

pytestmark = [pytest.mark.slow, pytest.mark.browser]

Answer = Callable[[int], dict[str, Any]]

LOOKS = [
    {"name": "happiness", "colour": "#aa8800", "symbol": "😀"},
    {"name": "sadness", "colour": "#0044aa", "symbol": "😢"},
]
STEADINESS = {"window": 45, "strength": 0.5, "lead": 0.15}  # the window reaches beyond the slider's own end


@pytest.fixture(scope="module")
def browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]
) -> Iterator[Browser]:
    """A browser with a camera, whose picture does not matter here."""
    camera = write_camera(moving(astronaut)[:4], tmp_path_factory.mktemp("camera") / "portrait.mjpeg")
    with chromium.browsing(playwright, camera) as browser:
        yield browser


def face(number: int, **changed: Any) -> dict[str, Any]:
    shares = {"happiness": 0.9, "sadness": 0.1}
    told = {"number": number, "box": [0.2, 0.2, 0.6, 0.8], "emotion": "happiness", "confidence": 0.9}
    return {**told, "probabilities": shares, **changed}


def serve(page: Page, answer: Answer) -> list[WebSocketRoute]:
    """Answer each frame by its number with what `answer` tells; the connections that were opened, one after another."""
    opened: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        opened.append(socket)
        frames = iter(range(1, 1_000_000))

        def told(message: str | bytes) -> None:
            if isinstance(message, bytes):
                number = next(frames)
                socket.send(json.dumps({"frame": number, "milliseconds": 5.0, "dropped": 0, **answer(number)}))

        socket.on_message(told)
        socket.send(json.dumps({"emotions": LOOKS, "steadiness": STEADINESS}))

    page.route_web_socket("**/live", connect)
    page.reload()
    page.wait_for_selector("#recognise-photo")
    open_tab(page, "Live")
    return opened


def start(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()


def test_a_frame_that_fails_is_said_and_the_next_one_takes_the_words_back(page: Page) -> None:
    failing = {"problem": "This frame is damaged."}
    good = False
    serve(page, lambda number: {"faces": [face(1)]} if good else failing)
    start(page)
    expect(page.locator('.live-notice[role="alert"]')).to_have_text("This frame is damaged.")
    good = True
    expect(page.locator(".live-face")).to_have_count(1)
    expect(page.locator(".live-notice")).to_be_hidden()


def test_that_no_face_is_seen_is_said_only_while_frames_are_read(page: Page) -> None:
    answer: dict[str, Any] = {"faces": []}
    serve(page, lambda number: answer)
    hint = page.locator(".live-faces .hint")
    expect(page.locator(".live-notice")).to_be_visible()
    expect(hint).to_be_hidden()
    start(page)
    expect(hint).to_have_text(re.compile("^No face is seen"))
    answer = {"problem": "This frame is damaged."}
    expect(page.locator('.live-notice[role="alert"]')).to_be_visible()
    expect(hint).to_be_hidden()
    answer = {"faces": []}
    expect(hint).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".live-notice")).to_have_text("The camera is off.")
    expect(hint).to_be_hidden()


def test_a_new_start_counts_faces_from_one_again(page: Page) -> None:
    shown = [face(1), face(2)]
    serve(page, lambda number: {"faces": shown})
    start(page)
    expect(page.locator(".live-face")).to_have_count(2)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".live-face.gone")).to_have_count(2)  # what was read stays to be looked at
    shown = [face(1, emotion="sadness", confidence=0.8)]
    start(page)
    expect(page.locator(".live-face")).to_have_count(1)
    expect(page.locator(".live-face .eyebrow")).to_have_text("Face 1")
    expect(page.locator(".live-face .emotion")).to_have_text("sadness")


def test_of_two_cameras_chosen_at_once_only_the_last_is_taken(page: Page) -> None:
    sockets = serve(page, lambda number: {"faces": []})
    page.evaluate(
        """() => {
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          window.given = [];
          navigator.mediaDevices.getUserMedia = async wanted => {
            const stream = await ask({video: true});
            window.given.push(stream);
            return stream;
          };
        }"""
    )
    start(page)
    page.get_by_role("button", name="Stop").wait_for()
    page.evaluate(
        """() => {
          const cameras = document.querySelector('.live-camera');
          for (let time = 0; time < 2; time++) cameras.dispatchEvent(new Event('change'));
        }"""
    )
    page.wait_for_function("window.given.length === 3")
    page.get_by_role("button", name="Stop").wait_for()
    live = "window.given.map(stream => stream.getTracks().some(track => track.readyState === 'live'))"
    page.wait_for_function(f"{live}.filter(Boolean).length === 1")
    assert page.evaluate(f"{live}.length") == 3
    assert page.evaluate("window.given.some(each => each === document.querySelector('#live video').srcObject)")
    assert len(sockets) == 2  # the first camera's, and that of the last


def test_sliders_show_settings_that_reach_beyond_them(page: Page) -> None:
    serve(page, lambda number: {"faces": []})
    start(page)
    page.get_by_text("Steadiness").click()
    expect(page.locator(".live-steadiness span").first).to_have_text("45")
    expect(page.get_by_label("Frames averaged")).to_have_value("45")


def test_a_server_that_ends_the_connection_is_told_of(page: Page) -> None:
    sockets = serve(page, lambda number: {"faces": [face(1)]})
    start(page)
    expect(page.locator(".live-face")).to_have_count(1)
    sockets[-1].close(code=1000, reason="No frame came for 30 seconds.")
    expect(page.locator('.live-notice[role="alert"]')).to_have_text("No frame came for 30 seconds.")
    expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()
    assert page.evaluate("document.querySelector('#live video').srcObject") is None
