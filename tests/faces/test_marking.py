"""Marks on pictures: that labels can be read, and that boxes and labels stay in the picture."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from siamese.faces import marking
from siamese.faces.marking import Mark, mark
from siamese.vocabulary import EMOTIONS, emotion_of


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_labels_contrast_with_their_colour_as_wcag_asks_of_text(emotion: str) -> None:
    colour = emotion_of(emotion).colour
    ink = marking.ink(colour)
    assert _contrast(ImageColor.getrgb(colour), ImageColor.getrgb(ink)) >= 4.5


def test_a_long_label_is_as_wide_as_its_text() -> None:
    box = np.array([40, 60, 80, 100], np.float32)
    short, long = (
        np.asarray(mark(Image.new("RGB", (400, 120)), [Mark(box, "#ff0000", label)]))[..., 0] > 200
        for label in ("1", "1 happiness 93%")
    )
    assert np.flatnonzero(long[50]).max() > np.flatnonzero(short[50]).max() + 60


def test_a_label_is_as_wide_at_the_right_edge_as_elsewhere() -> None:
    widths = []
    for left in (20, 360):
        face = Mark(np.array([left, 90, left + 30, 150], np.float32), "#c02040", "1 happiness 98%")
        row = np.asarray(mark(Image.new("RGB", (400, 200), "white"), [face]))[84]  # of the label, below its text
        widths.append(int((row == (0xC0, 0x20, 0x40)).all(axis=1).sum()))
    assert widths[0] == pytest.approx(widths[1], abs=1) and widths[0] > 60


def _contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: tuple[int, ...]) -> float:
    channels = [value / 255 for value in colour[:3]]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
