"""The reference set's builder: of FER+ a gallery whose first page shows every emotion, of other data one's own."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese.cli import main
from siamese.errors import ReferenceSetError
from siamese.evaluation.recipe import RECIPE
from siamese.evaluation.reference import build_own_reference, in_turn, write_examples
from siamese.gallery.composites import Composite
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.service import ExpressionService
from siamese.training.run_folder import BEST, CONFIG, CURVE, LAST
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face
from tests.training.small import SMALL


def test_the_first_composites_are_one_of_each_emotion() -> None:
    face = np.zeros((48, 48), np.uint8)
    given = ["anger"] * 3 + ["fear"] * 2 + ["neutral"]
    composites = [Composite(emotion, face, face, np.arange(16), 0.8) for emotion in given]
    expected = ["anger", "fear", "neutral", "anger", "fear", "anger"]
    assert [composite.emotion for composite in in_turn(composites)] == expected


SHOWN = ("anger", "happiness", "surprise")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawings of three expressions, eight of each to train on and three to validate on."""
    root = tmp_path_factory.mktemp("photos")
    for part, seeds in (("train", range(8)), ("validation", range(8, 11))):
        for emotion in SHOWN:
            for seed in seeds:
                path = root / part / emotion / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_face(EMOTIONS.index(emotion), seed, 96)).save(path)
    return root


def trained(folder: Path, name: str = BEST) -> Path:
    """A run's folder with one network, which need not have learned."""
    folder.mkdir()
    save_network(TwinNetwork(TwinConfig(SMALL)), folder / name)
    (folder / CONFIG).write_text("{}")
    (folder / CURVE).write_text("epoch\n")
    return folder


def test_a_run_on_ones_own_photos_becomes_a_service_that_knows_their_expressions(photos: Path, tmp_path: Path) -> None:
    run = trained(tmp_path / "run")
    build_own_reference(run, "folder", photos, tmp_path / "reference", tmp_path)
    service = ExpressionService.load(tmp_path / "reference")
    assert set(service.prototypes.names) == set(service.gallery.emotions) == set(SHOWN)
    assert len(service.gallery) == 24
    assert {path.stem.split()[0] for path in (tmp_path / "reference" / "examples").iterdir()} == set(SHOWN)
    (reading,) = service.recognise(draw_face(1, 0, 96), whole=True)
    assert reading.emotion in SHOWN and sum(reading.probabilities.values()) == pytest.approx(1)
    with pytest.raises(ReferenceSetError, match=r"something in .* already"):
        build_own_reference(run, "folder", photos, tmp_path / "reference", tmp_path)


def test_a_network_of_a_run_becomes_a_reference_set_beside_it(photos: Path, tmp_path: Path) -> None:
    """Given by its file, on the command line."""
    network = trained(tmp_path / "run", LAST) / LAST
    words = ("--run", network, "--dataset", "folder", "--root", photos, "--cache", tmp_path / "cache")
    with pytest.raises(SystemExit) as ended:
        main(["reference", "build", *map(str, words)])
    assert not ended.value.code
    (recipe,) = json.loads((network.parent / "reference" / RECIPE).read_text())
    assert [each["network"] for each in recipe] == ["run/last.safetensors"]
    assert set(ExpressionService.load(network.parent / "reference").prototypes.names) == set(SHOWN)


def test_a_network_without_its_run_is_refused_before_anything_is_fitted(photos: Path, tmp_path: Path) -> None:
    network = trained(tmp_path / "run") / BEST
    (network.parent / CONFIG).unlink()
    with pytest.raises(ReferenceSetError, match=r"There is no config\.json beside "):
        build_own_reference(network, "folder", photos, tmp_path / "reference", tmp_path / "cache")
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


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
