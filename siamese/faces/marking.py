"""A picture and places in it → the picture with a labelled box at each, as the page and annotated videos show faces."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

_LINE_SHARE = 1 / 160  # of the picture's longer side
_LABEL_SHARE = 1 / 24
_STRONG = 1.6  # times as thick


@dataclass(frozen=True, eq=False)
class Mark:
    """A box (4,) as (left, top, right, bottom) in a picture's pixels, its colour and label; thicker if `strong`."""

    box: NDArray[np.float32]
    colour: str
    label: str
    strong: bool = False


def mark(picture: Image.Image, marks: Iterable[Mark], label_share: float = _LABEL_SHARE) -> Image.Image:
    """A copy of the picture with these boxes.

    Lines, and labels as high as a share of its longer side, grow with it, so that they look the same once it is shown.
    """
    marked = picture.copy()
    pen = ImageDraw.Draw(marked)
    side = max(marked.size)
    font = ImageFont.load_default(max(12, round(side * label_share)))
    for each in marks:
        width = max(2, round(side * _LINE_SHARE * (_STRONG if each.strong else 1)))
        _draw(pen, each, width, font, marked.size)
    return marked


def _draw(
    pen: ImageDraw.ImageDraw,
    each: Mark,
    width: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    size: tuple[int, int],
) -> None:
    left, top = np.clip(each.box[:2], 0, [size[0] - 2, size[1] - 2]).tolist()
    right, bottom = np.clip(each.box[2:], [left + 1, top + 1], [size[0] - 1, size[1] - 1]).tolist()
    pen.rounded_rectangle((left, top, right, bottom), radius=3 * width, outline=each.colour, width=width)
    text = pen.textbbox((0, 0), each.label, font=font)
    height = text[3] - text[1] + 4 * width
    tag_width = max(height, text[2] - text[0] + 4 * width)
    tag_left = max(0, min(left, size[0] - tag_width))
    tag_top = top - height if top >= height else top
    tag = (tag_left, tag_top, tag_left + tag_width, tag_top + height)
    pen.rounded_rectangle(tag, radius=2 * width, fill=each.colour)
    middle = (tag_left + tag_width / 2, tag_top + height / 2)
    pen.text(middle, each.label, fill=ink(each.colour), font=font, anchor="mm")


def ink(colour: str) -> str:
    """Black or white, whichever contrasts more with a colour (relative luminance as in WCAG 2)."""
    linear = [
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in ImageColor.getrgb(colour)[:3])
    ]
    luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"
