"""The reference set's builder: of FER+ a gallery whose first page shows every emotion, of other data one's own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese.errors import ReferenceSetError
from siamese.evaluation.reference import build_own_reference, in_turn, write_examples
from siamese.gallery.composites import Composite
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.service import ExpressionService
from siamese.training.run_folder import BEST, CONFIG, CURVE
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face
from tests.training.small import SMALL


def test_the_first_composites_are_one_of_each_emotion() -> None:
    face = np.zeros((48, 48), np.uint8)
    given = ["anger"] * 3 + ["fear"] * 2 + ["neutral"]
    composites = [Composite(emotion, face, face, np.arange(16), 0.8) for emotion in given]
    expected = ["anger", "fear", "neutral", "anger", "fear", "anger"]
    assert [composite.emotion for composite in in_turn(composites)] == expected


def test_a_run_on_ones_own_photos_becomes_a_service_that_knows_their_expressions(tmp_path: Path) -> None:
    shown = ("anger", "happiness", "surprise")
    for part, seeds in (("train", range(8)), ("validation", range(8, 11))):
        for emotion in shown:
            for seed in seeds:
                path = tmp_path / "photos" / part / emotion / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_face(EMOTIONS.index(emotion), seed, 96)).save(path)
    run = tmp_path / "run"
    run.mkdir()
    save_network(TwinNetwork(TwinConfig(SMALL)), run / BEST)
    (run / CONFIG).write_text("{}")
    (run / CURVE).write_text("epoch\n")
    build_own_reference(run, "folder", tmp_path / "photos", tmp_path / "reference", tmp_path)
    service = ExpressionService.load(tmp_path / "reference")
    assert set(service.prototypes.names) == set(service.gallery.emotions) == set(shown)
    assert len(service.gallery) == 24
    assert {path.stem.split()[0] for path in (tmp_path / "reference" / "examples").iterdir()} == set(shown)
    (reading,) = service.recognise(draw_face(1, 0, 96), whole=True)
    assert reading.emotion in shown and sum(reading.probabilities.values()) == pytest.approx(1)
    with pytest.raises(ReferenceSetError, match=r"something in .* already"):
        build_own_reference(run, "folder", tmp_path / "photos", tmp_path / "reference", tmp_path)


def test_examples_that_are_read_as_something_else_are_passed_over(reference: Path, tmp_path: Path) -> None:
    """Of each emotion's six drawings, one alone is read as what it is; of anger's, none."""
    gallery = ExpressionService.load(reference).gallery
    seen: list[Image.Image] = []
    answers = [
        emotion if row == 3 and emotion != "anger" else "else" for emotion in gallery.emotions for row in range(6)
    ]

    def read(picture: Image.Image) -> list[str]:
        seen.append(picture)
        return [answers[len(seen) - 1]]

    write_examples(gallery, tmp_path, read)
    for number, emotion in enumerate(gallery.emotions):
        expected = seen[6 * number + (0 if emotion == "anger" else 3)]
        with Image.open(tmp_path / f"{emotion}.webp") as written:
            difference = np.asarray(written.convert("RGB"), float) - np.asarray(expected, float)
        assert np.abs(difference).mean() < 6
