"""Readings, comparisons and examples → the HTML that shows them; whatever a person or a file named is escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from siamese.answers import Comparison, Neighbour, Reading
from siamese.gallery.items import Item
from siamese.gallery.shading import Shade
from siamese.vocabulary import emotion_of
from siamese.web import drawing
from siamese.web.drawing import signed

_CLOSE_CALL = 0.1  # from even odds


@dataclass(frozen=True)
class Tile:
    """One small picture with its caption; with a `key` it is a button that reports the key."""

    picture: str  # an address, such as a `data:` one
    caption: str
    detail: str = ""
    colour: str = ""
    key: str | None = None
    second_picture: str | None = None


# Sends the key of the tile that was pressed, by mouse or keyboard, to Gradio's `select` event.
TILE_SCRIPT = """
element.addEventListener('click', event => {
  const tile = event.target.closest('button[data-key]');
  if (tile) trigger('select', {key: tile.dataset.key});
});
"""


def percent(share: float) -> str:
    """0.874 → «87%»; what is not certain is never written as 0 or 100."""
    return f"{min(99, max(1, round(100 * share)))}%" if 0 < share < 1 else f"{round(100 * share)}%"


def notice(sentence: str) -> str:
    """A failure's sentence, announced by screen readers at once."""
    return f'<div class="notice" role="alert"><span aria-hidden="true">!</span><p>{escape(sentence)}</p></div>'


def hint(sentence: str) -> str:
    """What to do next, where there is nothing to show yet."""
    return f'<div class="hint"><p>{escape(sentence)}</p></div>'


def heading(text: str, detail: str = "") -> str:
    """A section's title and one sentence beneath it."""
    return f'<h2 class="section">{escape(text)}</h2>' + (f'<p class="detail">{escape(detail)}</p>' if detail else "")


def query_heading(picture: drawing.Picture | bytes, text: str, detail: str) -> str:
    """A section's title beside the picture that it is about."""
    return f'<div class="query">{_picture(picture, "")}<div>{heading(text, detail)}</div></div>'


def eyebrow(text: str) -> str:
    """A small line above a group."""
    return f'<p class="eyebrow">{escape(text)}</p>'


def photo(picture: NDArray[np.uint8], readings: Sequence[Reading], chosen: int) -> str:
    """The photo with its numbered boxes."""
    described = "; ".join(f"face {i + 1}: {r.emotion}, {percent(r.confidence)}" for i, r in enumerate(readings))
    source = drawing.data_uri(drawing.annotate(picture, readings, chosen))
    return f'<img class="photo" src="{source}" alt="{escape(f"The photo with its faces marked. {described}")}">'


def emotion(reading: Reading, number: int, of: int) -> str:
    """The emotion, large, with its symbol and confidence, and all probabilities as bars."""
    look = emotion_of(reading.emotion)
    which = f"Face {number} of {of}" if of > 1 else "The face shows"
    whole = '<p class="detail">No face was detected, so the whole picture was taken as the face.</p>'
    return f"""<section class="card reading" style="--emotion: {look.colour}" aria-label="Reading">
  <div class="headline"><span class="symbol" aria-hidden="true">{look.symbol}</span>
    <div><p class="eyebrow">{which}</p><p class="emotion">{escape(reading.emotion)}</p>
    <p class="confidence">{percent(reading.confidence)} <span>confidence</span></p></div></div>
  {whole if reading.whole_picture else ""}
  {bars(reading.probabilities)}
</section>"""


def bars(probabilities: dict[str, float], label: str = "Probability of each emotion") -> str:
    """One bar per emotion, in the vocabulary's order."""
    rows = "".join(
        f'<li style="--emotion: {emotion_of(name).colour}"><span class="name">'
        f'<span aria-hidden="true">{emotion_of(name).symbol}</span> {escape(name)}</span>'
        f'<span class="track" aria-hidden="true"><span style="width: {100 * share:.1f}%"></span></span>'
        f'<span class="value">{_share(share)}</span></li>'
        for name, share in probabilities.items()
    )
    return f'<ul class="bars" aria-label="{escape(label)}">{rows}</ul>'


def steps(picture: NDArray[np.uint8], reading: Reading, size: tuple[int, int]) -> str:
    """The way a face was read, as a row of small pictures; `size` is the photo's own, (width, height)."""
    found = "the whole picture" if reading.whole_picture else "found, with five landmarks"
    crop = _picture(drawing.enlarged(reading.crop), "The aligned crop")
    row = [
        ("Photo", f"{size[0]} × {size[1]} pixels", _picture(drawing.thumbnail(picture), "The photo")),
        ("Face", found, _picture(drawing.face_cutout(picture, reading), "The face in the photo")),
        ("Aligned crop", f"{len(reading.crop)} × {len(reading.crop)}, what the network sees", crop),
        ("Embedding", f"{len(reading.embedding)} numbers of unit length", drawing.embedding_strip(reading.embedding)),
        ("Similarity to prototypes", "cosine; the nearest decides", _similarities(reading)),
    ]
    items = "".join(
        f'<li><div class="view">{view}</div><p class="caption">{name}</p><p class="detail">{detail}</p></li>'
        for name, detail, view in row
    )
    return heading("How it was read") + f'<ol class="steps">{items}</ol>'


