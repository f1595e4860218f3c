"""Pictures of readings: where the boxes lie, what the gauge says, and that colours and text can be read."""

import base64
import io
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from siamese.vocabulary import emotion_of
from siamese.web import drawing
from tests.web.readings import a_reading


def test_the_box_is_drawn_in_the_emotions_colour_where_the_face_is() -> None:
    photo = np.full((300, 400, 3), 255, dtype=np.uint8)
    marked = np.asarray(drawing.annotate(photo, [a_reading("anger", box=(100, 80, 200, 220))]))
    assert tuple(marked[150, 101]) == ImageColor.getrgb(emotion_of("anger").colour)
    assert (marked[150, 150] == 255).all() and (marked[290, 390] == 255).all()


def test_the_photo_itself_is_left_as_it_was() -> None:
    photo = np.full((300, 400, 3), 255, dtype=np.uint8)
    drawing.annotate(photo, [a_reading("anger")])
    assert (photo == 255).all()


@given(box=st.tuples(*[st.floats(-500, 1500)] * 4))
def test_a_box_that_leaves_the_photo_is_still_drawn(box: tuple[float, float, float, float]) -> None:
    photo = np.zeros((90, 120, 3), dtype=np.uint8)
    assert drawing.annotate(photo, [a_reading("fear", box=box)]).size == (120, 90)


def test_the_gauge_says_in_words_what_it_shows() -> None:
    assert 'aria-label="Similarity −0.25 on a scale from −1 to 1; the threshold is 0.40"' in drawing.gauge(-0.25, 0.4)


@pytest.mark.parametrize(("similarity", "x", "y"), [(-1, 66, 140), (0, 150, 56), (1, 234, 140)])
def test_the_needle_points_left_up_and_right(similarity: float, x: float, y: float) -> None:
    needle = re.search(r'class="needle".*?x2="([\d.]+)" y2="([\d.]+)"', drawing.gauge(similarity, 0.4))
    assert needle and tuple(map(float, needle.groups())) == pytest.approx((x, y), abs=0.1)


def test_the_strip_has_a_cell_for_every_number() -> None:
    assert drawing.embedding_strip(np.ones(128, dtype=np.float32)).count("<rect") == 128


def test_a_data_uri_holds_the_picture() -> None:
    uri = drawing.data_uri(np.full((20, 30, 3), 90, dtype=np.uint8))
    assert Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).size == (30, 20)
