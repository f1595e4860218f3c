"""How long each tab of the page takes to react, with a large gallery, in a real browser.

The gallery is made of what ships: its examples' pictures, and their embeddings with noise, as many as are asked for.
The page is served by `app.py`, as to anyone, and Chromium presses what a person would; the time is from the press until
the answer is drawn.

    python -m benchmarks.pages [--items 20000] [--repeats 5] [--json]
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import skimage.data
import skimage.io
from playwright.sync_api import Page, expect

from siamese.evaluation.tables import table
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.service import ExpressionService
from tests.browser import chromium

LIMIT = 1.0  # second
_NOISE = 0.4  # length of what is added to an embedding
_BATCH = 1000
_PAGE = """\
## How fast the page reacts with {items:,} examples

```sh
python -m benchmarks.pages{options} > docs/results/pages.md
```

Seconds from the press until the answer is drawn, in Chromium on the machine that serves the page, {cores} cores: the
first time, which may have to compute what is kept afterwards, and the median and the longest of {repeats} more.

{table}"""


@dataclass(frozen=True)
class Action:
    """Something that a person does in a tab: `before` makes it ready, and is not timed; `press` does it and waits."""

    tab: str
    name: str
    press: Callable[[Page], None]
    before: Callable[[Page], None] = lambda page: None


@dataclass(frozen=True)
class Reaction:
    """How many seconds an action took."""

    tab: str
    name: str
    first: float
    median: float
    longest: float

    @property
    def in_time(self) -> bool:
        """Whether it never took longer than a second."""
        return max(self.first, self.longest) <= LIMIT


def make_gallery(folder: Path, items: int) -> None:
    """A gallery of so many examples, labelled as if by the folders that they were in."""
    service = ExpressionService.load()
    shipped, rows = service.gallery.items, service.gallery.embeddings
    gallery = Gallery.create(folder, "Made up", service.embedder.fingerprint, rows.shape[1])
    random = np.random.default_rng(0)
    for start in range(0, items, _BATCH):
        chosen = random.integers(len(shipped), size=min(_BATCH, items - start))
        noise = random.normal(size=(len(chosen), rows.shape[1])) / np.sqrt(rows.shape[1])
        moved = (rows[chosen] + _NOISE * noise).astype(np.float32)
        copies = [
            replace(_copied(shipped[row], f"{start + place:06}"), labelled_by="folder")
            for place, row in enumerate(chosen)
        ]
        gallery.add(copies, moved / np.linalg.norm(moved, axis=1, keepdims=True))
    gallery.close()


def _copied(item: Item, name: str) -> Item:
    return replace(item, id=name, source=f"{item.emotion}/{name}.jpg", content=name)


@contextmanager
def served(gallery: Path) -> Iterator[str]:
    """The address of the page with this gallery."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--gallery", str(gallery), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        yield program.stdout.readline().split()[1]
        program.terminate()


def actions(photo: Path) -> list[Action]:
    """What is done, tab by tab, in this order."""

    def upload(place: str) -> Callable[[Page], None]:
        return lambda page: page.set_input_files(f"#{place} input[type=file]", photo)

    def cleared(place: str, left: str) -> Callable[[Page], None]:
        def clear(page: Page) -> None:
            if page.locator(f"#{place}").get_by_label("Remove Image").is_visible():
                page.locator(f"#{place}").get_by_label("Remove Image").click()
                expect(page.locator(left)).to_have_count(0)

        return clear

    def read(page: Page) -> None:
        upload("recognise-photo")(page)
        page.wait_for_selector("#recognise-nearest .tile")

    def pair(page: Page) -> None:
        page.locator(".examples.pairs button:visible").first.click()
        page.wait_for_selector("#compare-result .verdict")

    def no_pair(page: Page) -> None:
        for place in ("compare-first", "compare-second"):
            cleared(place, "#compare-result .verdict")(page)

    def emotion(name: str, heading: str) -> Callable[[Page], None]:
        def choose(page: Page) -> None:
            page.locator("#browse-emotion").get_by_role("radio", name=name).check()
            expect(page.locator("#browse-title")).to_contain_text(heading)
            expect(page.locator("#browse-shades .section")).to_have_count(0 if name == "All" else 1)

        return choose

    def turn(page: Page) -> None:
        number = int(page.locator(".pager p").inner_text().split()[1])
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".pager")).to_contain_text(f"Page {number + 1} of")

    def nearest(page: Page) -> None:
        page.locator("#browse-grid button").first.click()
        expect(page.locator("#browse-title")).to_contain_text("Nearest to this example")

    def back(page: Page) -> None:
        if page.get_by_role("button", name="Back to all").is_visible():
            page.get_by_role("button", name="Back to all").click()
            expect(page.locator("#browse-title")).to_contain_text("All examples")

    everything = emotion("All", "All examples")
    return [
        Action("Recognise", "read a photo", read, cleared("recognise-photo", "#recognise-nearest .tile")),
        Action("Compare", "compare two examples", pair, no_pair),
        Action("Browse", "open an emotion into its shades", emotion("happiness", "of happiness"), everything),
        Action("Browse", "turn a page", turn, everything),
        Action("Browse", "show what is nearest to an example", nearest, back),
    ]


def measure(page: Page, action: Action, repeats: int) -> Reaction:
    """Do it once and then so many times more."""
    page.get_by_role("tab", name=action.tab).click()
    times = []
    for _ in range(1 + repeats):
        action.before(page)
        started = time.perf_counter()
        action.press(page)
        times.append(time.perf_counter() - started)
    first, *others = times
    return Reaction(action.tab, action.name, first, float(np.median(others)), max(others))


def measure_all(address: str, photo: Path, repeats: int) -> list[Reaction]:
    """Every action on the page at this address."""
    expect.set_options(timeout=chromium.PATIENCE)
    with chromium.launched() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(chromium.PATIENCE)
        page.goto(address)
        page.wait_for_selector("#recognise-photo")
        return [measure(page, action, repeats) for action in actions(photo)]


def page_of(reactions: Sequence[Reaction], items: int, repeats: int, options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    rows = (
        (
            f"{each.tab}: {each.name}",
            *(f"{seconds:.2f}" for seconds in (each.first, each.median, each.longest)),
            "yes" if each.in_time else "no",
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
        make_gallery(gallery, words.items)
        with served(gallery) as address:
            reactions = measure_all(address, photo, words.repeats)
    if words.json:
        print(json.dumps({"items": words.items, "reactions": [asdict(each) for each in reactions]}))
        return
    options = f" --items {words.items}" if words.items != parser.get_default("items") else ""
    print(page_of(reactions, words.items, words.repeats, options))


if __name__ == "__main__":
    main()
