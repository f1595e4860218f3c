"""The tab Browse: the gallery as a grid, by emotion, or by likeness to one of its examples or to a photo."""

import math
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from siamese.gallery.gallery import Gallery
from siamese.service import ExpressionService, Reading
from siamese.vocabulary import emotion_of
from siamese.web import cards, parts

_EVERY = "all"
_KINDS = {
    "composite": "Each portrait is an average of many faces, so it shows an expression and nobody in particular.",
    "data set": "Labelled by the data set they come from.",
    "folder": "Labelled by the folders they were in.",
    "reading": "Labelled by the network's own reading.",
}

Query = Reading | str | None  # what the grid is near to: a face, an example's id, or nothing


def build(service: ExpressionService, examples: list[Path]) -> None:
    """Lay out the tab inside the current Gradio context."""
    try:
        gallery = service.gallery
    except Exception as error:  # a page without a gallery still reads and compares
        gr.HTML(cards.notice(parts.sentence_of(error)))
        return

    gr.HTML(_about(gallery))
    emotion = gr.Radio(_emotion_choices(gallery), value=_EVERY, label="Emotion", elem_id="browse-emotion")
    with gr.Accordion("Search with a photo", open=False), gr.Row():
        with gr.Column(scale=5, min_width=280):
            photo = parts.photo_input("Photo", height=260, elem_id="browse-photo")
        with gr.Column(scale=7, min_width=280):
            face = parts.face_chooser("Face")
            whole = parts.whole_checkbox()
            parts.example_tiles(examples, [photo], [(index,) for index in range(len(examples))])
    query, number, seen = gr.State(None), gr.State(1), gr.State(None)
    status = gr.HTML(visible=False, elem_id="browse-status")
    title = gr.HTML(elem_id="browse-title")
    back = gr.Button("Back to the whole gallery", visible=False, size="sm")
    grid = gr.HTML(js_on_load=cards.TILE_SCRIPT, elem_id="browse-grid")
    with gr.Row(elem_classes="pager"):
        previous = gr.Button("Previous", size="sm", min_width=80)
        place = gr.HTML()
        following = gr.Button("Next", size="sm", min_width=80)
    view = [status, title, back, grid, previous, place, following, query, number]

    @parts.failing_as(lambda sentence: (parts.shown(cards.notice(sentence)), *(gr.skip() for _ in view[1:])))
    def show(query: Query, emotion: str, number: int) -> tuple[Any, ...]:
        chosen = None if emotion == _EVERY else emotion
        pages = max(1, math.ceil(_count(gallery, query, chosen) / service.settings.page_size))
        number = min(max(1, number), pages)
        return (
            parts.shown(""),
            _title(gallery, query),
            gr.update(visible=query is not None),
            cards.tiles(_tiles(service, query, chosen, number), "Examples of the gallery"),
            gr.update(interactive=number > 1),
            f"<p>Page {number} of {pages}</p>",
            gr.update(interactive=number < pages),
            query,
            number,
        )

    def open_example(emotion: str, event: gr.EventData) -> tuple[Any, ...]:
        return show(str(event.key), emotion, 1)

    @parts.failing_as(
        lambda sentence: (
            None,
            parts.face_choices(None),
            parts.shown(cards.notice(sentence)),
            *(gr.skip() for _ in view[1:]),
        )
    )
    def search(path: str | None, whole: bool, emotion: str) -> tuple[Any, ...]:
        found = parts.look(service, path, whole) if path else None
        return found, parts.face_choices(found), *show(found.readings[0] if found else None, emotion, 1)

    listen: dict[str, Any] = {"outputs": view, "show_progress": "hidden", "api_visibility": "private"}
    gr.on(None, lambda: show(None, _EVERY, 1), None, **listen)
    emotion.input(lambda query, emotion: show(query, emotion, 1), [query, emotion], **listen)
    previous.click(lambda *at: show(at[0], at[1], at[2] - 1), [query, emotion, number], **listen)
    following.click(lambda *at: show(at[0], at[1], at[2] + 1), [query, emotion, number], **listen)
    back.click(lambda emotion: show(None, emotion, 1), emotion, **listen)
    grid.select(open_example, emotion, **listen)
    face.input(lambda found, face, emotion: show(found.readings[face], emotion, 1), [seen, face, emotion], **listen)
    gr.on(
        [photo.change, whole.input],
        search,
        [photo, whole, emotion],
        [seen, face, *view],
        show_progress_on=grid,
        api_visibility="private",
    )


def _about(gallery: Gallery) -> str:
    kinds = dict.fromkeys(item.labelled_by for item in gallery.items)
    sentences = " ".join(_KINDS[kind] for kind in kinds)
    count = "1 example" if len(gallery) == 1 else f"{len(gallery)} examples"
    return (
        f'<div class="about-gallery"><h2 class="section">{escape(gallery.title)}</h2>'
        f'<p class="detail">{count}. {sentences}</p></div>'
    )


def _emotion_choices(gallery: Gallery) -> list[tuple[str, str]]:
    present = dict.fromkeys(item.emotion for item in gallery.items)
    return [("All", _EVERY), *((f"{emotion_of(name).symbol} {name}", name) for name in present)]


def _count(gallery: Gallery, query: Query, emotion: str | None) -> int:
    others = (item for item in gallery.items if item.id != query)
    return sum(emotion in (None, item.emotion) for item in others)


def _tiles(service: ExpressionService, query: Query, emotion: str | None, number: int) -> list[cards.Tile]:
    """One page of what the query asks for."""
    size = service.settings.page_size
    if query is None:
        items = service.gallery.page(number, size, emotion)
        return [cards.item_tile(item.thumbnail, item.emotion, item.source, item.id) for item in items]
    nearest = service.similar_to_item if isinstance(query, str) else service.similar_to_reading
    return [
        cards.item_tile(found.thumbnail, found.emotion, f"similarity {cards.signed(found.similarity)}", found.item.id)
        for found in nearest(query, number * size, emotion)[(number - 1) * size :]
    ]


def _title(gallery: Gallery, query: Query) -> str:
    if query is None:
        return cards.heading("All examples", "Press one to see which are nearest to it.")
    if isinstance(query, str):
        item = gallery.item(query)
        return cards.query_heading(item.thumbnail, f"Nearest to this {item.emotion}", item.source)
    detail = f"Read as {query.emotion}, {cards.percent(query.confidence)} confidence"
    return cards.query_heading(query.portrait, "Nearest to the face in your photo", detail)
