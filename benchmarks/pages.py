"""How long each tab of the page takes to react, with a large gallery, in a real browser.

The gallery is made of what ships: its examples' pictures, and their embeddings with noise, as many as are asked for.
The page is served by `app.py`, as to anyone, and Chromium presses what a person would; the time is from the press until
the answer is drawn, which is looked for at every frame.

    python -m benchmarks.pages [--items 20000] [--repeats 5] [--json]
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import skimage.data
import skimage.io
from playwright.sync_api import Page

from siamese.evaluation.tables import table
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.vocabulary import EMOTIONS
from tests.browser import chromium
from tests.browser.chromium import open_tab
from tests.browser.serving import served

LIMIT = 1.0  # second
_NOISE = 0.4  # length of what is added to an embedding
_SPREAD = 0.02  # of the places around the one of the example that they were made from
_WRONG = 25  # one label of so many is made wrong, most of the time
_BATCH = 1000
_LETTERS = str.maketrans("0123456789", "abcdefghij")
_SETTLED = 1000  # milliseconds, until a tab that was opened has shown what it has
_SHOWN = """([selector, text, count]) => {
  const there = [...document.querySelectorAll(selector)].filter(each => each.checkVisibility());
  return count === null ? there.some(each => each.innerText.includes(text)) : there.length === count;
}"""
_PAGE = """\
## How fast the page reacts with {items:,} examples

```sh
python -m benchmarks.pages{options} > docs/results/pages.md
```

Seconds from the press until the answer is drawn, in Chromium on the machine that serves the page, {cores} cores: the
first time, which may have to compute what is kept afterwards, and the median and the longest of {repeats} more. What
computes shows its progress meanwhile.

{table}"""


Press = Callable[[Page], None]


@dataclass(frozen=True)
class Action:
    """Something that a person does in a tab: `before` makes it ready, and is not timed; `press` does it and waits.

    What `computes` shows its progress, and need not end within a second.
    """

    tab: str
    name: str
    press: Press
    before: Press = lambda page: None
    computes: bool = False


@dataclass(frozen=True)
class Reaction:
    """How many seconds an action took."""

    tab: str
    name: str
    first: float
    median: float
    longest: float
    computes: bool = False

    @property
    def in_time(self) -> bool:
        """Whether it never took longer than a second."""
        return max(self.first, self.longest) <= LIMIT


def make_gallery(folder: Path, items: int) -> None:
    """A gallery of so many examples, labelled as if by the folders that they were in, some wrongly, with their map.

    Drawing the map anew would take minutes; here each example lies near the one that it was made from.
    """
    service = ExpressionService.load()
    shipped, rows, places = service.gallery.items, service.gallery.embeddings, service.map().places
    crops = list(service.gallery.store.crops_of(service.gallery.store.rows()).values())
    gallery = Gallery.create(folder, "Made up", service.embedder.fingerprint, rows.shape[1])
    random, laid_out = np.random.default_rng(0), []
    for start in range(0, items, _BATCH):
        chosen = random.integers(len(shipped), size=min(_BATCH, items - start))
        noise = random.normal(size=(len(chosen), rows.shape[1])) / np.sqrt(rows.shape[1])
        moved = (rows[chosen] + _NOISE * noise).astype(np.float32)
        laid_out.append(places[chosen] + _SPREAD * random.normal(size=(len(chosen), 2)))
        copies = [_copied(shipped[row], start + place) for place, row in enumerate(chosen)]
        gallery.add(copies, moved / np.linalg.norm(moved, axis=1, keepdims=True), [crops[row] for row in chosen])
    own = gallery.store.rows()
    gallery.store.keep_places(own, np.clip(np.concatenate(laid_out), 0, 1).astype(np.float32), int(own[-1]))
    gallery.close()


def _copied(item: Item, number: int) -> Item:
    emotion = EMOTIONS[number % len(EMOTIONS)] if number % _WRONG == 0 else item.emotion
    name = f"{number:06}"
    source = name.translate(_LETTERS)  # numbers that count on might be those of a film
    return replace(item, id=name, emotion=emotion, source=source, content=name, labelled_by="folder")


def actions(photo: Path, album: Sequence[Path]) -> list[Action]:
    """What is done, tab by tab, in this order, with a photo of one face and the photos of an album."""
    away = _open("Recognise", "#recognise-photo")
    return [
        Action("Recognise", "read a photo", _read(photo), _without("recognise-photo", "#recognise-nearest .tile")),
        Action("Compare", "compare two examples", _pair, _no_pair),
        Action("Browse", "open an emotion into its shades", _emotion("happiness"), _emotion("All")),
        Action("Browse", "turn a page", _next_page, _emotion("All")),
        Action("Browse", "show what is nearest to an example", _nearest, _back),
        Action("Map", "open", _open("Map", ".map-frame[data-count]"), away),
        Action("Map", "show what is nearest to a point", _point),
        Action("Teach", "be told what speaks against teaching", _doubts(photo), _forgotten),
        Action("Teach", "teach it anyway", _taught, _in_turn(_forgotten, _doubts(photo))),
        Action("Album", f"choose from {len(album)} photos", _choose(album), computes=True),
        Action("Check", "open, all labels checked", _open("Check", "#check-grid .tile"), away, computes=True),
        Action("Check", "show a doubted label", _doubted, _all_doubted),
        Action("Check", "keep a label", _keep),
    ]


def _shown(page: Page, selector: str, text: str = "", count: int | None = None) -> None:
    """Wait until something of a selector with this text is seen, or so many; Playwright's own waits look seldom."""
    page.wait_for_function(_SHOWN, arg=[selector, text, count])


