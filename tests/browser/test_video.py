"""The tab Video: a file is read with its progress, shown face by face, and kept when the reading is stopped."""

import base64
import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

from siamese.vocabulary import EMOTIONS
from tests.browser import chromium
from tests.browser.chromium import open_tab
from tests.browser.conftest import OpenPage
from tests.browser.serving import served
from tests.video.made_up import faces, greys, write_sound, write_video

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
expect.set_options(timeout=chromium.PATIENCE)


@pytest.fixture(scope="module")
def film(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of one face."""
    return write_video(tmp_path_factory.mktemp("films") / "film.mp4", faces(astronaut, 30))


@pytest.fixture(scope="module")
def long_film(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five minutes of one face."""
    pictures = faces(astronaut, 3000, side=128)
    return write_video(tmp_path_factory.mktemp("films") / "long.mp4", pictures)


_SOON = 20_000  # milliseconds, in which the long film is not read


def give(page: Page, file: Path) -> None:
    open_tab(page, "Video")
    page.set_input_files("#video-file input[type=file]", file)
    page.locator("#video-file").get_by_text(file.stem).first.wait_for()


def read(page: Page, file: Path) -> None:
    give(page, file)
    page.locator("#video-read").click()


def held(link: Locator) -> str:
    """What a link holds."""
    return base64.b64decode((link.get_attribute("href") or "").partition("base64,")[2]).decode()


def test_a_video_is_shown_face_by_face_with_its_tables(page: Page, film: Path) -> None:
    read(page, film)
    expect(page.locator("#video-status .section")).to_have_text("1 face in film.mp4")
    expect(page.locator("#video-faces .film-face")).to_have_count(1)
    expect(page.locator("#video-faces svg")).to_have_attribute("aria-label", _holding("Face 1: how probable"))
    expect(page.locator("#video-faces .bars li")).to_have_count(len(EMOTIONS))
    links = page.locator("#video-status .download")
    expect(links).to_have_text(["CSV", "JSON"])
    rows = list(csv.DictReader(held(links.nth(0)).splitlines()))
    (face,) = json.loads(held(links.nth(1)))["faces"]
    assert [row["emotion"] for row in rows] == face["timeline"]["emotion"] and len(rows) == 30
    expect(page.locator("#video-faces .tile")).to_have_count(len(face["key_frames"]))
    expect(page.locator("#video-read")).to_be_visible()
    expect(page.locator("#video-cancel")).to_be_hidden()
    expect(page.locator("#video-copy")).to_be_hidden()


def _holding(words: str) -> re.Pattern[str]:
    return re.compile(re.escape(words))


def test_stopping_keeps_what_was_read(page: Page, long_film: Path) -> None:
    read(page, long_film)
    expect(page.locator("#video-status")).to_contain_text("left")  # how long it will take
    page.locator("#video-cancel").click()
    expect(page.locator("#video-status .film-note")).to_contain_text("Reading was stopped after")
    expect(page.locator("#video-faces .film-face").first).to_be_visible()  # more, once it moved over the edge
    faces = json.loads(held(page.locator("#video-status .download").nth(1)))["faces"]
    assert 0 < faces[0]["readings"] < 3000
    expect(page.locator("#video-read")).to_be_visible()


def test_the_keyboards_focus_goes_to_the_button_that_takes_the_others_place(page: Page, long_film: Path) -> None:
    give(page, long_film)
    page.locator("#video-read").press("Enter")
    expect(page.locator("#video-cancel")).to_be_focused()
    expect(page.locator("#video-status")).to_contain_text("left")
    page.keyboard.press("Enter")
    expect(page.locator("#video-read")).to_be_focused()


def test_who_leaves_the_page_lets_others_read(open_page: OpenPage, long_film: Path, film: Path) -> None:
    leaving, staying = open_page(), open_page()
    read(leaving, long_film)
    expect(leaving.locator("#video-status")).to_contain_text("left")
    leaving.close()
    read(staying, film)
    expect(staying.locator("#video-faces .film-face")).to_have_count(1, timeout=_SOON)


def test_a_marked_copy_can_be_had(page: Page, film: Path, tmp_path: Path) -> None:
    give(page, film)
    page.locator("#video-copying").get_by_role("checkbox").check()
    page.locator("#video-read").click()
    link = page.locator("#video-copy a").first
    with page.expect_download() as downloaded:
        link.click()
    downloaded.value.save_as(tmp_path / "copy.mp4")
    assert (tmp_path / "copy.mp4").stat().st_size > 1000 and "marked" in downloaded.value.suggested_filename


def test_what_is_no_video_or_shows_no_face_gets_its_sentence(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Video")
    page.locator("#video-read").click()
    expect(page.get_by_role("alert")).to_have_text("!Add a video first.")
    read(page, write_sound(tmp_path / "song.mp4"))
    expect(page.get_by_role("alert")).to_contain_text("song.mp4 has only sound")
    page.locator("#video-file").get_by_label("Clear").or_(
        page.locator("#video-file button[aria-label='Remove this file']")
    ).first.click()
    read(page, write_video(tmp_path / "wall.mp4", greys(5, 96, 128)))
    expect(page.get_by_role("alert")).to_contain_text("No face was found in wall.mp4")
    expect(page.locator("#video-faces")).to_be_hidden()


@pytest.mark.stress  # half a minute; all tests together must end within twenty
def test_of_a_long_video_the_beginning_is_read_and_a_large_one_refused(
    open_page: OpenPage, reference: Path, film: Path
) -> None:
    limits = {"SEMBLANCE_PAGE_VIDEO_SECONDS": 1, "SEMBLANCE_MAX_FILE_BYTES": 10_000_000}
    with served("--reference", reference, **limits) as address:
        page = open_page(address=address)
        read(page, film)
        expect(page.locator("#video-status .film-note")).to_contain_text("Of film.mp4, the first 1 seconds were read.")
    with served("--reference", reference, SEMBLANCE_MAX_VIDEO_BYTES=1000) as address:
        page = open_page(address=address)
        read(page, film)
        expect(page.get_by_role("alert")).to_contain_text("film.mp4 is too large: this page takes videos of up to")


def test_it_fits_on_a_phone(open_page: OpenPage, film: Path) -> None:
    page = open_page(width=390)
    read(page, film)
    expect(page.locator("#video-faces .film-face")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
