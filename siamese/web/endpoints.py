"""The page's named endpoints for `gradio_client`: photos in, JSON out, with the same answers as the service."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from siamese.errors import SemblanceError
from siamese.service import ExpressionService
from siamese.web.api.models import MOST_NEIGHBOURS
from siamese.web.parts import photo_input
from siamese.web.sentences import sentence_of


def build(service: ExpressionService) -> None:
    """Add /recognise, /compare and /similar to the current Gradio context; nothing of them is seen on the page."""

    def recognise(photo: str, whole: bool = False) -> dict[str, Any]:
        """Read the expression of every face in a photo, largest face first.

        Args:
            photo: the photo's file (JPEG, PNG, WebP, BMP, GIF or TIFF).
            whole: take the picture itself as the face where no face is found.

        Returns:
            {"faces": [...]}, each with emotion, confidence, probabilities and similarities per emotion, box (left, top,
            right, bottom, in pixels), landmarks, and whole_picture: whether the picture itself was taken as the face.
        """
        return {"faces": [reading.to_dict() for reading in service.recognise(photo, whole)]}

    def compare(
        first: str, second: str, first_face: int = 0, second_face: int = 0, whole: bool = False
    ) -> dict[str, Any]:
        """Tell whether two faces show the same expression.

        Args:
            first: the first photo's file.
            second: the second photo's file.
            first_face: which face of the first photo, from 0, largest first.
            second_face: which face of the second photo.
            whole: take the pictures themselves as the faces where no face is found.

        Returns:
            similarity (cosine, -1 to 1), probability that both show the same expression, same_expression (the verdict),
            threshold (of similarity), and the two faces as from /recognise.
        """
        return service.compare(first, second, _given(first_face), _given(second_face), whole).to_dict()

    def similar(
        photo: str, k: int = 12, emotion: str | None = None, face: int = 0, whole: bool = False
    ) -> dict[str, Any]:
        """Find the gallery's examples most similar to a face.

        Args:
            photo: the photo's file.
            k: how many examples, at most 1000.
            emotion: only examples of this emotion, such as "surprise"; all where it is left out.
            face: which face of the photo, from 0, largest first.
            whole: take the picture itself as the face where no face is found.

        Returns:
            {"neighbours": [...]}, best first, each with id, emotion, similarity (cosine), source and labelled_by.
        """
        neighbours = service.similar(photo, _given(k), emotion or None, _given(face), whole)
        return {"neighbours": [neighbour.to_dict() for neighbour in neighbours]}

    with gr.Column(visible=False):
        first, second = photo_input("Photo"), photo_input("Second photo")
        whole = gr.Checkbox(False, label="Take the picture as the face")
        first_face, second_face = (
            gr.Number(0, precision=0, label="Face"),
            gr.Number(0, precision=0, label="Second face"),
        )
        k = gr.Number(12, precision=0, minimum=1, maximum=MOST_NEIGHBOURS, label="How many")
        emotion = gr.Textbox(None, label="Emotion")
        answer = gr.JSON(label="Answer")
        for function, inputs in (
            (recognise, [first, whole]),
            (compare, [first, second, first_face, second_face, whole]),
            (similar, [first, k, emotion, first_face, whole]),
        ):
            gr.Button(function.__name__).click(
                _with_sentences(function), inputs, answer, api_name=function.__name__, api_visibility="public"
            )


def _given(number: int | None) -> int:
    """A number of a face, or of examples. Raises SemblanceError where it is null."""
    if number is None:
        raise SemblanceError("A number is null. Leave it out, or give a whole number.")
    return number


def _with_sentences(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Raise what a caller can read: the sentence, without a trace."""

    @wraps(function)
    def answer(*arguments: Any) -> dict[str, Any]:
        try:
            return function(*arguments)
        except Exception as error:  # gr.Error is the one class whose text reaches the caller
            raise gr.Error(sentence_of(error), print_exception=False) from error

    return answer
