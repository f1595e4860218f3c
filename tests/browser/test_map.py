"""The tab Map in a real browser: what hovering, pressing, typing and placing a photo show, and how quickly."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from siamese import ExpressionService
from siamese.gallery.items import Item
from siamese.network.runtime import Embedder
from tests.browser import chromium
from tests.browser.conftest import OpenPage
from tests.browser.map_speed import make_gallery, measure
from tests.browser.serving import served
from tests.browser.test_page import open_tab, upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
expect.set_options(timeout=chromium.PATIENCE)


@pytest.fixture(scope="module")
def service(reference: Path) -> ExpressionService:
    return ExpressionService.load(reference)


@pytest.fixture
def chart(page: Page) -> Page:
    """The page with its map drawn, and all of it in view."""
    open_tab(page, "Map")
    page.wait_for_selector(".map-frame[data-count]")
    page.locator(".map-marks").scroll_into_view_if_needed()
    return page


def spot(page: Page, row: int) -> tuple[float, float]:
    """Where a row of the gallery is on the screen."""
    box = page.locator(".map-marks").bounding_box()
    x, y = spot_on_map(page, row)
    assert box
    return box["x"] + x, box["y"] + y


def spot_on_map(page: Page, row: int) -> tuple[float, float]:
    """Where it is from the map's corner, wherever the page is scrolled to."""
    x, y = page.evaluate(f"document.querySelector('.map-frame').pixelOf({row})")
    return x, y


def alone(page: Page, items: tuple[Item, ...]) -> int:
    """A row that no other lies near to, so that pointing at it means it and no other."""
    spots = np.array([spot(page, row) for row in range(1, len(items) + 1)])
    distances = np.linalg.norm(spots[:, None] - spots, axis=2) + 1e9 * np.eye(len(spots))
    return int(distances.min(axis=1).argmax()) + 1


def test_all_examples_are_on_it_by_emotion(chart: Page, service: ExpressionService) -> None:
    expect(chart.locator(".map-frame")).to_have_attribute("data-count", str(len(service.gallery)))
    expect(chart.locator("#map-about")).to_contain_text(f"{len(service.gallery)} examples, coloured by emotion")
    for emotion, count in service.gallery.store.counts("emotion").items():
        expect(chart.locator(".map-legend button").filter(has_text=emotion)).to_contain_text(str(count))


def test_hovering_shows_the_picture_with_its_emotion_and_source(chart: Page, service: ExpressionService) -> None:
    row = alone(chart, service.gallery.items)
    chart.mouse.move(*spot(chart, row))
    card, item = chart.locator(".map-card"), service.gallery.items[row - 1]
    expect(card).to_have_attribute("data-row", str(row))
    expect(card.locator(".caption")).to_contain_text(item.emotion)
    expect(card.locator(".detail")).to_have_text(item.source)
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    chart.mouse.move(5, 5)
    expect(card).to_be_hidden()


def test_pressing_shows_neighbours_and_pressing_one_of_them_its_own(chart: Page, service: ExpressionService) -> None:
    row = alone(chart, service.gallery.items)
    chart.mouse.click(*spot(chart, row))
    nearest = service.similar_to_item(service.gallery.items[row - 1].id, 1)[0].item
    first = chart.locator("#map-near button").first
    expect(first).to_have_attribute("data-key", nearest.id)
    expect(chart.locator("#map-title")).to_contain_text("Nearest to this example")
    first.click()
    expect(chart.locator(".map-frame")).to_have_attribute("data-chosen", str(service.gallery.store.row(nearest.id)))


def test_it_can_be_used_with_the_keyboard(chart: Page) -> None:
    marks, card = chart.locator(".map-marks"), chart.locator(".map-card")
    marks.focus()
    chart.keyboard.press("ArrowRight")
    expect(chart.locator(".map-spoken")).to_contain_text("drawing")
    first = card.get_attribute("data-row")
    chart.keyboard.press("ArrowRight")
    expect(card).not_to_have_attribute("data-row", first or "")
    chart.keyboard.press("Enter")
    expect(chart.locator("#map-near .tile").first).to_be_visible()
    expect(card).not_to_have_attribute("data-row", "")
    expect(chart.locator(".map-frame")).to_have_attribute("data-chosen", card.get_attribute("data-row") or "")
    chart.keyboard.press("Escape")
    expect(card).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1280])
