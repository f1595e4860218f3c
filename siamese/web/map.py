"""The tab Map: the gallery in the plane, its points to hover and press, and the face of a photo placed among them."""

import base64
import hashlib
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from siamese.answers import Neighbour, Reading
from siamese.errors import GalleryError, command
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.gallery.maps import GalleryMap
from siamese.service import ExpressionService
from siamese.vocabulary import emotion_of
from siamese.web import cards, drawing, parts

SCRIPT = Path(__file__).with_name("map.js")

_AT_ONCE = 32  # pictures that one request may ask for
_FINEST = 65535  # steps of a place, along each side
_START = "Press a point to see which examples are nearest to it, or place a photo of yours among them."
_KEYS = (
    "Drag, wheel or pinch to move and zoom. With the keyboard: arrows go from point to point, Enter shows neighbours, "
    "plus and minus zoom, 0 shows all."
)
_FRAME = f"""
<div class="map-legend" role="group" aria-label="Show only these emotions"></div>
<div class="map-frame">
  <canvas class="map-points" aria-hidden="true"></canvas>
  <canvas class="map-marks" tabindex="0" role="application" aria-label="Map" aria-describedby="map-keys"></canvas>
  <div class="map-card tile" hidden><img alt=""><span class="caption"></span><span class="detail"></span></div>
  <p class="map-waiting">The map is being drawn …</p>
</div>
<div class="map-foot">
  <p class="detail" id="map-keys">{_KEYS}</p>
  <div class="map-tools">
    <button type="button" class="map-in" aria-label="Zoom in">+</button>
    <button type="button" class="map-out" aria-label="Zoom out">−</button>
    <button type="button" class="map-home" aria-label="Show all">⤢</button>
  </div>
</div>
<p class="map-spoken" aria-live="polite"></p>
"""

Updates = dict[Any, Any]  # what becomes of each component; those left out stay as they are


def build(service: ExpressionService, examples: list[Path], tab: gr.Tab) -> None:
    """Lay out the tab inside the current Gradio context."""
    try:
        gallery = service.gallery
    except GalleryError as error:  # a page without a gallery still reads and compares
        gr.HTML(cards.notice(str(error)))
        return
    about = gr.HTML(cards.heading(gallery.title), elem_id="map-about")
    tab.select(lambda: _about(service), None, about, show_progress="hidden", api_visibility="private", **parts.UNASKED)
    _Map(service, examples).listen()


def packed(found: GalleryMap, emotions: list[str], order: tuple[str, ...]) -> dict[str, Any]:
    """A map's points for the script: rows as uint32, places as pairs of uint16, emotions as uint16, all in base64.

    `emotions` names each point's, of which `order` tells the legend's order. Points come shuffled, so that where they
    overlap no emotion covers the others.
    """
    shuffled = np.random.default_rng(0).permutation(len(found.rows))
    counts = Counter(emotions)
    names = [*(name for name in order if name in counts), *sorted(counts.keys() - set(order))]
    kind = {name: number for number, name in enumerate(names)}
    kinds = np.array([kind[name] for name in emotions], dtype=np.uint16)
    arrays = {
        "rows": _base64(found.rows[shuffled].astype(np.uint32)),
        "places": _base64((found.places[shuffled] * _FINEST).round().astype(np.uint16)),
        "kinds": _base64(kinds[shuffled]),
    }
    legend = [{"name": name, "count": counts[name], **_look(name)} for name in names]
    version = hashlib.sha256("".join([*arrays.values(), *names]).encode()).hexdigest()[:16]
    return {"version": version, "count": len(emotions), "emotions": legend, **arrays}


