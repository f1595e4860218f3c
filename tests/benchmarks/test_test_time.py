"""Choices at test time on drawn faces: the shipped one is the service's; page and JSON tell the same figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import speed, test_time
from benchmarks.spoiling import CLEAN, SPOILINGS
from benchmarks.views import CHOICES, SHIPPED
from siamese.datasets.crops import crops, transforms
from siamese.datasets.samples import Samples
from siamese.evaluation import datasets
from siamese.metric.prototypes import Prototypes
from siamese.network.runtime import Embedder
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Three faces of each emotion, small as FER+'s."""
    labels = np.repeat(np.arange(len(EMOTIONS)), 3)
    drawn = (Image.fromarray(draw_face(int(label), seed, 48)).convert("L") for seed, label in enumerate(labels))
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
    sources = tuple(f"{number}" for number in range(len(labels)))
    return Samples("ferplus", "validation", "majority", np.stack([*map(np.asarray, drawn)]), targets, labels, sources)


@pytest.fixture(scope="module")
def embedder(reference: Path) -> Embedder:
    return Embedder(reference / "network.onnx", threads=1)


def test_the_shipped_choice_is_how_the_service_reads(samples: Samples, embedder: Embedder, tmp_path: Path):
    looks = test_time.looks_at(samples, embedder, tmp_path)
    inputs = crops(samples, cache=tmp_path)
    for choice, mirror in ((SHIPPED, True), ("plain", False)):
        found = test_time.embedding_of(looks, CHOICES[choice])
        np.testing.assert_allclose(found, embedder.embed(inputs, mirror), atol=1e-5)


@pytest.mark.parametrize("choice", CHOICES)
def test_one_face_is_read_as_many_are(choice: str, samples: Samples, embedder: Embedder, tmp_path: Path):
    few = samples.take([0, 9])
    many = test_time.embedding_of(test_time.looks_at(few, embedder, tmp_path), CHOICES[choice])
    np.testing.assert_allclose(np.linalg.norm(many, axis=1), 1, atol=1e-5)
    for image, transform, expected in zip(few.images, transforms(few, cache=tmp_path), many, strict=True):
        np.testing.assert_allclose(test_time.read(image, transform, embedder, CHOICES[choice]), expected, atol=1e-5)


def test_choices_are_a_page_with_its_command_and_json(
    samples: Samples,
    embedder: Embedder,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(datasets, "load_dataset", lambda *_: samples)
    monkeypatch.setattr(speed, "_REST", 0)
    words = ["--root", "faces", "--reference", str(reference), "--limit", "20", "--cache", str(tmp_path / "cache")]
    words += ["--repeats", "1"]
    test_time.main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["images"] == 20 and list(found["copies"]) == list(SPOILINGS)
    for name, copies in found["copies"].items():
        assert 0 <= copies["no_face"] <= 1 and list(copies["choices"]) == list(CHOICES)
        shipped = copies["choices"][SHIPPED]
        for each in copies["choices"].values():
            assert each["all"]["points"] == pytest.approx(100 * (each["accuracy"] - shipped["accuracy"]))
            halves = (each["choosing"]["points"] + each["confirming"]["points"]) / 2
            assert each["all"]["points"] == pytest.approx(halves), name

    drawn = samples.take(np.random.default_rng(0).permutation(len(samples))[:20])
    answers = Prototypes.load(reference / "prototypes.npz").nearest(embedder.embed(crops(drawn, cache=tmp_path)))
    clean = found["copies"][CLEAN]["choices"]
    assert clean[SHIPPED]["accuracy"] == pytest.approx((answers == drawn.labels).mean())
    assert found["times_as_long"][SHIPPED] == 1 and all(each > 0 for each in found["milliseconds"].values())

    test_time.main(words)
    page = capsys.readouterr().out
    assert page.startswith("## Choices at test time, on ferplus, validation: 20 images")
    assert "--root data/ferplus --limit 20 --repeats 1 > docs/results/test-time.md" in page
    for choice, each in clean.items():
        assert f"| {choice} | {100 * each['accuracy']:.2f} | {each['all']['points']:+.2f} (" in page
    for name in SPOILINGS:
        assert f"| {name} |" in page
    assert f"{len(found['picks'])} w" in page
