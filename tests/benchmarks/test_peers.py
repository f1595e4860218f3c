"""Peers read the same pictures: what they are given, how their answers are understood, and what is told of them."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score, recall_score

from benchmarks import peers
from benchmarks.peer_readers import ENLARGED, SHARED, enlarged, face_api_reader, shares
from siamese.datasets.crops import crops
from siamese.datasets.samples import Samples
from siamese.metric.prototypes import Prototypes
from siamese.network.runtime import Embedder
from siamese.vocabulary import EMOTIONS
from tests.browser import chromium
from tests.tiny import draw_face

# What `fer` and face-api answer, in their own words and order.
FER_WORDS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FACE_API_WORDS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")


@pytest.fixture(scope="module")
def drawings() -> Samples:
    """Two drawn faces of each of the eight expressions, in pictures as small as FER+'s."""
    labels = np.repeat(np.arange(len(EMOTIONS)), 2)
    images = np.stack([_grey(label, seed) for seed, label in enumerate(labels)])
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    return Samples("drawings", "test", "majority", images, targets, labels, tuple(map(str, labels)))


def _grey(label: int, seed: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(draw_face(label, seed, 48)).convert("L"))


@pytest.mark.parametrize("words", [FER_WORDS, FACE_API_WORDS])
def test_a_peers_answer_is_understood_in_its_own_words(words: Sequence[str]) -> None:
    found = shares({word: 1.0 + row for row, word in enumerate(words)})
    assert found.sum() == pytest.approx(1)
    assert found[SHARED.index("happiness")] == pytest.approx((1 + words.index("happy")) / 28)
    assert found[SHARED.index("anger")] == pytest.approx((1 + words.index("angry")) / 28)


@pytest.mark.parametrize("answer", [{"happy": 1.0}, dict.fromkeys(FER_WORDS, 0.0)])
def test_half_an_answer_is_none(answer: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not an answer about neutral"):
        shares(answer)


def test_a_box_is_enlarged_with_its_picture_and_ends_where_that_ends() -> None:
    picture = np.zeros((48, 40), np.uint8)
    picture[12:24, 8:16] = 255
    large, box = enlarged(picture, np.float32([8, 12, 16, 60]))
    assert large.shape == (48 * ENLARGED, 40 * ENLARGED)
    assert box.tolist() == [8 * ENLARGED, 12 * ENLARGED, 16 * ENLARGED, 48 * ENLARGED]
    inside = large[12 * ENLARGED : 24 * ENLARGED, 8 * ENLARGED : 16 * ENLARGED]
    assert inside.mean() > 240
    assert large.sum() - inside.sum() < 0.1 * large.sum()


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.floats(0.2, 1)), min_size=1, max_size=30))
def test_figures_are_scikit_learns(rows: list[tuple[int, int, float]]) -> None:
    labels, answers = np.array([row[:2] for row in rows]).T
    sure = np.array([row[2] for row in rows])
    probabilities = np.repeat((1 - sure[:, None]) / 6, 7, axis=1)
    probabilities[np.arange(len(rows)), answers] = sure
    found = peers.reading(probabilities, labels)
    present = np.unique(labels)
    assert found.accuracy == pytest.approx(accuracy_score(labels, answers))
    assert found.balanced_accuracy == pytest.approx(recall_score(labels, answers, average="macro", labels=present))
    assert found.macro_f1 == pytest.approx(f1_score(labels, answers, average="macro", labels=present))
    assert found.confidence == pytest.approx(sure.mean())
    assert found.neutral_or_happy == np.mean([SHARED[answer] in ("neutral", "happiness") for answer in answers])
    assert list(found.recall) == [SHARED[label] for label in present]


