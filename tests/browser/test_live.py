"""The tab Live, before a made camera: each face gets a box, a reading and a chart, and what fails is said."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser import chromium
from tests.browser.camera import moving, write_camera
from tests.browser.chromium import open_tab
from tests.browser.conftest import OpenPage

pytestmark = [pytest.mark.slow, pytest.mark.browser]

_PRESENT = "#live .live-frame"


@pytest.fixture(scope="module")
def browser(
    playwright: Playwright, tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]
) -> Iterator[Browser]:
    """A browser whose camera shows a face that moves."""
    camera = write_camera(moving(astronaut), tmp_path_factory.mktemp("camera") / "portrait.mjpeg")
    with chromium.browsing(playwright, camera) as browser:
        yield browser


def started(page: Page) -> Page:
    """The tab with a camera that is read."""
    open_tab(page, "Live")
    page.get_by_role("button", name="Start the camera").click()
    page.locator(f'{_PRESENT}[data-faces="1"]').wait_for()
    return page


def test_the_face_before_the_camera_is_read_and_goes_on_being_read(page: Page):
    started(page)
    card = page.locator(".live-face")
    expect(card).to_have_count(1)
    expect(card.locator(".eyebrow")).to_have_text("Face 1")
    expect(card.locator(".confidence b")).to_have_text(re.compile(r"^\d+%$"))
    expect(card.locator(".bars li")).to_have_count(8)
    expect(page.locator(".live-pace")).to_have_text(re.compile(r"^\d+ readings a second, each in \d+ ms$"))
    before = int(page.locator(_PRESENT).get_attribute("data-readings") or 0)
    page.wait_for_function("n => Number(document.querySelector('.live-frame').dataset.readings) > n + 20", arg=before)
    expect(card).to_have_count(1)  # it moved, and is the same face
    expect(card.locator(".eyebrow")).to_have_text("Face 1")


def test_boxes_and_charts_are_drawn(page: Page):
    started(page)
    drawn = (
        "selector => { const c = document.querySelector(selector); "
        "return c.width > 0 && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(each => each); }"
    )
    page.wait_for_function(drawn, arg=".live-marks")
    page.wait_for_function(drawn, arg=".live-face canvas")
    expect(page.locator(".live-face canvas")).to_have_attribute("aria-label", re.compile("^The last minute: .*%"))


def test_stopping_lets_the_camera_go_and_starting_takes_it_again(page: Page):
    started(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".live-notice")).to_have_text("The camera is off.")
    assert page.evaluate("document.querySelector('#live video').srcObject") is None
    started(page)


def test_the_keyboards_focus_stays_on_the_button_that_starts_and_stops(page: Page):
    open_tab(page, "Live")
    page.evaluate(
        """() => {
          window.lost = 0;
          new MutationObserver(() => { window.lost += document.activeElement === document.body; })
            .observe(document.querySelector('.live'), {subtree: true, childList: true, attributes: true});
        }"""
    )
    page.get_by_role("button", name="Start the camera").press("Enter")
    page.locator(f'{_PRESENT}[data-faces="1"]').wait_for()
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Start the camera")).to_be_focused()
    assert page.evaluate("window.lost") == 0


def test_who_leaves_the_tab_is_not_watched_any_longer(page: Page):
    started(page)
    open_tab(page, "Compare")
    page.wait_for_function("document.querySelector('#live video').srcObject === null")


def test_readings_are_steadied_as_the_sliders_say(page: Page):
    sent: list[str] = []
    page.on(
        "websocket", lambda each: each.on("framesent", lambda data: sent.append(data) if isinstance(data, str) else 0)
    )
    started(page)
    page.get_by_text("Steadiness").click()
    page.get_by_label("Frames averaged").fill("3")
    expect(page.locator(".live-steadiness span").first).to_have_text("3")
    page.wait_for_timeout(300)
    assert '"window":3' in sent[-1]
    expect(page.locator(f'{_PRESENT}[data-faces="1"]')).to_be_visible()


def test_on_a_phone_the_tab_fits(open_page: OpenPage):
    page = started(open_page(width=390))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_a_camera_the_page_says_what_to_do(playwright: Playwright, address: str):
    with chromium.browsing(playwright) as browser:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("#recognise-photo")
        open_tab(page, "Live")
        page.get_by_role("button", name="Start the camera").click()
        expect(page.locator('.live-notice[role="alert"]')).to_have_text(re.compile("camera.*(Connect|Allow).*again"))
        expect(page.locator(".live-faces .hint")).to_be_hidden()
        expect(page.get_by_role("button", name="Start the camera")).to_be_enabled()


def test_who_left_the_tab_while_the_browser_asked_is_not_watched(page: Page):
    open_tab(page, "Live")
    page.evaluate(
        """() => {
          const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
          navigator.mediaDevices.getUserMedia = async wanted => {
            await new Promise(done => { window.allow = done; });
            return window.given = await ask(wanted);
          };
        }"""
    )
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_function("Boolean(window.allow)")
    open_tab(page, "Compare")
    page.evaluate("window.allow()")
    page.wait_for_function("window.given?.getTracks().every(track => track.readyState === 'ended')")
    assert page.evaluate("document.querySelector('#live video').srcObject") is None
