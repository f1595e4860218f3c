"""`python -m siamese teach …`: what is taught by one command is known to the next."""

import json
from pathlib import Path

import pytest
import skimage.io

from siamese.cli import USER_ERROR
from siamese.gallery.gallery import Gallery
from siamese.network.runtime import Embedder
from tests.test_cli import run
from tests.tiny import draw_face


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        skimage.io.imsave(path, draw_face(7, seed, size=96), check_contrast=False)
    return paths


@pytest.fixture
def words(reference: Path, tmp_path: Path) -> tuple[object, ...]:
    embedder = Embedder(reference / "network.onnx")
    Gallery.create(tmp_path / "own", "Mine", embedder.fingerprint, embedder.embedding_size).close()
    return ("--gallery", tmp_path / "own", "--reference", reference)


def test_what_is_taught_is_recognised_renamed_and_removed(
    photos: list[Path], words: tuple[object, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("teach", "new", "smirk", *photos[:2], "--anyway", "--json", *words) == 0
    assert len(json.loads(capsys.readouterr().out)["agreements"]) == 2
    assert run("teach", "more", "smirk", photos[2], "--anyway", *words) == 0
    assert run("teach", "rename", "smirk", "grin", *words) == 0
    capsys.readouterr()
    assert run("teach", "list", "--json", *words) == 0
    assert json.loads(capsys.readouterr().out) == {"taught": ["grin"]}
    assert run("recognise", photos[0], "--json", *words) == 0
    (face,) = json.loads(capsys.readouterr().out)["faces"]
    assert "grin" in face["probabilities"]
    assert run("teach", "forget", "grin", *words) == 0
    capsys.readouterr()
    assert run("teach", "list", *words) == 0
    assert capsys.readouterr().out == ""


def test_one_photo_is_told_as_one(
    photos: list[Path], words: tuple[object, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("teach", "new", "smirk", photos[0], "--anyway", *words) == 0
    assert capsys.readouterr().out == "«smirk» is known now, from 1 photo\n"
    assert run("teach", "more", "smirk", photos[1], "--anyway", *words) == 0
    assert capsys.readouterr().out == "«smirk» has learned from 1 more photo\n"
    assert run("teach", "new", "grin", *photos[:2], "--anyway", *words) == 0
    assert capsys.readouterr().out == "«grin» is known now, from 2 photos\n"


def test_a_lesson_that_cannot_be_kept_is_refused(
    photos: list[Path], reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--gallery", reference / "gallery", "--reference", reference)
    assert run("teach", "new", "smirk", *photos, *words) == USER_ERROR
    assert "Nothing can be written to the gallery" in capsys.readouterr().err