class _Map:
    """The tab's components, and what each event makes of them."""

    def __init__(self, service: ExpressionService, examples: list[Path]) -> None:
        self.service = service
        self.seen = gr.State(None)
        self.status = gr.HTML(visible=False, elem_id="map-status")
        with gr.Row(elem_classes="map-row"):
            with gr.Column(scale=8, min_width=300):
                self.canvas = gr.HTML(
                    None,
                    html_template=_FRAME,
                    js_on_load=SCRIPT.read_text(),
                    apply_default_css=False,
                    server_functions=_answers(service),
                    elem_id="map",
                )
                with gr.Accordion("Place a photo on the map", open=False), gr.Row(elem_classes="reader"):
                    with gr.Column(scale=5, min_width=260):
                        self.photo = parts.photo_input("Photo", height=260, elem_id="map-photo")
                        self.face = parts.face_chooser("Face", elem_id="map-face")
                        self.whole = parts.whole_checkbox()
                    with gr.Column(scale=5, min_width=240):
                        parts.example_tiles(examples, [self.photo], [(index,) for index in range(len(examples))])
            with gr.Column(scale=5, min_width=300):
                self.title = gr.HTML(cards.hint(_START), elem_id="map-title")
                self.tiles = gr.HTML(js_on_load=cards.TILE_SCRIPT, elem_id="map-near")

    def listen(self) -> None:
        """Connect the events."""
        self._on([self.canvas.select], self._press, [])
        self._on([self.tiles.select], self._open, [])
        self._on([self.face.input], parts.remembered(self._choose), [self.seen, self.face])
        self._on([self.photo.change, self.whole.input], self._search, [self.photo, self.whole])

    def _on(self, triggers: list[Any], handler: Any, inputs: list[Any]) -> None:
        """Answer triggers with updates of any component, or with a failure's sentence."""
        guarded = parts.failing_as(lambda sentence: {self.status: parts.shown(cards.notice(sentence))})(handler)
        outputs = [self.status, self.face, self.seen, self.canvas, self.title, self.tiles]
        gr.on(triggers, guarded, inputs, outputs, show_progress_on=self.tiles, api_visibility="private")

    def _press(self, event: gr.EventData) -> Updates:
        return self._example(_item(self.service.gallery, int(event.key)))

    def _open(self, event: gr.EventData) -> Updates:
        return self._example(self.service.gallery.item(str(event.key)))

    def _example(self, item: Item) -> Updates:
        """An example with its neighbours."""
        row = self.service.gallery.store.row(item.id)
        place = self._places([item])[0]
        title = cards.query_heading(item.thumbnail, "Nearest to this example", f"{item.emotion}, {item.source}")
        found = self.service.similar_to_item(item.id, self.service.settings.neighbours)
        return self._shown({"row": row, "place": place}, title, found)

    def _choose(self, seen: parts.Seen, face: int) -> Updates:
        return self._placed(seen.readings[face])

    def _search(self, path: str | None, whole: bool) -> Updates:
        if path is None:
            nothing = {self.canvas: None, self.title: cards.hint(_START), self.tiles: ""}
            return {self.status: parts.shown(""), self.seen: None, self.face: parts.face_choices(None), **nothing}
        seen = parts.look(self.service, path, whole)
        return {self.seen: seen, self.face: parts.face_choices(seen), **self._placed(seen.readings[0])}

    def _placed(self, reading: Reading) -> Updates:
        """The face of a photo among the examples that are nearest to it."""
        detail = f"Read as {reading.emotion}, {cards.percent(reading.confidence)} confidence"
        title = cards.query_heading(reading.portrait, "Nearest to the face in your photo", detail)
        found = self.service.similar_to_reading(reading, self.service.settings.neighbours)
        chosen = {"place": self.service.place(reading), "picture": drawing.data_uri(reading.portrait)}
        return self._shown(chosen, title, found)

    def _shown(self, chosen: dict[str, Any], title: str, found: list[Neighbour]) -> Updates:
        row = [cards.neighbour_tile(each, pressable=True) for each in found]
        return {
            self.status: parts.shown(""),
            # With the time, so that the script is told also where the same is shown again.
            self.canvas: {"chosen": chosen, "near": self._places([each.item for each in found]), "at": time.time()},
            self.title: title,
            self.tiles: cards.tiles(row, "Nearest examples"),
        }

    def _places(self, items: list[Item]) -> list[list[float]]:
        found = self.service.map()
        return found.places_of(np.array([found.store.row(item.id) for item in items], dtype=np.int64)).tolist()


def _answers(service: ExpressionService) -> list[Any]:
    """What the script may ask for, beside the queue in which photos wait."""

    @parts.failing_as(lambda sentence: {"refused": sentence})
    def points(known: Any) -> dict[str, Any] | None:
        """All points, unless their version is known already."""
        found, gallery = service.map(), service.gallery
        told = packed(found, gallery.store.emotions_of(found.rows), gallery.emotions)
        return None if told["version"] == known else told

    @parts.failing_as(lambda _: [])
    def examples(rows: Any) -> list[dict[str, Any]]:
        """The pictures and sources of these rows."""
        wanted = np.array([int(row) for row in rows[:_AT_ONCE]], dtype=np.int64)
        found = service.gallery.store.items(wanted)
        return [
            {"row": row, "picture": drawing.data_uri(item.thumbnail), "source": item.source}
            for row, item in found.items()
        ]

    return [points, examples]


def _about(service: ExpressionService) -> str:
    """What the map shows, and of what it is a part."""
    gallery = service.gallery
    try:
        found = service.map()
    except GalleryError:  # the map itself says so
        return cards.heading(gallery.title, f"{len(gallery):,} examples.")
    shown, total = len(found.rows), found.total
    count = f"{total:,} examples" if shown == total else f"An even sample of {shown:,} of the {total:,} examples"
    sentences = [f"{count}, coloured by emotion. Those alike to the network lie together; far distances mean little."]
    if found.added:
        where = "" if gallery.store.in_memory else f"; {command('gallery', 'map', gallery.store.path.parent)}"
        sentences.append(
            f"{found.added:,} came after the map was drawn, and were placed among the others"
            f"{where + ' draws it anew' if where else ''}."
        )
    return cards.heading(gallery.title, " ".join(sentences))


def _item(gallery: Gallery, row: int) -> Item:
    item = gallery.store.items(np.array([row])).get(row)
    if item is None:
        raise GalleryError("This example was removed from the gallery meanwhile. Load the page again.")
    return item


def _look(name: str) -> dict[str, str]:
    emotion = emotion_of(name)
    return {"colour": emotion.colour, "symbol": emotion.symbol}


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode()
