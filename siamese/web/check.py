"""The tab Check: the labels that other examples doubt, ranked → each kept, changed or removed, and taken back."""

import math
from html import escape
from typing import Any

import gradio as gr

from siamese.errors import GalleryError
from siamese.gallery.checking import CHECKED, DoubtedLabel, LabelCheck, still_doubted
from siamese.gallery.corrections import Correction, labels
from siamese.gallery.items import Item
from siamese.service import ExpressionService
from siamese.vocabulary import emotion_of
from siamese.web import cards, parts

_EVERY = "all"
_TITLE = "Doubtful labels"
_START = "Labels that people gave are checked by those of the examples around them. Of many that takes some seconds."
_NOTHING = "No label is doubted here."
_NOT_KEPT = (
    "Nothing can be written to this gallery, so labels can be looked at, not changed. Start the page with a gallery of "
    "your own: python app.py --gallery FOLDER."
)

Updates = dict[Any, Any]  # what becomes of each component; those left out stay as they are


def has_something_to_check(service: ExpressionService) -> bool:
    """Whether the page should have the tab: for a gallery of one's own, or one with labels that people gave."""
    try:
        kinds = service.gallery.store.counts("labelled_by")
    except GalleryError:
        return False
    return service.settings.checking and (service.keeps_changes or not kinds.keys().isdisjoint(CHECKED))


def build(service: ExpressionService, tab: gr.Tab) -> None:
    """Lay out the tab inside the current Gradio context."""
    _Check(service).listen(tab)