def comparison(result: Comparison) -> str:
    """The verdict in words, the gauge, and both faces side by side."""
    relation = "reaches" if result.same_expression else "is below"
    return f"""<section class="card comparison" aria-label="Comparison">
  {_side("First", result.first)}
  <div class="middle">{drawing.gauge(result.similarity, result.threshold)}
    <p class="verdict">{"Same expression" if result.same_expression else "Different expressions"}</p>
    <p class="odds">{_odds(result)}</p>
    <p class="detail">The similarity, {signed(result.similarity)}, {relation} the threshold of
      {signed(result.threshold)}. The probability takes either answer as equally likely beforehand.</p></div>
  {_side("Second", result.second)}
</section>"""


def _odds(result: Comparison) -> str:
    """The probability; near a half it may lie on the other side than the verdict, so it is said to be close."""
    close = abs(result.probability - 0.5) < _CLOSE_CALL
    return f"{'A close call: ' if close else ''}{percent(result.probability)} probability that both show the same"


def tiles(row: Iterable[Tile], label: str) -> str:
    """A grid of small pictures, as buttons where they have a key."""
    items = "".join(f'<li style="--emotion: {tile.colour or "transparent"}">{_tile(tile)}</li>' for tile in row)
    if not items:
        return hint("There is nothing to show here.")
    return f'<ul class="tiles" aria-label="{escape(label)}">{items}</ul>'


def neighbour_tiles(neighbours: Iterable[Neighbour], label: str) -> str:
    """Examples of the gallery with their similarity, best first."""
    return tiles(map(neighbour_tile, neighbours), label)


def neighbour_tile(neighbour: Neighbour, pressable: bool = False) -> Tile:
    """An example of the gallery with its similarity."""
    key = neighbour.item.id if pressable else None
    return item_tile(neighbour.thumbnail, neighbour.emotion, f"similarity {signed(neighbour.similarity, 3)}", key)


def item_tile(thumbnail: bytes, name: str, detail: str, key: str | None) -> Tile:
    """An example of the gallery as a tile in its emotion's colour."""
    look = emotion_of(name)
    return Tile(drawing.data_uri(thumbnail), f"{look.symbol} {name}", detail, look.colour, key)


def shades(row: Sequence[Shade]) -> str:
    """The shades of one emotion, each as its portrait beside its examples, the most typical first; empty where none."""
    if not row:
        return ""
    name = row[0].emotion
    detail = (
        "Ways to show it, as training found them. Each portrait is the average of the examples beside it, of which the "
        "first is the most typical."
    )
    items = "".join(
        f"<li><figure>{_picture(each.portrait, f'Shade {each.number}, composite')}"
        f"<figcaption>Shade {each.number}<span>{percent(each.share)} of the examples</span></figcaption></figure>"
        f'<div class="strip">{"".join(map(_small, _typical_first(each)))}</div></li>'
        for each in row
    )
    look = emotion_of(name)
    return heading(f"Shades of {name}", detail) + f'<ol class="shades" style="--emotion: {look.colour}">{items}</ol>'


def _typical_first(shade: Shade) -> list[Item]:
    others = (match.item for match in shade.examples if match.item.id != shade.medoid.id)
    return [shade.medoid, *others][: len(shade.examples)]


def _small(item: Item) -> str:
    """An example without a caption, that reports its id."""
    return (
        f'<button type="button" data-key="{escape(item.id)}" title="{escape(item.source)}">'
        f'<img src="{drawing.data_uri(item.thumbnail)}" alt="{escape(item.source)}"></button>'
    )


def _tile(tile: Tile) -> str:
    pictures = "".join(
        f'<img src="{escape(source)}" alt="">' for source in (tile.picture, tile.second_picture) if source
    )
    detail = f'<span class="detail">{escape(tile.detail)}</span>' if tile.detail else ""
    inside = f'<span class="pictures">{pictures}</span><span class="caption">{escape(tile.caption)}</span>{detail}'
    if tile.key is None:
        return f'<div class="tile">{inside}</div>'
    return f'<button type="button" class="tile" data-key="{escape(tile.key)}">{inside}</button>'


def _side(position: str, reading: Reading) -> str:
    look = emotion_of(reading.emotion)
    whole = '<p class="detail">The whole picture was taken as the face.</p>' if reading.whole_picture else ""
    return f"""<figure class="side" style="--emotion: {look.colour}">
    {_picture(reading.portrait, f"{position} face, aligned")}
    <figcaption><p class="eyebrow">{position} face</p>
      <p class="emotion"><span aria-hidden="true">{look.symbol}</span> {escape(reading.emotion)}</p>
      <p class="detail">{percent(reading.confidence)} confidence</p>{whole}</figcaption></figure>"""


def _similarities(reading: Reading) -> str:
    rows = "".join(
        f'<li style="--emotion: {emotion_of(name).colour}" class="{"best" if name == reading.emotion else ""}">'
        f'<span>{escape(name)}</span><span class="track" aria-hidden="true">'
        f'<span style="{_from_middle(value)}"></span></span><span class="value">{signed(value)}</span></li>'
        for name, value in reading.similarities.items()
    )
    return f'<ul class="similarities" aria-label="Similarity to each prototype">{rows}</ul>'


def _from_middle(value: float) -> str:
    """A bar that starts in the middle of its track and goes right for positive, left for negative values in −1…1."""
    return f"left: {50 + 50 * min(0.0, value):.1f}%; width: {50 * abs(value):.1f}%"


def _share(share: float) -> str:
    return "&lt; 1%" if share < 0.005 else percent(share)


def _picture(picture: drawing.Picture | bytes, alt: str) -> str:
    return f'<img src="{drawing.data_uri(picture)}" alt="{escape(alt)}">'
