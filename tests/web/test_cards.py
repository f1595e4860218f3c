"""The page's HTML: what it says of a reading, a comparison and a failure, and that no name in it can become markup."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.answers import Comparison
from siamese.gallery.items import Item, Match
from siamese.gallery.shading import Shade
from siamese.vocabulary import EMOTIONS
from siamese.web import cards
from tests.web.readings import a_reading


class _Text(HTMLParser):
    """Collects the text and the tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


@pytest.mark.parametrize(("share", "text"), [(0.0, "0%"), (0.004, "1%"), (0.874, "87%"), (0.999, "99%"), (1.0, "100%")])
def test_what_is_not_certain_is_never_written_as_certain(share: float, text: str) -> None:
    assert cards.percent(share) == text


def test_a_reading_names_its_emotion_its_confidence_and_all_probabilities() -> None:
    text = _Text(cards.emotion(a_reading("surprise", 0.65), 1, 1)).text
    assert "65%" in text and all(name in text for name in EMOTIONS)


def test_a_picture_taken_whole_is_said_to_be() -> None:
    assert "the whole picture was taken as the face" in cards.emotion(a_reading("fear", whole=True), 1, 1)
    assert "the whole picture" not in cards.emotion(a_reading("fear"), 1, 1)


@pytest.mark.parametrize(
    ("similarity", "probability", "verdict", "odds"),
    [
        (0.7, 0.87, "Same expression", "87% probability"),
        (0.2, 0.13, "Different expressions", "13% probability"),
        (0.51, 0.48, "Same expression", "A close call: 48% probability"),
    ],
)
def test_the_verdict_is_in_words(similarity: float, probability: float, verdict: str, odds: str) -> None:
    faces = a_reading("fear"), a_reading("surprise")
    text = _Text(cards.comparison(Comparison(similarity, probability, similarity >= 0.5, 0.5, *faces))).text
    assert verdict in text and odds in text


def test_a_failure_is_announced() -> None:
    assert 'role="alert"' in cards.notice("The photo is empty.")


@given(name=st.text(min_size=1))
def test_a_name_stays_text(name: str) -> None:
    tile = cards.Tile("data:,", name, detail=name, key=name)
    assert _Text(cards.tiles([tile], name)).tags == ["ul", "li", "button", "span", "img", "span", "span"]


def test_a_shade_shows_its_most_typical_example_first_and_each_one_once() -> None:
    items = [Item(f"item{number}", "fear", "<a photo>", "folder", b"") for number in range(3)]
    shade = Shade("fear", 4, 0.25, items[2], tuple(Match(item, 0.9) for item in items), np.zeros((8, 8), np.uint8))
    html = cards.shades([shade])
    assert re.findall(r'data-key="(.*?)"', html) == ["item2", "item0", "item1"]
    assert "25% of the examples" in _Text(html).text and "<a photo>" not in html
    assert cards.shades([]) == ""
