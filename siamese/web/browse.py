"""The tab Browse: the gallery as a grid, by emotion with its shades, or by likeness to an example or a photo."""

import math
from pathlib import Path
from typing import Any

import gradio as gr

from siamese.answers import Neighbour, Reading
from siamese.errors import GalleryError
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Wanted
from siamese.service import ExpressionService
from siamese.vocabulary import emotion_of
from siamese.web import cards, parts

_EVERY = "all"
_KINDS = {
    "composite": "Each portrait is an average of many faces, so it shows an expression and nobody in particular.",
    "data set": "Labelled by the data set they come from.",
    "folder": "Labelled by the folders they were in.",
    "hand": "Labelled by hand.",
    "reading": "Labelled by the network's own reading.",
    "teaching": "Taught by example.",
}

Query = Reading | str | None  # what the grid is near to: a face, an example's id, or nothing
Updates = dict[Any, Any]  # what becomes of each component; those left out stay as they are


def build(service: ExpressionService, examples: list[Path], tab: gr.Tab) -> None:
    """Lay out the tab inside the current Gradio context."""
    try:
        gallery = service.gallery
    except GalleryError as error:  # a page without a gallery still reads and compares
        gr.HTML(cards.notice(str(error)))
        return
    about = gr.HTML(_about(gallery))
    options: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", **parts.UNASKED}
    tab.select(lambda: _about(service.gallery), None, about, **options)
    _Grid(service, examples).listen(tab)


