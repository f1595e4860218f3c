"""Readings and comparisons → pictures: boxes on the photo, bars, the gauge and the embedding's strip (Pillow, SVG)."""

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from siamese.answers import Reading
from siamese.faces.marking import Mark, mark
from siamese.vocabulary import emotion_of

Picture = Image.Image | NDArray[np.uint8]


def signed(number: float, decimals: int = 2) -> str:
    """A similarity with a true minus sign."""
    return f"{number:.{decimals}f}".replace("-", "−")


def data_uri(picture: Picture | bytes) -> str:
    """A picture (or a WebP file's bytes) as a `data:` address, so that the page needs no further request."""
    if not isinstance(picture, bytes):
        file = io.BytesIO()
        _image(picture).save(file, "WEBP", quality=86)
        picture = file.getvalue()
    return "data:image/webp;base64," + base64.b64encode(picture).decode()


def annotate(photo: NDArray[np.uint8], readings: Sequence[Reading], chosen: int = 0) -> Image.Image:
    """The photo with a numbered box per face in its emotion's colour, the chosen one strongest."""
    marks = [
        Mark(reading.box, emotion_of(reading.emotion).colour, str(index + 1), index == chosen)
        for index, reading in enumerate(readings)
    ]
    return mark(_image(photo), marks)


def face_cutout(photo: NDArray[np.uint8], reading: Reading, margin: float = 0.3) -> Image.Image:
    """The photo's part around a face, its box widened by a share of its size, with its landmarks as dots."""
    marked = _image(photo).copy()
    left, top, right, bottom = reading.box.tolist()
    size = max(right - left, bottom - top)
    if reading.landmarks is None:
        return marked
    pen = ImageDraw.Draw(marked)
    for x, y in reading.landmarks.tolist():
        pen.circle((x, y), max(1.5, size / 45), fill=emotion_of(reading.emotion).colour, outline="white")
    grow = margin * size
    area = (max(0, left - grow), max(0, top - grow), min(marked.width, right + grow), min(marked.height, bottom + grow))
    return marked.crop(tuple(round(edge) for edge in area))


def thumbnail(photo: NDArray[np.uint8], side: int = 320) -> Image.Image:
    """The photo, no longer than `side` pixels."""
    small = _image(photo)
    small.thumbnail((side, side))
    return small


def resized(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A square picture, as large as that in pixels."""
    return np.asarray(_image(picture).resize((side, side), Image.Resampling.LANCZOS))


def enlarged(crop: NDArray[np.uint8], times: int = 4) -> Image.Image:
    """A crop with every pixel visible."""
    return _image(crop).resize((crop.shape[1] * times, crop.shape[0] * times), Image.Resampling.NEAREST)


def embedding_strip(embedding: NDArray[np.float32]) -> str:
    """The embedding as a grid of cells, SVG: warm where positive, cool where negative, strong where large."""
    rows = max(1, round(math.sqrt(len(embedding) / 2)))
    columns = math.ceil(len(embedding) / rows)
    largest = float(np.abs(embedding).max()) or 1.0
    cells = "".join(
        f'<rect x="{index % columns}" y="{index // columns}" width="1.02" height="1.02" '
        f'fill="{"#e69f00" if value > 0 else "#3b82c4"}" fill-opacity="{abs(value) / largest:.2f}"/>'
        for index, value in enumerate(embedding.tolist())
    )
    label = f"The embedding: {len(embedding)} numbers, drawn as a grid of cells"
    return f'<svg class="strip" viewBox="0 0 {columns} {rows}" role="img" aria-label="{label}">{cells}</svg>'


def gauge(similarity: float, threshold: float) -> str:
    """A half dial from −1 to 1, SVG: the similarity as its needle, the threshold marked and what lies above tinted."""
    label = f"Similarity {signed(similarity)} on a scale from −1 to 1; the threshold is {signed(threshold)}"
    mark_x, mark_y = _on_dial(threshold, 112)
    mark_from = _on_dial(threshold, 76)
    text_x, text_y = _on_dial(threshold, 124)
    tip_x, tip_y = _on_dial(similarity, 84)
    anchor = "middle" if abs(text_x - 150) < 20 else "start" if text_x > 150 else "end"
    return f"""<svg class="gauge" viewBox="0 0 300 172" role="img" aria-label="{label}">
  <path class="dial" d="{_arc(-1, threshold)}"/><path class="dial same" d="{_arc(threshold, 1)}"/>
  <line class="mark" x1="{mark_from[0]:.1f}" y1="{mark_from[1]:.1f}" x2="{mark_x:.1f}" y2="{mark_y:.1f}"/>
  <text class="small" x="{text_x:.1f}" y="{text_y:.1f}" text-anchor="{anchor}">threshold {signed(threshold)}</text>
  <line class="needle" x1="150" y1="140" x2="{tip_x:.1f}" y2="{tip_y:.1f}"/>
  <circle class="hub" cx="150" cy="140" r="6"/>
  <text class="small" x="56" y="160" text-anchor="middle">−1</text>
  <text class="small" x="244" y="160" text-anchor="middle">1</text>
  <text class="figure" x="150" y="169" text-anchor="middle">{signed(similarity)}</text>
</svg>"""


def _on_dial(value: float, radius: float) -> tuple[float, float]:
    angle = math.pi * (1 - (min(1.0, max(-1.0, value)) + 1) / 2)
    return 150 + radius * math.cos(angle), 140 - radius * math.sin(angle)


def _arc(start: float, end: float, radius: float = 94) -> str:
    (x0, y0), (x1, y1) = _on_dial(start, radius), _on_dial(end, radius)
    return f"M{x0:.1f} {y0:.1f} A{radius} {radius} 0 0 1 {x1:.1f} {y1:.1f}"


def _image(picture: Picture) -> Image.Image:
    return picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