def test_everybody_reads_what_all_know_and_a_peer_in_both_boxes(
    drawings: Samples, reference: Path, tmp_path: Path
) -> None:
    given_boxes: list[NDArray[np.float32]] = []

    def always_happy(pictures: NDArray[np.uint8], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        given_boxes.append(boxes)
        return np.tile(np.eye(7)[SHARED.index("happiness")], (len(pictures), 1))

    found = peers.compare(drawings, {"optimist": always_happy}, reference, tmp_path)
    assert found.images == 14  # no contempt
    assert found.neutral_or_happy == pytest.approx(2 / 7)
    whole, face = given_boxes
    assert (whole == [0, 0, 48, 48]).all()
    assert (face[:, 2] > face[:, 0]).all()
    assert list(found.readings) == ["Semblance", "optimist, whole picture", "optimist, the face's box"]
    optimist = found.readings["optimist, whole picture"]
    assert (optimist.accuracy, optimist.neutral_or_happy, optimist.confidence) == (pytest.approx(1 / 7), 1, 1)
    assert optimist.ece == pytest.approx(6 / 7)

    shown = peers.page({"Drawings": found})
    assert "Drawings: 14 pictures, 29% of them neutral or happy." in shown
    assert "| optimist, whole picture | 0.143 |" in shown


def test_semblance_answers_by_its_prototypes_without_contempt(
    drawings: Samples, reference: Path, tmp_path: Path
) -> None:
    rows = Embedder(reference / "network.onnx").embed(crops(drawings, cache=tmp_path))
    prototypes = Prototypes.load(reference / "prototypes.npz")
    temperature = json.loads((reference / "calibration.json").read_text())["temperature"]
    weights = np.exp(rows @ prototypes.vectors.T / temperature)[:, [prototypes.names.index(name) for name in SHARED]]
    expected = weights / weights.sum(axis=1, keepdims=True)
    assert peers.ours(drawings, reference, tmp_path) == pytest.approx(expected, rel=1e-4)


@pytest.mark.browser
@pytest.mark.skipif(chromium.PATH is None, reason="No Chromium here.")
def test_face_api_is_given_the_pixels_of_each_box(tmp_path: Path) -> None:
    """A package that answers with the canvas's width, its height, and its first and last grey."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "model" / "loaded.json").write_text("{}")
    (tmp_path / "dist" / "face-api.js").write_text("""
        let loaded = false;
        window.faceapi = {nets: {faceExpressionNet: {
          loadFromUri: async (folder) => { loaded = (await fetch(folder + '/loaded.json')).ok; },
          predictExpressions: async (canvas) => {
            const {width, height} = canvas;
            const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
            const seen = [width, height, data[0], data[data.length - 4], data[3], loaded ? 1 : 0, 1];
            const words = ['neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised'];
            return Object.fromEntries(words.map((word, at) => [word, seen[at]]));
          }}}};
    """)
    pictures = np.stack([np.full((48, 48), grey, np.uint8) for grey in (10, 200)] * 20)  # more than one batch
    pictures[:, 24:] += 5
    boxes = np.tile(np.float32([[0, 0, 48, 48], [8, 12, 32, 44]]), (20, 1))
    with face_api_reader(tmp_path) as read:
        answers = read(pictures, boxes)
    for answer, sizes, greys in zip(answers, [(192, 192), (96, 128)] * 20, [(10, 15), (200, 205)] * 20, strict=True):
        seen = dict(zip(FACE_API_WORDS, (*sizes, *greys, 255, 1, 1), strict=True))
        assert answer == pytest.approx(shares(seen))


def test_peers_that_are_missing_are_named_and_left_out(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise ImportError("No module named 'fer'")

    monkeypatch.setattr(peers, "fer_reader", missing)
    for label, emotion in enumerate(EMOTIONS):
        folder = tmp_path / "ck" / emotion
        folder.mkdir(parents=True)
        for number in range(3):
            Image.fromarray(_grey(label, number)).save(folder / f"S{number:03}_001_0000000{number}.png")
    words = ["--ckplus", str(tmp_path / "ck"), "--reference", str(reference), "--cache", str(tmp_path / "cache")]
    words += ["--face-api", str(tmp_path / "none"), "--limit", "9"]
    peers.main([*words, "--json"])
    printed = capsys.readouterr()
    assert "fer is left out (No module named 'fer'): pip install -r requirements-peers.txt" in printed.err
    assert "face-api is left out" in printed.err
    found = json.loads(printed.out)["CK+"]
    assert list(found["readings"]) == ["Semblance"]
    assert found["images"] <= 9
    with pytest.raises(SystemExit):
        peers.main([])


def test_fer_is_given_an_enlarged_photo_and_its_box(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with `fer`'s interface, which answers with what it was given."""

    class FER:
        def __init__(self, mtcnn: bool) -> None:
            assert not mtcnn  # no search: the box is given

        def detect_emotions(self, img: NDArray[np.uint8], face_rectangles: list[tuple[int, ...]]) -> list[dict]:
            assert img.shape == (192, 192, 3)
            left, top, width, height = face_rectangles[0]
            seen = (left, top, width, height, int(img[top, left, 0]), int(img[-1, -1, 2]), 1)
            return [{"emotions": dict(zip(FER_WORDS, seen, strict=True))}]

    module = ModuleType("fer.fer")
    module.FER = FER  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fer", ModuleType("fer"))
    monkeypatch.setitem(sys.modules, "fer.fer", module)
    pictures = np.stack([np.full((48, 48), grey, np.uint8) for grey in (10, 200)])
    (answer, other) = peers.fer_reader()(pictures, np.float32([[8, 12, 32, 44], [0, 0, 48, 48]]))
    assert answer == pytest.approx(shares(dict(zip(FER_WORDS, (32, 48, 96, 128, 10, 10, 1), strict=True))))
    assert other == pytest.approx(shares(dict(zip(FER_WORDS, (0, 0, 192, 192, 200, 200, 1), strict=True))))