class _Grid:
    """The tab's components, and what each event makes of them."""

    def __init__(self, service: ExpressionService, examples: list[Path]) -> None:
        self.service = service
        self.emotion = gr.Radio(
            self._emotions(), value=_EVERY, label="Emotion", elem_id="browse-emotion", elem_classes="chips"
        )
        with gr.Accordion("Search with a photo", open=False), gr.Row(elem_classes="reader"):
            with gr.Column(scale=5, min_width=280):
                self.photo = parts.photo_input("Photo", height=260, elem_id="browse-photo")
            with gr.Column(scale=7, min_width=280):
                self.face = parts.face_chooser("Face")
                self.whole = parts.whole_checkbox()
                parts.example_tiles(examples, [self.photo], [(index,) for index in range(len(examples))])
        self.query, self.number, self.seen, self.version = (gr.State(each) for each in (None, 1, None, None))
        self.status = gr.HTML(visible=False, elem_id="browse-status")
        self.shades = gr.HTML(visible=False, js_on_load=cards.TILE_SCRIPT, elem_id="browse-shades")
        with gr.Row(elem_classes="title-row"):
            self.title = gr.HTML(elem_id="browse-title")
            self.back = gr.Button("Back to all", visible=False, size="sm", min_width=110)
        self.tiles = gr.HTML(js_on_load=cards.TILE_SCRIPT, elem_id="browse-grid")
        with gr.Row(elem_classes="pager"):
            self.previous = gr.Button("Previous", size="sm", min_width=80)
            self.place = gr.HTML()
            self.following = gr.Button("Next", size="sm", min_width=80)

        self.view = [self.shades, self.title, self.back, self.tiles, self.previous, self.place, self.following]
        self.state = [self.query, self.number, self.seen, self.version]

    def listen(self, tab: gr.Tab) -> None:
        """Connect the events."""
        at = [self.query, self.emotion, self.number]
        self._on([tab.select], self._refresh, [*at, self.version], **parts.UNASKED)
        self._on([], lambda: self._show(None, _EVERY, 1), [], **parts.UNASKED)
        self._on([self.emotion.input], lambda query, emotion: self._show(query, emotion, 1), at[:2])
        self._on([self.previous.click], lambda query, emotion, number: self._show(query, emotion, number - 1), at)
        self._on([self.following.click], lambda query, emotion, number: self._show(query, emotion, number + 1), at)
        self._on([self.back.click], lambda emotion: self._show(None, emotion, 1), [self.emotion])
        self._on([self.tiles.select, self.shades.select], self._open, [self.emotion])
        self._on([self.face.input], parts.remembered(self._choose), [self.seen, self.face, self.emotion])
        self._on([self.photo.change, self.whole.input], self._search, [self.photo, self.whole, self.emotion])

    def _on(self, triggers: list[Any], handler: Any, inputs: list[Any], **options: Any) -> None:
        """Answer triggers (none: the page's loading) with updates of any component, or with a failure's sentence."""
        guarded = parts.failing_as(lambda sentence: {self.status: parts.shown(cards.notice(sentence))})(handler)
        gr.on(
            triggers or None,
            guarded,
            inputs,
            [self.status, self.face, self.emotion, *self.view, *self.state],
            show_progress_on=self.tiles,
            api_visibility="private",
            **options,
        )

    def _show(self, query: Query, emotion: str, number: int) -> Updates:
        """One page of what is near to the query, or of the whole gallery."""
        gallery, size = self.service.gallery, self.service.settings.page_size
        chosen = None if emotion == _EVERY else emotion
        pages = max(1, math.ceil(_count(gallery, query, chosen) / size))
        number = min(max(1, number), pages)
        return {
            self.status: parts.shown(""),
            self.shades: parts.shown(self._shades(chosen) if query is None and number == 1 else ""),
            self.title: _title(gallery, query, chosen),
            self.back: gr.update(visible=query is not None),
            self.tiles: cards.tiles(self._page(query, chosen, number, size), "Examples of the gallery"),
            self.previous: gr.update(interactive=number > 1),
            self.place: f"<p>Page {number} of {pages}</p>",
            self.following: gr.update(interactive=number < pages),
            self.query: query,
            self.number: number,
            self.version: self.service.gallery_version,
        }

    def _emotions(self) -> list[tuple[str, str]]:
        return [
            ("All", _EVERY),
            *((f"{emotion_of(name).symbol} {name}", name) for name in self.service.gallery.emotions),
        ]

    def _refresh(self, query: Query, emotion: str, number: int, version: object) -> Updates:
        """The same page, of a gallery that has changed meanwhile.

        Else nothing is touched: a person may have pressed something by the time that the answer arrives.
        """
        if version == self.service.gallery_version:
            return {self.version: version}
        choices = self._emotions()
        emotion = emotion if emotion in {value for _, value in choices} else _EVERY
        query = None if isinstance(query, str) and query not in self.service.gallery else query
        return {self.emotion: gr.update(choices=choices, value=emotion), **self._show(query, emotion, number)}

    def _open(self, emotion: str, event: gr.EventData) -> Updates:
        return self._show(str(event.key), emotion, 1)

    def _choose(self, seen: parts.Seen, face: int, emotion: str) -> Updates:
        return self._show(seen.readings[face], emotion, 1)

    def _search(self, path: str | None, whole: bool, emotion: str) -> Updates:
        seen = parts.look(self.service, path, whole) if path else None
        query = seen.readings[0] if seen else None
        return {self.seen: seen, self.face: parts.face_choices(seen), **self._show(query, emotion, 1)}

    def _shades(self, emotion: str | None) -> str:
        return cards.shades(self.service.shades(emotion)) if emotion else ""

    def _page(self, query: Query, emotion: str | None, number: int, size: int) -> list[cards.Tile]:
        if query is None:
            items = self.service.gallery.page(number, size, Wanted(emotion))
            return [cards.item_tile(item.thumbnail, item.emotion, item.source, item.id) for item in items]
        found = self._nearest(query, number * size, emotion)[(number - 1) * size :]
        return [cards.neighbour_tile(each, pressable=True) for each in found]

    def _nearest(self, query: Reading | str, k: int, emotion: str | None) -> list[Neighbour]:
        if isinstance(query, str):
            return self.service.similar_to_item(query, k, emotion)
        return self.service.similar_to_reading(query, k, emotion)


def _about(gallery: Gallery) -> str:
    kinds = gallery.store.counts("labelled_by")
    count = "1 example" if len(gallery) == 1 else f"{len(gallery)} examples"
    return cards.heading(gallery.title, f"{count}. {' '.join(_KINDS[kind] for kind in kinds if kind in _KINDS)}")


def _count(gallery: Gallery, query: Query, emotion: str | None) -> int:
    itself = isinstance(query, str) and emotion in (None, gallery.item(query).emotion)
    return gallery.store.count(Wanted(emotion)) - itself


def _title(gallery: Gallery, query: Query, emotion: str | None) -> str:
    if query is None:
        return cards.heading(
            f"All examples of {emotion}" if emotion else "All examples", "Press one to see which are nearest to it."
        )
    if isinstance(query, str):
        item = gallery.item(query)
        return cards.query_heading(item.thumbnail, "Nearest to this example", f"{item.emotion}, {item.source}")
    detail = f"Read as {query.emotion}, {cards.percent(query.confidence)} confidence"
    return cards.query_heading(query.portrait, "Nearest to the face in your photo", detail)
