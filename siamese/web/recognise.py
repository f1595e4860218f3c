"""The tab Recognise: a photo → every face's emotion, how it was read, and its nearest examples."""

from pathlib import Path
from typing import Any

import gradio as gr

from siamese.answers import Reading
from siamese.service import ExpressionService
from siamese.web import cards, parts

_START = "Choose a photo, paste one, or use the camera. Each face in it is read as soon as it arrives."


def build(service: ExpressionService, examples: list[Path]) -> None:
    """Lay out the tab inside the current Gradio context."""
    with gr.Row(elem_classes="reader"):
        with gr.Column(scale=5, min_width=300):
            photo = parts.photo_input("Photo", height=330, elem_id="recognise-photo")
            whole = parts.whole_checkbox()
            parts.example_tiles(examples, [photo], [(index,) for index in range(len(examples))])
        with gr.Column(scale=7, min_width=300):
            status = gr.HTML(cards.hint(_START), elem_id="recognise-status")
            marked = gr.HTML(visible=False)
            chooser = parts.face_chooser("Face", elem_id="recognise-face")
            reading = gr.HTML(visible=False, elem_id="recognise-reading")
    steps = gr.HTML(visible=False, elem_id="recognise-steps")
    nearest = gr.HTML(visible=False, elem_id="recognise-nearest")
    seen = gr.State(None)
    face = [marked, reading, steps, nearest]

    def nothing(status_html: str) -> tuple[Any, ...]:
        return parts.shown(status_html), parts.face_choices(None), None, *(parts.shown("") for _ in face)

    @parts.failing_as(lambda sentence: nothing(cards.notice(sentence)))
    def read(path: str | None, whole: bool) -> tuple[Any, ...]:
        if path is None:
            return nothing(cards.hint(_START))
        found = parts.look(service, path, whole)
        return parts.shown(""), parts.face_choices(found), found, *show(found, 0)

    def show(found: parts.Seen, chosen: int) -> tuple[Any, ...]:
        reading = found.readings[chosen]
        return (
            parts.shown(cards.photo(found.picture, found.readings, chosen)),
            parts.shown(cards.emotion(reading, chosen + 1, len(found.readings))),
            parts.shown(cards.steps(found.picture, reading, found.size)),
            parts.shown(_nearest(service, reading)),
        )

    gr.on(
        [photo.change, whole.input],
        read,
        [photo, whole],
        [status, chooser, seen, *face],
        show_progress_on=[status, reading],
        api_visibility="private",
    )

    @parts.failing_as(lambda sentence: (parts.shown(cards.notice(sentence)), *(gr.skip() for _ in face)))
    @parts.remembered
    def choose(found: parts.Seen, chosen: int) -> tuple[Any, ...]:
        return parts.shown(""), *show(found, chosen)

    chooser.input(choose, [seen, chooser], [status, *face], show_progress="hidden", api_visibility="private")


@parts.failing_as(cards.notice)
def _nearest(service: ExpressionService, reading: Reading) -> str:
    neighbours = service.similar_to_reading(reading, service.settings.neighbours)
    title = cards.heading("Nearest examples", f"In the gallery «{service.gallery.title}», by cosine similarity.")
    return title + cards.neighbour_tiles(neighbours, "Nearest examples")
