"""Grey pictures and a square in each → how `fer` and face-api read it, each through its own public interface.

`fer` wants what requirements-peers.txt lists, face-api its npm package and Chromium, in which it runs as on a page.
"""

import base64
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page
from rich.console import Console
from rich.progress import track

from siamese.vocabulary import EMOTIONS, index_of
from tests.browser import chromium

FER, FACE_API = "fer", "face-api"
SHARED = tuple(name for name in EMOTIONS if name != "contempt")  # what both know

ENLARGED = 4  # times, as peers are made for photos; `fer` puts ten pixels around each face
_BATCH = 32  # pictures that go to the page at once
_READ = """async ({pixels, sizes}) => {
  const bytes = Uint8Array.from(atob(pixels), (each) => each.charCodeAt(0));
  const answers = [];
  let start = 0;
  for (const [width, height] of sizes) {
    const picture = new ImageData(width, height);
    for (let at = 0; at < width * height; at++) {
      const grey = bytes[start + at];
      picture.data.set([grey, grey, grey, 255], 4 * at);
    }
    start += width * height;
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [width, height];
    canvas.getContext('2d').putImageData(picture, 0, 0);
    answers.push(await faceapi.nets.faceExpressionNet.predictExpressions(canvas));
  }
  return answers;
}"""

Pictures = NDArray[np.uint8]  # (n, height, width), grey
Boxes = NDArray[np.float32]  # (n, 4): left, top, right, bottom
Reader = Callable[[Pictures, Boxes], NDArray[np.float64]]  # → shares (n, 7) of the expressions in SHARED


def shares(answer: dict[str, float]) -> NDArray[np.float64]:
    """A peer's answer by its own spellings → shares (7,) of the expressions in SHARED that sum to one.

    Raises ValueError when the answer lacks one of them, or says nothing at all.
    """
    by_name = {EMOTIONS[index]: value for name, value in answer.items() if (index := index_of(name)) is not None}
    found = np.array([by_name.get(name, np.nan) for name in SHARED])
    if not np.isfinite(found).all() or found.sum() <= 0:
        raise ValueError(f"not an answer about {', '.join(SHARED)}: {answer}")
    return found / found.sum()


def enlarged(picture: NDArray[np.uint8], box: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The picture several times as large, and the part of the box that lies in it, in whole pixels of that."""
    height, width = picture.shape
    large = Image.fromarray(picture).resize((ENLARGED * width, ENLARGED * height), Image.Resampling.BICUBIC)
    limits = np.tile([large.width, large.height], 2)
    return np.asarray(large), np.clip(np.round(ENLARGED * box), 0, limits).astype(np.int64)


def fer_reader() -> Reader:
    """`fer` on given boxes. Raises ImportError where it is not installed."""
    from fer.fer import FER as Detector

    detector = Detector(mtcnn=False)

    def read(pictures: Pictures, boxes: Boxes) -> NDArray[np.float64]:
        answers = []
        for picture, box in _shown(FER, pictures, boxes):
            large, (left, top, right, bottom) = enlarged(picture, box)
            coloured = np.repeat(large[..., None], 3, axis=2)
            (found,) = detector.detect_emotions(coloured, face_rectangles=[(left, top, right - left, bottom - top)])
            answers.append(shares(found["emotions"]))
        return np.stack(answers)

    return read


@contextmanager
def face_api_reader(package: Path) -> Iterator[Reader]:
    """face-api in Chromium, from its unpacked npm package, on what boxes cut out."""
    with _served(package) as address, chromium.launched() as browser:
        page = browser.new_page()
        page.goto(f"{address}/package.json")
        page.add_script_tag(url=f"{address}/dist/face-api.js")
        page.evaluate("(folder) => faceapi.nets.faceExpressionNet.loadFromUri(folder)", f"{address}/model")
        yield partial(_read_on, page)


def _read_on(page: Page, pictures: Pictures, boxes: Boxes) -> NDArray[np.float64]:
    cut = [_cut(*enlarged(picture, box)) for picture, box in zip(pictures, boxes, strict=True)]
    answers: list[dict[str, float]] = []
    batches = [cut[start : start + _BATCH] for start in range(0, len(cut), _BATCH)]
    for batch in track(batches, FACE_API, console=Console(stderr=True)):
        pixels = base64.b64encode(b"".join(each.tobytes() for each in batch)).decode()
        answers += page.evaluate(_READ, {"pixels": pixels, "sizes": [each.shape[::-1] for each in batch]})
    return np.stack([shares(each) for each in answers])


def _cut(picture: NDArray[np.uint8], box: NDArray[np.int64]) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    return picture[top:bottom, left:right]


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """A server of the folder's files on this machine alone; its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: pages are asked for by us alone."""


def _shown(name: str, pictures: Pictures, boxes: Boxes) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    return iter(track(list(zip(pictures, boxes, strict=True)), name, console=Console(stderr=True)))
