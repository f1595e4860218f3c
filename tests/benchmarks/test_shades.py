"""The benchmark of shades, end to end on drawn faces: a page of Markdown, or one JSON object of the same figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, f1_score

from benchmarks import shades
from siamese.evaluation.datasets import load_for
from siamese.evaluation.embeddings import embeddings
from siamese.evaluation.labelled import Labelled
from siamese.metric.prototypes import Prototypes, fit_prototypes
from siamese.network.runtime import Embedder
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face

COMMON = EMOTIONS.index("happiness")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough training faces of one emotion for two shades; of the others, one to three."""
    root = tmp_path_factory.mktemp("parts")
    for part, common, first in (("train", 34, 0), ("validation", 3, 40), ("test", 2, 50)):
        for label, emotion in enumerate(EMOTIONS):
            (root / part / emotion).mkdir(parents=True)
            for seed in range(common if label == COMMON else 1 + label % 3):
                image = Image.fromarray(draw_face(label, first + seed, 48))
                image.save(root / part / emotion / f"{seed}.png")
    return root


def test_shades_are_a_page_with_its_command(
    parts: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dataset", "folder", "--root", str(parts), "--reference", str(reference), "--cache", str(tmp_path)]
    shades.main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    shades.main(words)
    page = capsys.readouterr().out
    assert page.startswith("## Shades of each emotion on folder: 47 training images")
    assert f"--root data/folder --reference {reference} > docs/results/shades-folder.md" in page

    mixtures = found["mixtures"]
    assert list(mixtures) == list(EMOTIONS)
    assert "| contempt | 2 | 1 | – | – | – | – | – |" in page
    common = mixtures["happiness"]
    assert common["covariance"] == max(common["held_out"], key=common["held_out"].get)
    assert f"| happiness | 34 | {common['components']} | {common['covariance']} |" in page

    tried = {directions: each["macro_f1"] for directions, each in found["tried"].items()}
    kept = str(found["settings"]["dimensions"])
    assert tried[kept] == max(tried.values())
    assert found["recognition"]["validation"]["sub-prototype"] == found["tried"][kept]
    prototypes = Prototypes.load(reference / "prototypes.npz")
    for part, readers in found["recognition"].items():
        samples = load_for("folder", parts, part, "majority", reference)
        answers = prototypes.nearest(embeddings(samples, Embedder(reference / "network.onnx"), tmp_path))
        assert readers["prototype"]["accuracy"] == pytest.approx((answers == samples.labels).mean())
        balanced = balanced_accuracy_score(samples.labels, answers)
        assert readers["prototype"]["balanced_accuracy"] == pytest.approx(balanced)
        f1 = f1_score(samples.labels, answers, average="macro", labels=range(len(EMOTIONS)), zero_division=0)
        assert readers["prototype"]["macro_f1"] == pytest.approx(f1)
        for nearest, each in readers.items():
            assert f"| nearest {nearest}, {part} | {each['accuracy']:.3f} |" in page
    assert f"the nearest {found['better_on_validation']} reads better and is what should ship" in page


def on_the_sphere(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def test_shades_ship_where_a_mean_says_nothing_on_validation_whatever_test_says() -> None:
    """Neutral lies on either side of happiness, so that both have one mean; in the test part they are swapped."""
    centres = np.array([[1, 0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0]])
    noise = 0.05 * np.random.default_rng(0).normal(size=(120, 8))
    rows = on_the_sphere(on_the_sphere(np.repeat(centres, 40, axis=0)) + noise)
    labels = np.repeat([0, 0, 1], 40)
    part, swapped = Labelled(rows, labels), Labelled(rows, 1 - labels)
    names = ("neutral", "happiness")
    prototypes = fit_prototypes(rows, labels, names)
    found = shades.measure("made", {"train": part, "validation": part, "test": swapped}, prototypes, "made")
    assert [len(each.vectors) for each in found.mixtures] == [2, 1]
    validation, test = (found.recognition[name] for name in ("validation", "test"))
    assert validation["sub-prototype"].accuracy == 1 > validation["prototype"].accuracy
    assert test["sub-prototype"].accuracy == 0 < test["prototype"].accuracy
    assert found.better == "sub-prototype"
    assert "the nearest sub-prototype reads better and is what should ship: its macro F1 is 1.000" in shades.page(found)
