"""What the tabs share: the photo input, a photo as it was read, examples to click, and failures as sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.data_classes import ImageData
from gradio.utils import get_upload_folder, is_in_or_equal
from numpy.typing import NDArray
from PIL import Image, ImageOps

from siamese.answers import Reading
from siamese.errors import SessionError
from siamese.service import ExpressionService
from siamese.vocabulary import emotion_of
from siamese.web import cards, drawing
from siamese.web.sentences import sentence_of
from siamese.web.uploads import needed

_SMALLEST_SHOWN, _LARGEST_SHOWN = 320, 1280  # pixels of the longer side
_TILE_SIDE, _MARGIN = 160, 0.2  # pixels, and the share of each edge that is left out

# For an event whose answer nobody waits for, such as a tab's opening: it is answered outside the queue. Gradio closes
# the queue's stream with the last answer, and to a press that arrives just then no answer comes.
UNASKED: dict[str, Any] = {"queue": False}


def photo_input(label: str, **options: Any) -> gr.Image:
    """An input that takes a photo by upload, from the clipboard or from a camera, and hands over the file as it is.

    Gradio's own preprocessing opens the file, and fails without a sentence where it is no image: `decode` shall judge.
    It would also take other files of this machine, where a program names one in the page's stead.
    """
    image = gr.Image(label=label, type="filepath", sources=["upload", "clipboard", "webcam"], buttons=[], **options)

    def hand_over(payload: ImageData | None) -> str | None:
        if payload and not is_in_or_equal(payload.path or "/", get_upload_folder()):
            raise gr.Error("A photo is uploaded first; this one was not uploaded.", print_exception=False)
        return payload.path if payload else None

    # On the instance, since Gradio writes a stub file beside the module of every subclass of a component.
    vars(image)["preprocess"] = hand_over
    return image


@dataclass(frozen=True, eq=False)
class Seen:
    """A photo as it was read: a picture fit for showing, its faces in that picture's pixels, the photo's own size."""

    picture: NDArray[np.uint8]
    readings: tuple[Reading, ...]
    size: tuple[int, int]  # width, height


def look(service: ExpressionService, path: str, whole: bool) -> Seen:
    """Read every face of a photo. Raises what `ExpressionService.recognise` raises, and ImageError when it is gone."""
    photo = service.decode(needed(path))
    readings = service.recognise(photo, whole)
    height, width = photo.shape[:2]
    longest = max(height, width)
    scale = min(max(longest, _SMALLEST_SHOWN), _LARGEST_SHOWN) / longest
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shown = Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS) if scale != 1 else photo
    return Seen(np.asarray(shown), tuple(_scaled(reading, scale) for reading in readings), (width, height))


def failing_as(failed: Callable[[str], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let an event handler that raises answer `failed(sentence)` instead; surprises are logged, not shown."""

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def guarded(*arguments: Any) -> Any:
            try:
                return handler(*arguments)
            except Exception as error:  # the page must answer whatever happens
                return failed(sentence_of(error))

        return guarded

    return decorate


def remembered(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Let a handler whose first input is a session's state raise SessionError where that was forgotten."""

    @wraps(handler)
    def guarded(state: Any, *more: Any) -> Any:
        if state is None:
            raise SessionError(
                "What this page showed is no longer known here: it was not used for long, or many others were. "
                "Choose the photo again, or load the page again."
            )
        return handler(state, *more)

    return guarded


def shown(html: str) -> Any:
    """An update that shows this HTML, or hides the component when there is none."""
    return gr.update(value=html, visible=bool(html))


def face_chooser(label: str, elem_id: str | None = None) -> gr.Radio:
    """A choice among a photo's faces, hidden while there is nothing to choose."""
    return gr.Radio([], label=label, visible=False, elem_id=elem_id, elem_classes="chips")


def face_choices(seen: Seen | None) -> Any:
    """An update that offers a photo's faces, when there are several."""
    readings = seen.readings if seen else ()
    choices = [
        (f"{index + 1} {emotion_of(reading.emotion).symbol} {reading.emotion}", index)
        for index, reading in enumerate(readings)
    ]
    return gr.update(choices=choices, value=0 if readings else None, visible=len(readings) > 1)


def whole_checkbox(label: str = "The picture is the face") -> gr.Checkbox:
    """Says that where no face is found, the picture itself is one."""
    return gr.Checkbox(label=label, info="For pictures that show nothing but a face, cut out tightly.", container=False)


def example_photos(folder: Path | None) -> list[Path]:
    """The example photos that ship in a folder, in order of their names: «fear.webp», «fear 2.webp»."""
    return sorted(folder.glob("*.webp"), key=lambda photo: photo.stem) if folder and folder.is_dir() else []


def first_of_each(photos: list[Path]) -> list[Path]:
    """The example photos without the further ones of the same expression."""
    return [photo for photo in photos if photo.stem == _expression(photo)]


def example_tiles(photos: list[Path], receivers: list[gr.Image], tuples: Sequence[tuple[int, ...]]) -> None:
    """Tiles that put photos into inputs when pressed: each of `tuples` numbers one photo for each of the receivers."""
    if not tuples:
        return
    row = [_example_tile([photos[index] for index in indices], str(number)) for number, indices in enumerate(tuples)]
    board = gr.HTML(
        cards.eyebrow("Or try an example") + cards.tiles(row, "Examples"),
        js_on_load=cards.TILE_SCRIPT,
        elem_classes=["examples", "pairs"] if len(receivers) > 1 else ["examples"],
    )

    def choose(event: gr.EventData) -> Any:
        chosen = [str(photos[index]) for index in tuples[int(event.key)]]
        return chosen if len(chosen) > 1 else chosen[0]

    board.select(choose, None, receivers, show_progress="hidden", api_visibility="private", **UNASKED)


def _expression(photo: Path) -> str:
    return photo.stem.rstrip(" 0123456789")


def _example_tile(photos: list[Path], key: str) -> cards.Tile:
    pictures = [drawing.data_uri(_middle(photo)) for photo in photos]
    caption = " and ".join(_expression(photo) for photo in photos)
    return cards.Tile(pictures[0], caption, key=key, second_picture=pictures[1] if len(pictures) > 1 else None)


def _middle(photo: Path) -> Image.Image:
    """An example without its margins, which are there for the detector."""
    return ImageOps.fit(Image.open(photo).convert("RGB"), (_TILE_SIDE, _TILE_SIDE), bleed=_MARGIN)


def _scaled(reading: Reading, scale: float) -> Reading:
    landmarks = None if reading.landmarks is None else reading.landmarks * np.float32(scale)
    return replace(reading, box=reading.box * np.float32(scale), landmarks=landmarks)
