"""The page as `app.py` serves it on the tiny reference set, in a browser that fails a test on any fault."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser import chromium
from tests.browser.serving import served

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def address(reference: Path) -> Iterator[str]:
    """Where the page is served."""
    with served("--reference", reference) as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; tests that need it are skipped where there is none."""
    if chromium.PATH is None:
        pytest.skip("No Chromium here: `make setup-test` installs it where it may.")
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium.browsing(playwright) as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Opens the page in a fresh session, for a screen's width and colour scheme; faults fail the test at its end."""
    contexts, faults = [], []

    def opened(width: int = 1280, scheme: str = "light", address: str = address) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(chromium.PATIENCE)
        faults.append(chromium.watch(page, address))
        page.goto(address)
        page.wait_for_selector("#recognise-photo")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not any(faults), faults


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The page on a wide screen."""
    return open_page()