def test_its_buttons_cover_no_point(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width)
    open_tab(page, "Map")
    page.wait_for_selector(".map-frame[data-count]")
    frame, tools = (page.locator(place).bounding_box() for place in (".map-frame", ".map-tools"))
    assert frame and tools and tools["y"] >= frame["y"] + frame["height"]
    page.get_by_role("button", name="Zoom in").click()
    expect(page.get_by_role("button", name="Zoom out")).to_be_enabled()


def test_the_legend_leaves_only_what_is_pressed(chart: Page, service: ExpressionService) -> None:
    row = alone(chart, service.gallery.items)
    emotion = service.gallery.items[row - 1].emotion
    buttons = chart.locator(".map-legend button")
    own, other = buttons.filter(has_text=emotion), buttons.filter(has_not_text=emotion).first
    other.click()
    expect(other).to_have_attribute("aria-pressed", "true")
    chart.mouse.move(*spot(chart, row))
    expect(chart.locator(".map-card")).to_be_hidden()
    own.click()
    chart.mouse.move(*spot(chart, row))
    expect(chart.locator(".map-card")).to_have_attribute("data-row", str(row))


def test_it_zooms_where_the_wheel_is_and_moves_as_it_is_dragged(chart: Page) -> None:
    before, home = spot(chart, 9), spot_on_map(chart, 9)
    chart.wait_for_timeout(400)  # since the page was scrolled
    chart.mouse.move(*before)
    chart.mouse.wheel(0, -400)
    chart.wait_for_function(f"document.querySelector('.map-frame').pixelOf(1)[0] != {spot(chart, 1)[0]}")
    expect(chart.get_by_role("button", name="Show all")).to_be_enabled()
    zoomed = spot(chart, 9)
    assert zoomed == pytest.approx(before, abs=25)
    chart.mouse.down()
    chart.mouse.move(zoomed[0] - 3, zoomed[1] - 3)
    chart.mouse.move(zoomed[0] - 20, zoomed[1] - 12, steps=4)
    chart.mouse.up()
    moved = spot(chart, 9)
    assert moved != pytest.approx(zoomed, abs=2)
    chart.get_by_role("button", name="Show all").click()
    assert spot_on_map(chart, 9) == pytest.approx(home, abs=0.5)
    expect(chart.locator("#map-near .tile")).to_have_count(0)  # a drag is no press


def test_a_photo_is_placed_among_its_neighbours(chart: Page, portrait: Path, service: ExpressionService) -> None:
    chart.get_by_role("button", name="Place a photo on the map").click()
    upload(chart, "map-photo", portrait)
    expect(chart.locator("#map-title")).to_contain_text("Nearest to the face in your photo")
    expect(chart.locator(".map-frame")).to_have_attribute("data-chosen", "photo")
    nearest = service.similar(portrait, 1)[0]
    expect(chart.locator("#map-near button").first).to_have_attribute("data-key", nearest.item.id)
    chart.locator("#map-photo").get_by_label("Remove Image").click()
    expect(chart.locator(".map-frame")).to_have_attribute("data-chosen", "")


def test_what_is_taught_joins_it(chart: Page, portrait: Path, service: ExpressionService) -> None:
    open_tab(chart, "Teach")
    chart.get_by_label("Name", exact=True).fill("gaze")
    upload(chart, "teach-photos", portrait)
    chart.locator("#teach-learn").click()
    chart.locator("#teach-anyway:visible, #teach-taught:visible").first.wait_for()
    if chart.locator("#teach-anyway").is_visible():
        chart.locator("#teach-anyway").click()
    expect(chart.locator("#teach-status .section")).to_have_text("«gaze» is known now")
    open_tab(chart, "Map")
    expect(chart.locator(".map-frame")).to_have_attribute("data-count", str(len(service.gallery) + 1))
    expect(chart.locator(".map-legend button").filter(has_text="gaze")).to_contain_text("1")
    open_tab(chart, "Teach")
    chart.locator("#teach-forget").click()
    expect(chart.locator("#teach-status .section")).to_have_text("«gaze» was removed")


@pytest.mark.slow
def test_20000_points_answer_in_a_moment(browser: Browser, reference: Path, tmp_path: Path) -> None:
    """The bounds are for a machine that is busy; `python -m tests.browser.map_speed` tells the figures."""
    make_gallery(tmp_path / "gallery", Embedder(reference / "network.onnx").fingerprint)
    with served("--reference", reference, "--gallery", tmp_path / "gallery") as address:
        took = measure(browser, address)
    assert took["first drawing"] < 5000
    assert took["a frame while dragging"] < 100
    assert took["a hover's picture"] < 500
    assert took["a click's neighbours"] < 1000
