"""What a person does in the tab Check, on a gallery of their own in which some labels are wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from siamese import ExpressionService
from tests.browser import chromium
from tests.browser.chromium import open_tab
from tests.browser.conftest import OpenPage
from tests.browser.labelled import labelled_copy
from tests.browser.serving import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
expect.set_options(timeout=chromium.PATIENCE)


@pytest.fixture(scope="module")
def own(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("galleries") / "own"
    labelled_copy(reference, folder)
    return folder


@pytest.fixture(scope="module")
def own_address(reference: Path, own: Path) -> Iterator[str]:
    with served("--reference", reference, "--gallery", own) as address:
        yield address


@pytest.fixture
def check(open_page: OpenPage, own_address: str) -> Page:
    """The page with the most doubtful label in view."""
    page = open_page(address=own_address)
    open_tab(page, "Check")
    page.locator("#check-grid button").first.click()
    return page


def test_a_label_is_taken_back_taken_over_and_browsed(check: Page, reference: Path, own: Path) -> None:
    first = ExpressionService.load(reference, own).check_labels().doubted[0]
    expect(check.locator("#check-one .query")).to_contain_text(f"{first.source} is labelled {first.label}")
    expect(check.locator("#check-unlike .tile")).to_have_count(len(first.disagreeing))
    check.locator("#check-remove").click()
    expect(check.locator("#check-status")).to_contain_text(f"{first.source} was removed")
    check.locator("#check-undo").click()
    expect(check.locator("#check-one .query")).to_contain_text(first.source)
    check.get_by_role("button", name=f"Change to {first.suggested}").click()
    expect(check.locator("#check-status")).to_contain_text(f"labelled {first.suggested} by hand now")
    item = ExpressionService.load(reference, own).gallery.item(first.id)
    assert (item.emotion, item.labelled_by) == (first.suggested, "hand")
    open_tab(check, "Browse")
    expect(check.locator(".section").filter(has_text="My photos").locator("..")).to_contain_text("Labelled by hand.")


def test_once_all_are_judged_the_list_is_empty(check: Page, reference: Path, own: Path) -> None:
    for doubted in ExpressionService.load(reference, own).check_labels().doubted:
        expect(check.locator("#check-one .query")).to_contain_text(doubted.source)
        check.locator("#check-keep").click()
        expect(check.locator("#check-status")).to_contain_text(f"{doubted.source} is labelled {doubted.label} by hand")
    expect(check.locator("#check-grid")).to_contain_text("No label is doubted here.")
    check.locator("#check-again").click()
    expect(check.locator("#check-about")).to_contain_text("Not checked: labels by hand")
