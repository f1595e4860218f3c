"""Debian's Chromium, driven by Playwright, and a watch over what a page asks for and complains about."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

PATH = shutil.which("chromium")
PATIENCE = 120_000  # milliseconds; a busy machine may take long

_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_ON_THIS_PAGE = ("data", "blob", "about")


@contextmanager
def launched(camera: Path | None = None) -> Iterator[Browser]:
    """A browser that can reach no other machine; with a .mjpeg file, which it plays over and over, as its camera."""
    with sync_playwright() as playwright, browsing(playwright, camera) as browser:
        yield browser


@contextmanager
def browsing(playwright: Playwright, camera: Path | None = None) -> Iterator[Browser]:
    """The same, one of several in one program."""
    arguments = [*_ARGUMENTS, *_CAMERA, f"--use-file-for-fake-video-capture={camera}"] if camera else _ARGUMENTS
    browser = playwright.chromium.launch(executable_path=PATH, args=arguments)
    yield browser
    browser.close()


def watch(page: Page, address: str) -> list[str]:
    """A list that fills with the page's faults: requests to another host than the address's, and errors."""
    faults: list[str] = []
    own = urlsplit(address).netloc

    def foreign(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme not in _ON_THIS_PAGE and parts.netloc != own

    page.on("request", lambda request: faults.append(request.url) if foreign(request.url) else None)
    page.on("websocket", lambda socket: faults.append(socket.url) if foreign(socket.url) else None)
    page.on("console", lambda said: faults.append(f"console: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    return faults


def open_tab(page: Page, name: str) -> None:
    """Press a tab; on a narrow screen some are in a menu."""
    tab, menu = page.get_by_role("tab", name=name), page.locator(".overflow-menu > button")
    tab.or_(menu).filter(visible=True).first.wait_for()
    if not tab.is_visible():
        menu.click()
        tab = page.locator(".overflow-dropdown button").filter(has_text=name)
    tab.click()
