"""The running page → pictures of each tab, light and dark, wide and narrow, for the README.

python app.py &
python -m tests.browser.screenshots http://127.0.0.1:7860 docs/images

Its emoji come from the machine: without such a font (Debian's fonts-noto-color-emoji) some are empty boxes. The tab
Check is there for galleries of one's own only, and so it is taken when it is named:

python -m tests.browser.labelled prototypes my-gallery; python app.py --gallery my-gallery &
python -m tests.browser.screenshots http://127.0.0.1:7860 docs/images check
"""

import io
import sys
import tempfile
from pathlib import Path

import numpy as np
import skimage.data
import skimage.io
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from benchmarks import films
from tests.browser import chromium
from tests.browser.camera import changing, write_camera
from tests.browser.chromium import open_tab

WIDTHS = {"wide": 1280, "narrow": 390}
_QUALITY = 85  # of WebP, a tenth of the size of PNG here
EXAMPLES = Path(__file__).parents[2] / "prototypes" / "examples"
_WATCHED = 15_000  # milliseconds; for a chart to have something to show
_FILM = 24  # seconds
_SETTLED = 1000  # milliseconds; for pictures to be drawn and transitions to end


def main(address: str, folder: Path, tabs: list[str]) -> None:
    """Take those of these tabs."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        portrait = Path(temporary) / "astronaut.png"
        skimage.io.imsave(portrait, skimage.data.astronaut())
        camera = write_camera(changing(_portraits()), Path(temporary) / "changing.mjpeg")
        _take(address, folder, tabs, portrait, camera)


def _take(address: str, folder: Path, tabs: list[str], portrait: Path, camera: Path) -> None:
    with chromium.launched(camera) as browser:
        for scheme in ("light", "dark"):
            for name, width in WIDTHS.items():
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.set_default_timeout(chromium.PATIENCE)
                page.goto(address)
                for tab in (tab for name in tabs for tab in TABS[name]):
                    tab(page, portrait)
                    page.wait_for_timeout(_SETTLED)
                    picture = Image.open(io.BytesIO(page.screenshot(full_page=True)))
                    picture.save(folder / f"{tab.__name__}-{scheme}-{name}.webp", quality=_QUALITY, method=6)
                page.close()


def _portraits() -> list[NDArray[np.uint8]]:
    """The shipped examples, one of each expression: averages of many faces."""
    paths = [path for path in sorted(EXAMPLES.glob("*.webp")) if " " not in path.stem]
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def recognise(page: Page, portrait: Path) -> None:
    """A portrait, read."""
    page.set_input_files("#recognise-photo input[type=file]", portrait)
    page.wait_for_selector("#recognise-nearest .tile")


def compare(page: Page, portrait: Path) -> None:
    """The portrait beside the first picture of an example pair."""
    open_tab(page, "Compare")
    page.locator(".examples.pairs button:visible").filter(has_text="happiness").first.click()
    page.wait_for_selector("#compare-result .verdict")
    page.locator("#compare-second").get_by_label("Remove Image").click()
    page.wait_for_selector("#compare-result .hint")
    page.set_input_files("#compare-second input[type=file]", portrait)
    page.wait_for_selector("#compare-result .verdict")


def live(page: Page, portrait: Path) -> None:
    """Changing expressions before the camera, for a while."""
    open_tab(page, "Live")
    page.get_by_role("button", name="Start the camera").click()
    page.locator('.live-frame[data-faces="1"]').wait_for()
    page.wait_for_timeout(_WATCHED)


def video(page: Page, portrait: Path) -> None:
    """A made film of a face that changes its expression."""
    looks = [films.Look(path.stem, _face(path)) for path in sorted(EXAMPLES.glob("*[a-z].webp"))]
    film = films.write(films.made_film(looks, _FILM, still=False, seed=0), portrait.with_name("film.mp4"), 640, 360)
    open_tab(page, "Video")
    page.set_input_files("#video-file input[type=file]", film)
    page.locator("#video-file").get_by_text("film").first.wait_for()
    page.locator("#video-read").click()
    page.wait_for_selector("#video-faces .film-face")


def _face(path: Path) -> NDArray[np.uint8]:
    """An example without its margins, grey."""
    photo = Image.open(path).convert("L")
    return np.asarray(photo.crop(tuple(share * photo.width // 4 for share in (1, 1, 3, 3))))


def browse(page: Page, portrait: Path) -> None:
    """The gallery's first page."""
    open_tab(page, "Browse")
    page.wait_for_selector("#browse-grid .tile")


def shades(page: Page, portrait: Path) -> None:
    """An emotion, opened into its shades."""
    page.locator("#browse-emotion").get_by_role("radio", name="surprise").check()
    page.wait_for_selector("#browse-shades .shades")


def map(page: Page, portrait: Path) -> None:
    """The portrait among its neighbours on the gallery's map."""
    open_tab(page, "Map")
    page.wait_for_selector(".map-frame[data-count]")
    page.get_by_role("button", name="Place a photo on the map").click()
    page.set_input_files("#map-photo input[type=file]", portrait)
    page.wait_for_selector('.map-frame[data-chosen="photo"]')
    page.get_by_role("button", name="Place a photo on the map").click()


def teach(page: Page, portrait: Path) -> None:
    """The portrait, taught as an expression of its own, and taken back by the next picture."""
    open_tab(page, "Teach")
    page.wait_for_timeout(_SETTLED)
    while page.locator("#teach-forget").is_visible():
        page.locator("#teach-forget").click()
        page.wait_for_timeout(_SETTLED)
    page.get_by_label("Name", exact=True).fill("stargazing")
    page.set_input_files("#teach-photos input[type=file]", portrait)
    page.locator("#teach-photos").get_by_text(portrait.name).wait_for()
    page.locator("#teach-learn").click()
    page.wait_for_selector("#teach-status .lesson")


def album(page: Page, portrait: Path) -> None:
    """The shipped examples, summed up."""
    open_tab(page, "Album")
    page.set_input_files("#album-photos input[type=file]", sorted(EXAMPLES.glob("*.webp")))
    page.locator("#album-photos").get_by_text("surprise").first.wait_for()
    page.locator("#album-choose").click()
    page.wait_for_selector("#album-status .tile")


def check(page: Page, portrait: Path) -> None:
    """The most doubtful labels."""
    open_tab(page, "Check")
    page.wait_for_selector("#check-grid .tile")


def check_one(page: Page, portrait: Path) -> None:
    """The first of them beside those that contradict it."""
    check(page, portrait)
    page.locator("#check-grid button").first.click()
    page.wait_for_selector("#check-unlike .tile")


TABS = {
    "recognise": [recognise],
    "compare": [compare],
    "live": [live],
    "video": [video],
    "browse": [browse, shades],
    "map": [map],
    "teach": [teach],
    "album": [album],
    "check": [check, check_one],
}

if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:] or [name for name in TABS if name != "check"])
