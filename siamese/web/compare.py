"""The tab Compare: two photos → whether the two faces show the same expression, and how similar they are."""

from pathlib import Path
from typing import Any

import gradio as gr

from siamese.service import ExpressionService
from siamese.web import cards, parts

_START = "Choose two photos. The answer is about their expressions, not about whether they show the same person."

Side = parts.Seen | str | None  # what a photo showed, the sentence why it could not be read, or no photo yet


def build(service: ExpressionService, examples: list[Path]) -> None:
    """Lay out the tab inside the current Gradio context."""
    with gr.Row():
        first_photo, first_face, first = _input("First photo", "compare-first")
        second_photo, second_face, second = _input("Second photo", "compare-second")
    result = gr.HTML(cards.hint(_START), elem_id="compare-result")
    whole = parts.whole_checkbox("The pictures are the faces")
    parts.example_tiles(examples, [first_photo, second_photo], _pairs(len(examples)))

    @parts.failing_as(lambda sentence: (sentence, parts.face_choices(None)))
    def read(path: str | None, whole: bool) -> tuple[Side, Any]:
        seen = parts.look(service, path, whole) if path else None
        return seen, parts.face_choices(seen)

    @parts.failing_as(cards.notice)
    def judge(first: Side, second: Side, first_face: int | None, second_face: int | None) -> str:
        problems = [
            f"{which} photo: {side}" for which, side in (("First", first), ("Second", second)) if isinstance(side, str)
        ]
        if problems:
            return "".join(map(cards.notice, problems))
        if not isinstance(first, parts.Seen) or not isinstance(second, parts.Seen):
            return cards.hint(_START)
        return cards.comparison(
            service.compare_readings(first.readings[first_face or 0], second.readings[second_face or 0])
        )

    faces = [first, second, first_face, second_face]
    for photo, face, side in ((first_photo, first_face, first), (second_photo, second_face, second)):
        arrived = gr.on(
            [photo.change, whole.input],
            read,
            [photo, whole],
            [side, face],
            show_progress_on=result,
            api_visibility="private",
        )
        arrived.then(judge, faces, result, show_progress="hidden", api_visibility="private")
        face.input(judge, faces, result, show_progress="hidden", api_visibility="private")


def _input(label: str, elem_id: str) -> tuple[gr.Image, gr.Radio, gr.State]:
    with gr.Column(min_width=280):
        photo = parts.photo_input(label, height=280, elem_id=elem_id)
        return photo, parts.face_chooser(f"Face in the {label.lower()}"), gr.State(None)


def _pairs(count: int) -> list[tuple[int, ...]]:
    """Pairs from all over the list; where it has two of each expression in turn, every other pair is of one."""
    return [(index, index + 1) for index in range(0, count - 1, 3)]
