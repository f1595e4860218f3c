"""The tab Teach: a name and a few photos → a new expression, and what becomes of those that were taught."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from siamese.errors import DoubtError, TeachingError
from siamese.metric.lessons import Lesson
from siamese.service import ExpressionService
from siamese.vocabulary import emotion_of
from siamese.web import cards, parts
from siamese.web.drawing import signed
from siamese.web.uploads import needed

_START = (
    "Name an expression and add one or more photos that show it; of each, the largest face counts. Nothing is trained "
    "again: the mean of the faces becomes a prototype, and the expression is known at once."
)
_KEPT = "What is taught is kept in the gallery «{}»."
_NOT_KEPT = (
    "What is taught is known to everyone on this page until it is stopped. To keep it, start the page with a gallery "
    "of your own: python app.py --gallery FOLDER."
)

Updates = dict[Any, Any]  # what becomes of each component; those left out stay as they are


def build(service: ExpressionService, tab: gr.Tab) -> None:
    """Lay out the tab inside the current Gradio context."""
    _Teach(service).listen(tab)


class _Teach:
    """The tab's components, and what each event makes of them."""

    def __init__(self, service: ExpressionService) -> None:
        self.service = service
        with gr.Row(elem_classes="reader"):
            with gr.Column(scale=5, min_width=300):
                self.name = gr.Textbox(label="Name", placeholder="smirk", max_lines=1, elem_id="teach-name")
                self.photos = gr.File(
                    label=f"Photos, up to {service.settings.teach_photos:,}",
                    file_count="multiple",
                    file_types=["image"],
                    height=190,
                    elem_id="teach-photos",
                )
                with gr.Row():
                    self.learn = gr.Button("Teach", variant="primary", elem_id="teach-learn")
                    self.anyway = gr.Button("Teach it anyway", visible=False, elem_id="teach-anyway")
            with gr.Column(scale=7, min_width=300):
                self.status = gr.HTML(cards.hint(_START), elem_id="teach-status")
        gr.HTML(cards.heading("Taught expressions", self._where()))
        self.none = gr.HTML('<p class="detail">None yet.</p>')
        self.taught = gr.Radio([], label="Expression", visible=False, elem_id="teach-taught", elem_classes="chips")
        with gr.Row(visible=False, elem_classes="taught") as self.changes:
            self.extend = gr.Button("Add the photos above", size="sm", elem_id="teach-extend")
            self.new_name = gr.Textbox(
                label="New name", show_label=False, placeholder="New name", max_lines=1, elem_id="teach-new-name"
            )
            self.rename = gr.Button("Rename", size="sm", elem_id="teach-rename")
            self.forget = gr.Button("Remove", size="sm", variant="stop", elem_id="teach-forget")
        self.listed = gr.State(())

    def listen(self, tab: gr.Tab) -> None:
        """Connect the events."""
        self._on([tab.select], self._refresh, [self.listed, self.taught], unasked=True)
        self._on([self.learn.click, self.name.submit], self._teach, [self.name, self.photos])
        self._on([self.anyway.click], self._teach_anyway, [self.name, self.photos])
        self._on([self.extend.click], self._extend, [self.taught, self.photos])
        self._on([self.rename.click, self.new_name.submit], self._rename, [self.taught, self.new_name])
        self._on([self.forget.click], self._forget, [self.taught])

    def _on(self, triggers: list[Any], handler: Any, inputs: list[Any], unasked: bool = False) -> None:
        """Answer triggers with updates of any component, or with a failure's sentence.

        What a person types or uploads is out of reach of an answer that nobody asked for: it would undo it.
        """
        guarded = parts.failing_as(self._failed)(handler)
        outputs = [self.status, self.anyway, self.none, self.taught, self.changes, self.listed]
        outputs += [] if unasked else [self.name, self.photos, self.new_name]
        options = parts.UNASKED if unasked else {}
        gr.on(triggers, guarded, inputs, outputs, show_progress_on=self.status, api_visibility="private", **options)

    def _failed(self, sentence: str) -> Updates:
        return {self.status: cards.notice(sentence), self.anyway: gr.update(visible=False)}

    def _teach(self, name: str, photos: list[str] | None, anyway: bool = False) -> Updates:
        try:
            lesson = self.service.teach(name, _paths(photos), anyway)
        except DoubtError as doubt:
            return self._doubted(doubt.lesson)
        return self._learned(lesson, f"«{lesson.name}» is known now", clear=True)

    def _teach_anyway(self, name: str, photos: list[str] | None) -> Updates:
        return self._teach(name, photos, anyway=True)

    def _extend(self, name: str | None, photos: list[str] | None) -> Updates:
        lesson = self.service.extend(_chosen(name), _paths(photos), anyway=True)
        return self._learned(lesson, f"«{lesson.name}» has learned from more photos", clear=True)

    def _rename(self, name: str | None, new: str) -> Updates:
        self.service.rename(_chosen(name), new)
        told = cards.heading(f"«{name}» is called «{new.strip()}» now")
        return {self.status: told, self.new_name: "", **self._known(new.strip())}

    def _forget(self, name: str | None) -> Updates:
        self.service.forget(_chosen(name))
        return {self.status: cards.heading(f"«{name}» was removed"), **self._known(None)}

    def _doubted(self, lesson: Lesson) -> Updates:
        return {
            self.status: _shown(lesson, f"Is this «{lesson.name}»?", "It was not learned yet: look at this first."),
            self.anyway: gr.update(visible=True),
        }

    def _learned(self, lesson: Lesson, title: str, clear: bool) -> Updates:
        told = _shown(lesson, title, "Recognise, Compare and Browse know it.")
        cleared: Updates = {self.name: "", self.photos: None} if clear else {}
        return {self.status: told, self.anyway: gr.update(visible=False), **cleared, **self._known(lesson.name)}

    def _refresh(self, listed: tuple[str, ...], chosen: str | None) -> Updates:
        """The list of what was taught, where it has changed meanwhile.

        Else nothing is touched: a person may have pressed something by the time that the answer arrives.
        """
        return {self.listed: listed} if listed == self.service.taught else self._known(chosen)

    def _known(self, chosen: str | None) -> Updates:
        """The list of what was taught."""
        names = self.service.taught
        choices = [(f"{emotion_of(name).symbol} {name}", name) for name in names]
        value = chosen if chosen in names else next(iter(names), None)
        return {
            self.none: gr.update(visible=not names),
            self.taught: gr.update(choices=choices, value=value, visible=bool(names)),
            self.changes: gr.update(visible=bool(names)),
            self.listed: names,
        }

    def _where(self) -> str:
        return _KEPT.format(self.service.gallery.title) if self.service.keeps_changes else _NOT_KEPT


def _paths(photos: Sequence[str] | None) -> list[Path]:
    return [needed(photo) for photo in photos or ()]


def _chosen(name: str | None) -> str:
    if name is None:
        raise TeachingError("Choose one of the taught expressions first.")
    return name


def _shown(lesson: Lesson, title: str, detail: str) -> str:
    """A lesson's figures, and its doubts."""
    rows = [
        f"<li>Photo {number} and the others: {signed(each)}</li>" for number, each in enumerate(lesson.agreements, 1)
    ]
    if lesson.nearest is not None and lesson.nearest_similarity is not None:
        rows.append(f"<li>Nearest known expression: {escape(lesson.nearest)}, {signed(lesson.nearest_similarity)}</li>")
    doubts = "".join(map(cards.notice, lesson.doubts))
    figures = f'<p class="eyebrow">Cosine similarity</p><ul class="figures">{"".join(rows)}</ul>' if rows else ""
    return f'<section class="card lesson">{cards.heading(title, detail)}{doubts}{figures}</section>'