class _Check:
    """The tab's components, and what each event makes of them."""

    def __init__(self, service: ExpressionService) -> None:
        self.service = service
        with gr.Row(elem_classes="title-row"):
            self.about = gr.HTML(cards.heading(_TITLE), elem_id="check-about")
            self.again = gr.Button("Check again", size="sm", min_width=110, elem_id="check-again")
        with gr.Row(elem_classes="title-row"):
            self.status = gr.HTML(visible=False, elem_id="check-status")
            self.undo = gr.Button("Undo", visible=False, size="sm", min_width=110, elem_id="check-undo")
        with gr.Column() as self.all:
            self.label = gr.Radio([], label="Labelled", visible=False, elem_id="check-label", elem_classes="chips")
            self.tiles = gr.HTML(cards.hint(_START), js_on_load=cards.TILE_SCRIPT, elem_id="check-grid")
            with gr.Row(visible=False, elem_classes="pager") as self.pager:
                self.previous = gr.Button("Previous", size="sm", min_width=80)
                self.place = gr.HTML()
                self.following = gr.Button("Next", size="sm", min_width=80)
        with gr.Column(visible=False, elem_id="check-one") as self.one:
            changeable = service.keeps_changes
            self.doubted = gr.HTML()
            with gr.Row(elem_classes="taught"):
                self.keep = gr.Button("Keep", min_width=140, visible=changeable, elem_id="check-keep")
                self.take = gr.Button(
                    "Change", variant="primary", min_width=140, visible=changeable, elem_id="check-take"
                )
                self.remove = gr.Button(
                    "Remove", variant="stop", min_width=140, visible=changeable, elem_id="check-remove"
                )
                self.back = gr.Button("Back to all", min_width=140, elem_id="check-back")
            self.other = gr.Radio(
                [], label="Or another label", visible=changeable, elem_id="check-other", elem_classes="chips"
            )
            self.unlike = gr.HTML(elem_id="check-unlike")
        self.check, self.number, self.chosen, self.before = (gr.State(each) for each in (None, 1, None, None))
        self.version = gr.State(None)

    def listen(self, tab: gr.Tab) -> None:
        """Connect the events."""
        at, known = [self.check, self.label, self.number], parts.remembered
        self._on([tab.select], self._open, [*at, self.version], **parts.UNASKED)
        self._on([self.again.click], lambda: self._again(), [])
        self._on([self.label.input], known(lambda check, label: self._show(check, label, 1)), at[:2])
        self._on([self.previous.click], known(lambda check, label, at: self._show(check, label, at - 1)), at)
        self._on([self.following.click], known(lambda check, label, at: self._show(check, label, at + 1)), at)
        self._on([self.back.click], known(self._show), at)
        self._on([self.tiles.select], known(self._press), at[:1])
        at = [self.check, self.label, self.number, self.chosen]
        self._on([self.keep.click], known(self._keep), at)
        self._on([self.take.click], known(self._take), at)
        self._on([self.other.input], known(self._relabel), [*at, self.other])
        self._on([self.remove.click], known(self._remove), at)
        self._on([self.undo.click], known(self._undo), [self.check, self.before])

    def _on(self, triggers: list[Any], handler: Any, inputs: list[Any], **options: Any) -> None:
        """Answer triggers with updates of any component, or with a failure's sentence."""
        guarded = parts.failing_as(lambda sentence: {self.status: parts.shown(cards.notice(sentence))})(handler)
        outputs = [
            *(self.about, self.status, self.undo, self.all, self.label, self.tiles, self.pager, self.previous),
            *(self.place, self.following, self.one, self.doubted, self.keep, self.take, self.other, self.unlike),
            *(self.check, self.number, self.chosen, self.before, self.version),
        ]
        progress = [self.tiles, self.unlike]
        gr.on(triggers, guarded, inputs, outputs, show_progress_on=progress, api_visibility="private", **options)

    def _open(self, check: LabelCheck | None, label: str, number: int, version: object) -> Updates:
        """The check that was made before, where the gallery has changed meanwhile, or else one made now.

        Where neither is needed nothing is touched: a person may have pressed something by the time that the answer
        arrives.
        """
        if check is None:
            return self._again()
        return {self.version: version} if version == self.service.gallery_version else self._show(check, label, number)

    def _again(self) -> Updates:
        try:
            check = self.service.check_labels()
        except GalleryError as error:  # nothing to check yet, which is no one's mistake
            gone = {each: gr.update(visible=False) for each in (self.label, self.status, self.undo)}
            return {self.check: None, self.about: cards.heading(_TITLE), **gone, **self._empty(str(error))}
        return {self.check: check, **self._show(check, _EVERY, 1)}

    def _empty(self, sentence: str) -> Updates:
        """The hint in place of tiles."""
        shown = {self.all: gr.update(visible=True), self.one: gr.update(visible=False)}
        return {**shown, self.tiles: cards.hint(sentence), self.pager: gr.update(visible=False)}

    def _show(self, check: LabelCheck, label: str, number: int) -> Updates:
        """One page of the labels that are still doubted."""
        left, size = still_doubted(self.service.gallery, check.doubted), self.service.settings.page_size
        of_label = [each for each in left if label in (_EVERY, each.label)]
        if not of_label and label != _EVERY:
            return self._show(check, _EVERY, 1)
        pages = max(1, math.ceil(len(of_label) / size))
        number = min(max(1, number), pages)
        told: Updates = {
            self.about: cards.heading(_TITLE, self._summary(check, len(left))),
            self.label: gr.update(choices=_choices(left), value=label, visible=bool(left)),
            self.number: number,
            self.version: self.service.gallery_version,
            self.status: parts.shown(""),
            self.undo: gr.update(visible=False),
        }
        if not of_label:
            return {**told, **self._empty(_NOTHING)}
        page = of_label[(number - 1) * size : number * size]
        return {
            **told,
            self.all: gr.update(visible=True),
            self.one: gr.update(visible=False),
            self.tiles: cards.tiles(self._tiles(page), "Doubtful labels"),
            self.pager: gr.update(visible=pages > 1),
            self.previous: gr.update(interactive=number > 1),
            self.place: f"<p>Page {number} of {pages}</p>",
            self.following: gr.update(interactive=number < pages),
        }

    def _summary(self, check: LabelCheck, left: int) -> str:
        judged = f" {left:,} are left." if left < len(check.doubted) else ""
        return check.summary + judged + ("" if self.service.keeps_changes else f" {_NOT_KEPT}")

    def _tiles(self, doubted: list[DoubtedLabel]) -> list[cards.Tile]:
        gallery = self.service.gallery
        items = [(each, gallery.item(each.id)) for each in doubted if each.id in gallery]
        return [_tile(each, item) for each, item in items]

    def _press(self, check: LabelCheck, event: gr.EventData) -> Updates:
        (pressed,) = (each for each in check.doubted if each.id == str(event.key))
        return self._look_at(pressed)

    def _look_at(self, doubted: DoubtedLabel) -> Updates:
        """One example beside those that contradict its label."""
        gallery = self.service.gallery
        item = gallery.item(doubted.id)
        others = [gallery.item(each) for each in doubted.disagreeing if each in gallery]
        tiles = cards.tiles((cards.item_tile(o.thumbnail, o.emotion, o.source, None) for o in others), "Unlike it")
        further = [_named(name) for name in labels(gallery) if name not in (doubted.label, doubted.suggested)]
        return {
            self.all: gr.update(visible=False),
            self.one: gr.update(visible=True),
            self.doubted: cards.query_heading(item.thumbnail, _change(doubted), _about(doubted)),
            self.keep: f"Keep {doubted.label}",
            self.take: f"Change to {doubted.suggested}",
            self.other: gr.update(choices=further, value=None),
            self.unlike: cards.heading("Nearest examples with another label") + tiles,
            self.chosen: doubted,
            self.version: self.service.gallery_version,
            self.status: parts.shown(""),
            self.undo: gr.update(visible=False),
        }

    def _relabel(self, check: LabelCheck, label: str, number: int, doubted: DoubtedLabel, emotion: str) -> Updates:
        left = self._others(check, label, doubted)
        before = self.service.relabel(doubted.id, emotion)
        said = f"{doubted.source} is labelled {emotion} by hand now."
        return self._go_on(check, label, number, left, said, before)

    def _keep(self, check: LabelCheck, label: str, number: int, doubted: DoubtedLabel) -> Updates:
        return self._relabel(check, label, number, doubted, doubted.label)

    def _take(self, check: LabelCheck, label: str, number: int, doubted: DoubtedLabel) -> Updates:
        return self._relabel(check, label, number, doubted, doubted.suggested)

    def _remove(self, check: LabelCheck, label: str, number: int, doubted: DoubtedLabel) -> Updates:
        left = self._others(check, label, doubted)
        before = self.service.remove(doubted.id)
        return self._go_on(check, label, number, left, f"{doubted.source} was removed from the gallery.", before)

    def _undo(self, check: LabelCheck, before: Correction) -> Updates:
        self.service.undo(before)
        (doubted,) = (each for each in check.doubted if each.id == before.item.id)
        return {**self._look_at(doubted), self.before: None}

    def _others(self, check: LabelCheck, label: str, doubted: DoubtedLabel) -> list[DoubtedLabel]:
        """What is left to look at besides one of them: first what is ranked after it, then what is ranked before."""
        ranked = [each for each in still_doubted(self.service.gallery, check.doubted) if label in (_EVERY, each.label)]
        place = next((place for place, each in enumerate(ranked) if each.id == doubted.id), len(ranked))
        return ranked[place + 1 :] + ranked[:place]

    def _go_on(
        self, check: LabelCheck, label: str, number: int, left: list[DoubtedLabel], said: str, before: Correction
    ) -> Updates:
        """The next one to look at, or the list once there is none, with what has just been done."""
        return {
            **(self._look_at(left[0]) if left else self._show(check, label, number)),
            self.status: parts.shown(f'<p class="detail">{escape(said)}</p>'),
            self.undo: gr.update(visible=True),
            self.before: before,
        }


def _choices(left: list[DoubtedLabel]) -> list[tuple[str, str]]:
    names = sorted({each.label for each in left})
    return [("All", _EVERY), *map(_named, names)]


def _named(label: str) -> tuple[str, str]:
    return f"{emotion_of(label).symbol} {label}", label


def _change(doubted: DoubtedLabel) -> str:
    old, new = emotion_of(doubted.label), emotion_of(doubted.suggested)
    return f"{old.symbol}\N{NO-BREAK SPACE}{old.name} → {new.symbol}\N{NO-BREAK SPACE}{new.name}"


def _about(doubted: DoubtedLabel) -> str:
    return (
        f"{doubted.source} is labelled {doubted.label}. The examples around it speak for {doubted.suggested}; the "
        f"doubt is {cards.percent(doubted.score)}."
    )


def _tile(doubted: DoubtedLabel, item: Item) -> cards.Tile:
    tile = cards.item_tile(item.thumbnail, doubted.label, f"doubt {cards.percent(doubted.score)}", doubted.id)
    return cards.Tile(tile.picture, _change(doubted), tile.detail, tile.colour, tile.key)
