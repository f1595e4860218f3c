"""The tab Album: several photos → the few that best show how varied their expressions are, and a sheet to download."""

import base64
import io
from html import escape
from pathlib import Path

import gradio as gr

from siamese.errors import AlbumError
from siamese.gallery.album import Highlight, Summary, draw_sheet
from siamese.service import ExpressionService
from siamese.vocabulary import emotion_of
from siamese.web import cards, drawing, parts
from siamese.web.uploads import needed

_START = (
    "Add the photos of a day or a journey, and those are chosen that best show how varied their expressions are. Of "
    "photos that are nearly the same, such as a burst, one is enough."
)
_COUNT, _MOST = 9, 24
_PROGRESS = gr.Progress()  # Gradio knows it by its place among a handler's defaults


def build(service: ExpressionService) -> None:
    """Lay out the tab inside the current Gradio context."""
    most = service.settings.album_photos
    with gr.Row(elem_classes="reader"):
        with gr.Column(scale=5, min_width=300):
            photos = gr.File(
                label=f"Photos, up to {most:,}",
                file_count="multiple",
                file_types=["image"],
                height=190,
                elem_id="album-photos",
            )
            count = gr.Slider(1, _MOST, _COUNT, step=1, label="How many to choose", elem_id="album-count")
            choose = gr.Button("Choose", variant="primary", elem_id="album-choose")
        with gr.Column(scale=7, min_width=300):
            status = gr.HTML(cards.hint(_START), elem_id="album-status")

    @parts.failing_as(cards.notice)
    def summarise(paths: list[str] | None, count: float, progress: gr.Progress = _PROGRESS) -> str:
        given = list(map(needed, _required(paths, most)))
        summary = service.summarise(progress.tqdm(given, desc="Looking at photos", unit="photos"), int(count))
        return _told(summary)

    choose.click(summarise, [photos, count], status, api_visibility="private")


def _required(paths: list[str] | None, most: int) -> list[str]:
    """The photos. Raises AlbumError when there is none, or more than `most`."""
    if not paths:
        raise AlbumError("Add the album's photos first.")
    if len(paths) > most:
        raise AlbumError(
            f"These are {len(paths):,} photos, and this page takes up to {most:,} at once. For a whole folder there is "
            "a command: python -m siamese album FOLDER."
        )
    return paths


def _told(summary: Summary) -> str:
    """The chosen photos, the sheet, and which photos were left out."""
    photos = f"{summary.photos:,} photos with a face" if summary.photos > 1 else "1 photo with a face"
    title = cards.heading(f"{len(summary.highlights):,} of {photos}", "Each stands for those that are most like it.")
    tiles = cards.tiles(map(_tile, summary.highlights), "Chosen photos")
    rows = "".join(f"<li>{escape(Path(name).name)}: {escape(why)}</li>" for name, why in summary.left_out.items())
    left_out = f'{cards.heading("Left out")}<ul class="figures">{rows}</ul>' if rows else ""
    return f'<div class="lesson"><div>{title}</div>{tiles}{_download(summary)}{left_out}</div>'


def _download(summary: Summary) -> str:
    """The sheet as a link that holds it, so that no file is left on this machine."""
    file = io.BytesIO()
    draw_sheet(summary.highlights).save(file, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return f'<p><a class="download" href="{source}" download="album.png">Download the sheet</a></p>'


def _tile(highlight: Highlight) -> cards.Tile:
    look, name = emotion_of(highlight.emotion), Path(highlight.photo).name
    detail = name if highlight.stands_for == 1 else f"{name}, for {highlight.stands_for:,} photos"
    return cards.Tile(drawing.data_uri(highlight.portrait), f"{look.symbol} {highlight.emotion}", detail, look.colour)
