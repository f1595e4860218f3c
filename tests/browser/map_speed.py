"""A made-up gallery of 20,000 examples → how quickly its map answers in a browser, in milliseconds.

python -m tests.browser.map_speed
"""

import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser

from siamese.gallery import thumbnails
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.network.runtime import Embedder
from siamese.network.twin import EMBEDDING_SIZE
from siamese.vocabulary import EMOTIONS
from tests.browser import chromium
from tests.browser.serving import served
from tests.tiny import draw_face, tiny_reference

POINTS = 20_000
_SPREAD, _SPOTS, _PICTURES = 0.05, 60, 64  # of a cluster, and how many spots and pictures are made
_HOVERS, _CLICKS, _DRAGS = 25, 6, 90

_RECORD = """() => {
  const card = document.querySelector('.map-card'), overlay = document.querySelector('.map-marks');
  const seen = window.seen = {frames: [], hovers: [], moved: 0, pressed: 0, clicks: []};
  overlay.addEventListener('pointermove', () => { seen.moved = performance.now(); }, true);
  overlay.addEventListener('pointerup', () => { seen.pressed = performance.now(); }, true);
  new MutationObserver(() => card.dataset.row && seen.hovers.push(performance.now() - seen.moved))
    .observe(card, {attributes: true, attributeFilter: ['data-row']});
  let before = '';
  new MutationObserver(() => {
    const first = document.querySelector('#map-near button')?.dataset.key ?? '';
    if (first !== before) seen.clicks.push(performance.now() - seen.pressed);
    before = first;
  }).observe(document.querySelector('#map-near'), {childList: true, subtree: true, attributes: true});
  let last = performance.now();
  const frame = now => { seen.frames.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""
_OPEN = """() => new Promise(done => {
  const start = performance.now();
  const look = () => document.querySelector('.map-frame[data-count]')
    ? requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)))
    : requestAnimationFrame(look);
  [...document.querySelectorAll('[role=tab]')].find(tab => tab.innerText === 'Map').click();
  look();
})"""


def make_gallery(folder: Path, fingerprint: str, count: int = POINTS) -> None:
    """A gallery of so many examples around made-up spots in the space of embeddings, with its map."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(_SPOTS, EMBEDDING_SIZE))
    spot = rng.integers(0, _SPOTS, count)
    embeddings = centres[spot] + rng.normal(size=(count, EMBEDDING_SIZE))
    embeddings = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    pictures = [thumbnails.encode(draw_face(seed % len(EMOTIONS), seed)) for seed in range(_PICTURES)]
    items = [
        Item(f"{number:016x}", EMOTIONS[spot[number] % len(EMOTIONS)], f"photo {number}.jpg", "folder", picture)
        for number, picture in enumerate(pictures[number % _PICTURES] for number in range(count))
    ]
    gallery = Gallery.create(folder, "Made up", fingerprint, EMBEDDING_SIZE)
    gallery.add(items, embeddings)
    middles = rng.uniform(0.1, 0.9, size=(_SPOTS, 2))[spot] + rng.normal(size=(count, 2)) * _SPREAD / 2
    rows = gallery.store.rows()
    gallery.store.keep_places(rows, np.clip(middles, 0, 1).astype(np.float32), int(rows[-1]))
    gallery.close()


def measure(browser: Browser, address: str) -> dict[str, float]:
    """Open the map, drag it, hover its points and press some; what each took, in milliseconds."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(chromium.PATIENCE)
    faults = chromium.watch(page, address)
    page.goto(address)
    page.wait_for_selector("#recognise-photo")
    told = {"first drawing": page.evaluate(_OPEN)}
    page.locator(".map-tools").scroll_into_view_if_needed()  # as pressing them would, after the map was measured
    box = page.locator(".map-marks").bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate(_RECORD)

    page.get_by_role("button", name="Zoom in").click()
    page.mouse.move(*middle)
    page.mouse.down()
    page.evaluate("seen.frames.length = 0")
    for step in range(_DRAGS):
        page.mouse.move(middle[0] + 60 * np.sin(step / 9), middle[1] + 60 * np.cos(step / 9))
    frames = page.evaluate("seen.frames")
    page.mouse.up()
    told |= {"a frame while dragging": median(frames), "the slowest such frame in 20": float(np.quantile(frames, 0.95))}
    told["drawing all points"] = page.evaluate("document.querySelector('.map-frame').time()")

    page.get_by_role("button", name="Show all").click()
    spots = [page.evaluate(f"document.querySelector('.map-frame').pixelOf({row})") for row in range(1, POINTS, 777)]
    for x, y in spots[:_HOVERS]:
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(400)
    hovers = page.evaluate("seen.hovers")
    told |= {"a hover's picture": median(hovers), "the slowest hover": max(hovers)}
    clicks = []
    for x, y in spots[:_CLICKS]:
        page.evaluate("seen.clicks.length = 0")
        page.mouse.click(box["x"] + x, box["y"] + y)
        page.wait_for_function("seen.clicks.length")
        clicks.append(page.evaluate("seen.clicks[0]"))
        page.wait_for_timeout(500)
    told |= {"a click's neighbours": median(clicks), "the slowest click": max(clicks)}
    page.close()
    assert not faults, faults
    return told


def main() -> None:
    """Make the gallery, serve it, measure, print."""
    with tempfile.TemporaryDirectory() as name, chromium.launched() as browser:
        folder = Path(name)
        reference = tiny_reference(folder / "reference")
        make_gallery(folder / "gallery", Embedder(reference / "network.onnx").fingerprint)
        words = ("--reference", reference, "--gallery", folder / "gallery")
        with served(*words) as address:
            for what, milliseconds in measure(browser, address).items():
                print(f"{what:30}{milliseconds:8.0f} ms")


if __name__ == "__main__":
    main()
