"""The running page → pictures of each tab, light and dark, wide and narrow, in docs/images, for the README.

python app.py &
python -m tests.browser.screenshots http://127.0.0.1:7860 docs/images
"""

import shutil
import sys
import tempfile
from pathlib import Path

import skimage.data
import skimage.io
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import BROWSER_ARGUMENTS, PATIENCE

WIDTHS = {"wide": 1280, "narrow": 390}
_SETTLED = 1000  # milliseconds; for pictures to be drawn and transitions to end


def main(address: str, folder: Path) -> None:
    """Take all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        portrait = Path(temporary) / "astronaut.png"
        skimage.io.imsave(portrait, skimage.data.astronaut())
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS)
        for scheme in ("light", "dark"):
            for name, width in WIDTHS.items():
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.set_default_timeout(PATIENCE)
                page.goto(address)
                for tab in (_recognise, _compare, _browse):
                    tab(page, portrait)
                    page.wait_for_timeout(_SETTLED)
                    page.screenshot(path=folder / f"{tab.__name__.strip('_')}-{scheme}-{name}.png", full_page=True)
                page.close()


def _recognise(page: Page, portrait: Path) -> None:
    page.set_input_files("#recognise-photo input[type=file]", portrait)
    page.wait_for_selector("#recognise-nearest .tile")


def _compare(page: Page, portrait: Path) -> None:
    page.get_by_role("tab", name="Compare").click()
    page.locator(".examples.pairs button:visible").first.click()
    page.wait_for_selector("#compare-result .verdict")


def _browse(page: Page, portrait: Path) -> None:
    page.get_by_role("tab", name="Browse").click()
    page.wait_for_selector("#browse-grid .tile")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