def _open(tab: str, there: str) -> Press:
    def press(page: Page) -> None:
        open_tab(page, tab)
        _shown(page, there)

    return press


def _without(place: str, left: str) -> Press:
    """Take the photo away that is there, with what came of it."""

    def press(page: Page) -> None:
        if page.locator(f"#{place}").get_by_label("Remove Image").is_visible():
            page.locator(f"#{place}").get_by_label("Remove Image").click()
            _shown(page, left, count=0)

    return press


def _read(photo: Path) -> Press:
    def press(page: Page) -> None:
        page.set_input_files("#recognise-photo input[type=file]", photo)
        _shown(page, "#recognise-nearest .tile")

    return press


def _pair(page: Page) -> None:
    page.locator(".examples.pairs button:visible").first.click()
    _shown(page, "#compare-result .verdict")


def _no_pair(page: Page) -> None:
    for place in ("compare-first", "compare-second"):
        _without(place, "#compare-result .verdict")(page)


def _emotion(name: str) -> Press:
    def press(page: Page) -> None:
        page.locator("#browse-emotion").get_by_role("radio", name=name).check()
        _shown(page, "#browse-title .section", "All examples" if name == "All" else f"All examples of {name}")
        _shown(page, "#browse-shades .section", count=0 if name == "All" else 1)

    return press


def _next_page(page: Page) -> None:
    pager = page.locator(".pager").filter(visible=True)
    number = int(pager.locator("p").inner_text().split()[1])
    pager.get_by_role("button", name="Next").click()
    _shown(page, ".pager", f"Page {number + 1} of")


def _nearest(page: Page) -> None:
    page.locator("#browse-grid button").first.click()
    _shown(page, "#browse-title", "Nearest to this example")


def _back(page: Page) -> None:
    if page.get_by_role("button", name="Back to all").filter(visible=True).count():
        page.get_by_role("button", name="Back to all").filter(visible=True).click()
        _shown(page, "#browse-title", "All examples")


def _point(page: Page) -> None:
    """Press the point of the example after the one that is shown now."""
    first = "document.querySelector('#map-near button')?.dataset.key"
    shown = page.evaluate(first)
    row = 1 + int(page.evaluate("window.pressed = (window.pressed ?? 0) + 1"))
    x, y = page.evaluate(f"document.querySelector('.map-frame').pixelOf({row})")
    page.locator(".map-marks").click(position={"x": x, "y": y})
    page.wait_for_function(f"shown => ({first} ?? shown) !== shown", arg=shown)


def _in_turn(*presses: Press) -> Press:
    def press(page: Page) -> None:
        for each in presses:
            each(page)

    return press


