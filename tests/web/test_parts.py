"""What the tabs share: photos scaled for showing with their faces, examples by name, and failures as sentences."""

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese import ExpressionService
from siamese.errors import ImageError
from siamese.web import parts
from siamese.web.sentences import sentence_of


@pytest.mark.parametrize(("size", "shown"), [(96, 320), (640, 640), (2560, 1280)])
def test_a_photo_is_shown_neither_tiny_nor_huge_and_its_boxes_with_it(
    reference: Path, tmp_path: Path, size: int, shown: int
) -> None:
    Image.new("RGB", (size, size), "grey").save(tmp_path / "plain.png")
    seen = parts.look(ExpressionService.load(reference), str(tmp_path / "plain.png"), whole=True)
    assert seen.picture.shape == (shown, shown, 3) and seen.size == (size, size)
    assert seen.readings[0].box.tolist() == pytest.approx([0, 0, shown, shown])


def test_examples_come_by_name_and_the_further_ones_of_an_expression_can_be_left_out(tmp_path: Path) -> None:
    for name in ("fear 2", "anger", "fear", "anger 2"):
        Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / f"{name}.webp")
    photos = parts.example_photos(tmp_path)
    assert [photo.stem for photo in photos] == ["anger", "anger 2", "fear", "fear 2"]
    assert [photo.stem for photo in parts.first_of_each(photos)] == ["anger", "fear"]
    assert parts.example_photos(tmp_path / "nowhere") == parts.example_photos(None) == []


def test_a_foreseen_failure_is_its_own_sentence() -> None:
    def refuse() -> None:
        raise ImageError("letter.jpg is not an image.")

    assert parts.failing_as(str.upper)(refuse)() == "LETTER.JPG IS NOT AN IMAGE."


def test_a_face_of_a_session_that_was_forgotten_is_asked_for_again() -> None:
    choose = parts.failing_as(str)(parts.remembered(lambda seen, face: seen[face]))
    assert choose(["first", "second"], 1) == "second"
    assert choose(None, 1).endswith("Choose the photo again, or load the page again.")


def test_a_surprise_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        sentence = sentence_of(ZeroDivisionError("division by zero"))
    assert "division" not in sentence and "division by zero" in caplog.text
