"""The command line: one JSON object on stdout, or one sentence on stderr and exit code 2."""

import json
import runpy
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import skimage.io
from numpy.typing import NDArray

from siamese.cli import USER_ERROR, main
from siamese.gallery.gallery import Gallery
from siamese.network.runtime import Embedder
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face


@pytest.fixture
def portrait(tmp_path: Path, astronaut: NDArray[np.uint8]) -> Path:
    path = tmp_path / "astronaut.png"
    skimage.io.imsave(path, astronaut)
    return path


def run(*arguments: object) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def test_recognise_prints_one_object(portrait: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recognise", portrait, "--json", "--reference", reference) == 0
    (face,) = json.loads(capsys.readouterr().out)["faces"]
    assert face["emotion"] in EMOTIONS and not face["whole_picture"]


def test_compare_prints_one_object(portrait: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("compare", portrait, portrait, "--json", "--reference", reference) == 0
    assert json.loads(capsys.readouterr().out)["same_expression"] is True


def test_similar_prints_one_object(portrait: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("similar", portrait, "-k", 12, "--json", "--reference", reference) == 0
    assert len(json.loads(capsys.readouterr().out)["neighbours"]) == 12


def test_faces_are_counted_from_one(portrait: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("similar", portrait, "--face", 1, "--json", "--reference", reference) == 0
    assert run("similar", portrait, "--face", 2, "--json", "--reference", reference) == USER_ERROR
    assert "no face number 2: the photo has 1" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["recognise"], ["compare", "same"], ["similar"]])
def test_without_json_it_speaks_to_people(
    command: list[str], portrait: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = [portrait] if len(command) > 1 else []
    assert run(command[0], portrait, *again, "--reference", reference) == 0
    assert any(name in capsys.readouterr().out for name in EMOTIONS)


def test_a_refusal_is_a_sentence_on_stderr(tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear reader")
    assert run("recognise", letter, "--json", "--reference", reference) == USER_ERROR
    out, err = capsys.readouterr()
    assert out == "" and "not an image" in err and "Traceback" not in err


def test_ctrl_c_while_it_is_imported_ends_it_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "siamese.cli", Interrupted("siamese.cli"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("siamese", run_name="__main__")
    assert ended.value.code == 130 and capsys.readouterr() == ("", "")


def test_a_gallery_from_folders_takes_their_names_as_labels(tmp_path: Path, reference: Path) -> None:
    for folder, label in (("happy", 1), ("smirks", 7)):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        skimage.io.imsave(tmp_path / "photos" / folder / "face.png", draw_face(label, size=96))
    skimage.io.imsave(tmp_path / "photos" / "unknown.png", draw_face(2, size=96))
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    out = tmp_path / "gallery"
    assert run("gallery", "build", "--folder", tmp_path / "photos", "--out", out, "--reference", reference) == 0
    items = Gallery.open(out, Embedder(reference / "network.onnx").fingerprint).items
    labels = {item.emotion: item.labelled_by for item in items}
    assert len(items) == 3 and labels.items() >= {"happiness": "folder", "smirks": "folder"}.items()
    assert "reading" in {item.labelled_by for item in items}


def test_a_gallery_needs_one_origin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("gallery", "build", "--out", tmp_path) == USER_ERROR
    assert "--folder" in capsys.readouterr().err


def test_evaluate_gives_every_figure_as_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reference set that ships, whose network can also be timed."""
    for part, count in (("train", 5), ("validation", 2), ("test", 2)):
        for label, emotion in enumerate(EMOTIONS):
            for seed in range(count):
                path = tmp_path / part / emotion / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                skimage.io.imsave(path, draw_face(label, 100 * len(part) + seed, size=96), check_contrast=False)
    words = ("--dataset", "folder", "--root", tmp_path, "--cache", tmp_path / "cache", "--full", "--json")
    assert run("evaluate", *words) == 0
    figures = json.loads(capsys.readouterr().out)
    headline = {
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "weighted_f1",
        "roc_auc",
        "eer",
        "recall_at_k",
        "nmi",
        "ece",
    }
    assert headline | {"cluster_f1", "effective_rank", "classifiers", "without_copies", "timing"} <= set(figures)
    assert figures["images"] == 16
    assert figures["run"] is figures["reference"] is None
    assert figures["timing"]["threads"] == 2 and figures["timing"]["whole_ms"] > figures["timing"]["network_ms"] > 0


def test_a_run_and_a_reference_set_are_not_measured_at_once(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--dataset", "folder", "--root", tmp_path, "--run", tmp_path, "--reference", reference)
    assert run("evaluate", *words) == USER_ERROR
    assert "either --run or --reference" in capsys.readouterr().err


def test_evaluate_takes_the_only_part_there_is_and_says_what_it_left_out(
    tmp_path: Path, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, emotion in enumerate(EMOTIONS):
        for seed in range(3):
            path = tmp_path / "photos" / emotion / f"{seed}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            skimage.io.imsave(path, draw_face(label, seed, size=96), check_contrast=False)
    (tmp_path / "photos" / "fear" / "broken.png").write_bytes(b"no image")
    words = ("--dataset", "folder", "--root", tmp_path / "photos", "--cache", tmp_path, "--reference", reference)
    pictures = ("--figures", tmp_path / "figures", "--nearest", tmp_path / "nearest.png")
    assert run("evaluate", *words, *pictures, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["split"], figures["images"], sum(figures["left_out"].values())) == ("all", 24, 1)
    assert (figures["run"], figures["reference"]) == (None, str(reference))
    drawn = {path.name for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"confusion.png", "reliability.png", "roc.png", "tsne.png"}
    assert (tmp_path / "nearest.png").is_file()
    assert run("evaluate", *words) == 0
    table = capsys.readouterr().out
    assert "left out: " in table
    assert "folder, all, label" in table  # no votes, so no majority of them either
    assert "true accepts at 0.1 % false accepts" in table
    assert "{:.4g} to {:.4g}".format(*figures["accuracy_interval"]) in table