def _doubts(photo: Path) -> Press:
    """Teach what is known already, which the page will not do at once."""

    def press(page: Page) -> None:
        page.get_by_label("Name", exact=True).fill("stargazing")
        page.set_input_files("#teach-photos input[type=file]", photo)
        _shown(page, "#teach-photos", photo.stem)
        page.locator("#teach-learn").click()
        _shown(page, "#teach-status", "It was not learned yet")

    return press


def _taught(page: Page) -> None:
    page.locator("#teach-anyway").click()
    _shown(page, "#teach-status", "is known now")


def _forgotten(page: Page) -> None:
    """Nothing is taught, and the tab is as fresh as when the page was loaded."""
    if page.locator("#teach-forget").is_visible():
        page.locator("#teach-forget").click()
        page.locator("#teach-forget").wait_for(state="hidden")
    page.reload()
    page.wait_for_selector("#recognise-photo")
    open_tab(page, "Teach")
    page.wait_for_timeout(_SETTLED)


def _choose(album: Sequence[Path]) -> Press:
    def press(page: Page) -> None:
        if page.locator("#album-status .lesson").count() == 0:
            page.set_input_files("#album-photos input[type=file]", list(album))
            _shown(page, "#album-photos", album[-1].stem)
        chosen = 1 + page.locator("#album-status .tile").count() % 2
        page.locator("#album-count input[type=number]").fill(str(chosen))
        page.locator("#album-choose").click()
        _shown(page, "#album-status .tile", count=chosen)

    return press


def _doubted(page: Page) -> None:
    page.locator("#check-grid button").first.click()
    _shown(page, "#check-one")


def _all_doubted(page: Page) -> None:
    if page.locator("#check-back").is_visible():
        page.locator("#check-back").click()
        page.locator("#check-grid button").first.wait_for(state="visible")


def _keep(page: Page) -> None:
    shown = page.locator("#check-one .query").inner_text()
    page.locator("#check-keep").click()
    page.wait_for_function("shown => document.querySelector('#check-one .query').innerText !== shown", arg=shown)


def measure(page: Page, action: Action, repeats: int) -> Reaction:
    """Do it once and then so many times more."""
    times = []
    for _ in range(1 + repeats):
        open_tab(page, action.tab)
        page.wait_for_timeout(_SETTLED)
        action.before(page)
        started = time.perf_counter()
        action.press(page)
        times.append(time.perf_counter() - started)
    first, *others = times
    return Reaction(action.tab, action.name, first, float(np.median(others)), max(others), action.computes)


def measure_all(address: str, photo: Path, album: Sequence[Path], repeats: int) -> list[Reaction]:
    """Every action on the page at this address."""
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(chromium.PATIENCE)
        page.goto(address)
        page.wait_for_selector("#recognise-photo")
        return [measure(page, action, repeats) for action in actions(photo, album)]


def page_of(reactions: Sequence[Reaction], items: int, repeats: int, options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    rows = (
        (
            f"{each.tab}: {each.name}",
            *(f"{seconds:.2f}" for seconds in (each.first, each.median, each.longest)),
            "computes" if each.computes else "yes" if each.in_time else "no",
        )
        for each in reactions
    )
    head = ("tab", "first", "median", "longest", "within a second")
    return _PAGE.format(items=items, options=options, cores=os.cpu_count(), repeats=repeats, table=table(head, rows))


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20_000, help="examples in the gallery")
    parser.add_argument("--repeats", type=int, default=5, help="times that each is done after the first")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        gallery, photo = Path(temporary) / "gallery", Path(temporary) / "photo.png"
        skimage.io.imsave(photo, skimage.data.astronaut())
        album = sorted((Settings().reference / "examples").glob("*.webp"))
        make_gallery(gallery, words.items)
        with served("--gallery", gallery) as address:
            reactions = measure_all(address, photo, album, words.repeats)
    if words.json:
        print(json.dumps({"items": words.items, "reactions": [asdict(each) for each in reactions]}))
        return
    options = f" --items {words.items}" if words.items != parser.get_default("items") else ""
    print(page_of(reactions, words.items, words.repeats, options))


if __name__ == "__main__":
    main()
