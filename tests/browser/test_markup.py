"""Names that are markup, on every tab: they are shown as they were given, and nothing in them runs or is fetched."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from siamese import ExpressionService
from siamese.gallery.gallery import Gallery
from tests.browser import chromium
from tests.browser.chromium import open_tab
from tests.browser.conftest import OpenPage
from tests.browser.labelled import labelled_copy
from tests.browser.serving import served
from tests.browser.test_page import upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
expect.set_options(timeout=chromium.PATIENCE)

# Of HTML, and of the templates that Gradio fills in.
MARKUP = "<img src=x onerror=alert()>${alert()}{{value}}"
LABEL, TAUGHT, RENAMED = f"{MARKUP} label", f"{MARKUP} taught", f"{MARKUP} renamed"


@pytest.fixture(scope="module")
def hostile(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery whose title, sources and one label are markup."""
    folder = tmp_path_factory.mktemp("galleries")
    labelled_copy(reference, folder / "plain")
    fingerprint = ExpressionService.load(reference).embedder.fingerprint
    plain = Gallery.open(folder / "plain", fingerprint)
    rows = plain.store.rows()
    items = [replace(item, source=f"{MARKUP} {item.source}") for item in plain.items]
    items[1] = replace(items[1], emotion=LABEL)
    embeddings = plain.store.embeddings(rows)
    own = Gallery.create(folder / "hostile", MARKUP, fingerprint, embeddings.shape[1])
    own.add(items, embeddings, list(plain.store.crops_of(rows)))
    own.close()
    return folder / "hostile"


@pytest.fixture(scope="module")
def hostile_address(reference: Path, hostile: Path) -> Iterator[str]:
    with served("--reference", reference, "--gallery", hostile) as address:
        yield address


@pytest.fixture
def page(open_page: OpenPage, hostile_address: str) -> Iterator[Page]:
    """The page, which opens no dialog; a picture fetched from «x» fails as a fault at its end."""
    page, dialogs = open_page(address=hostile_address), []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield page
    assert page.locator("img[src=x]").count() == 0 and not dialogs


def test_recognise(page: Page, portrait: Path) -> None:
    upload(page, "recognise-photo", portrait)
    expect(page.locator("#recognise-nearest .detail").first).to_contain_text(f"«{MARKUP}»")


def test_browse(page: Page) -> None:
    open_tab(page, "Browse")
    expect(page.locator(".section").filter(has_text=MARKUP, visible=True)).to_have_text(MARKUP)
    expect(page.locator("#browse-grid .detail").first).to_contain_text(MARKUP)
    expect(page.locator(".pager").filter(visible=True)).to_contain_text("Page 1 of")
    page.locator("#browse-emotion").get_by_role("radio", name=LABEL).check()
    expect(page.locator("#browse-grid .caption")).to_have_count(1)
    expect(page.locator("#browse-grid .caption")).to_contain_text(LABEL)
    page.locator("#browse-grid button").click()
    expect(page.locator("#browse-title .detail")).to_contain_text(f"{LABEL}, {MARKUP}")


def test_map(page: Page) -> None:
    open_tab(page, "Map")
    page.wait_for_selector(".map-frame[data-count]")
    expect(page.locator("#map-about .section")).to_have_text(MARKUP)
    expect(page.locator(".map-legend button").filter(has_text=LABEL)).to_be_visible()
    page.locator(".map-marks").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".map-spoken")).to_contain_text(MARKUP)
    expect(page.locator(".map-card .detail")).to_contain_text(MARKUP)
    page.keyboard.press("Enter")
    expect(page.locator("#map-title")).to_contain_text(MARKUP)


def test_teach(page: Page, portrait: Path) -> None:
    open_tab(page, "Teach")
    expect(page.get_by_text("What is taught is kept")).to_contain_text(f"«{MARKUP}»")
    page.get_by_label("Name", exact=True).fill(TAUGHT)
    upload(page, "teach-photos", portrait)
    page.locator("#teach-learn").click()
    page.locator("#teach-anyway:visible, #teach-taught:visible").first.wait_for()
    if page.locator("#teach-anyway").is_visible():
        expect(page.locator("#teach-status .section")).to_have_text(f"Is this «{TAUGHT}»?")
        page.locator("#teach-anyway").click()
    expect(page.locator("#teach-status .section")).to_have_text(f"«{TAUGHT}» is known now")
    page.get_by_placeholder("New name").fill(RENAMED)
    page.locator("#teach-rename").click()
    expect(page.locator("#teach-status .section")).to_have_text(f"«{TAUGHT}» is called «{RENAMED}» now")
    expect(page.locator("#teach-taught")).to_contain_text(RENAMED)
    open_tab(page, "Recognise")
    upload(page, "recognise-photo", portrait)
    expect(page.locator("#recognise-reading .bars")).to_contain_text(RENAMED)
    open_tab(page, "Teach")
    page.locator("#teach-forget").click()
    expect(page.locator("#teach-status .section")).to_have_text(f"«{RENAMED}» was removed")


def test_check(page: Page) -> None:
    open_tab(page, "Check")
    page.locator("#check-grid button").first.click()
    expect(page.locator("#check-one .query")).to_contain_text(MARKUP)
    expect(page.locator("#check-unlike .detail").first).to_contain_text(MARKUP)
    page.locator("#check-keep").click()
    expect(page.locator("#check-status")).to_contain_text(MARKUP)
