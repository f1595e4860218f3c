"""The tiny reference set's page, and a browser that fails a test on a request off the machine or a console error."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import skimage.io
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from siamese import ExpressionService
from siamese.web.page import build_page, launch_options

BROWSER_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
PATIENCE = 60_000  # milliseconds; a busy machine may take long
_LOCAL_SCHEMES = ("data", "blob", "about")


@pytest.fixture(scope="session")
def address(reference: Path) -> Iterator[str]:
    """Where the page is served."""
    page = build_page(ExpressionService.load(reference), reference / "examples")
    _, url, _ = page.launch(
        server_name="127.0.0.1", quiet=True, prevent_thread_lock=True, **launch_options(reference / "examples")
    )
    yield url
    page.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; the tests are skipped where it is missing."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("No chromium here: `make setup-test` installs it where it may.")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened; watched from its first request to the test's end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    faults: list[str] = []
    own = urlsplit(address).netloc
    opened.on("request", lambda sent: faults.append(sent.url) if not _is_local(sent.url, own) else None)
    opened.on("console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(f"error: {error}"))
    opened.goto(address)
    opened.wait_for_selector("#recognise-photo")
    yield opened
    context.close()
    assert faults == []


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """The astronaut as a file."""
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    skimage.io.imsave(path, astronaut)
    return path


def _is_local(url: str, own: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in _LOCAL_SCHEMES or parts.netloc == own
