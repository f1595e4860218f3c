"""Figures: each is written as a PNG of a size to be read, with the evidence's numbers in it."""

import numpy as np
import pytest
from PIL import Image

from siamese.evaluation.figures import (
    confusion_figure,
    nearest_examples_figure,
    reliability_figure,
    roc_figure,
    tsne_figure,
)
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.protocols import evaluate_embeddings
from siamese.evaluation.retrieval import nearest_examples, some_of_each
from siamese.metric.calibration import UNCALIBRATED, reliability
from siamese.metric.verification import count_pairs


@pytest.fixture
def path(tmp_path):
    return tmp_path / "figure.png"


def assert_legible(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) >= 900
        assert len(picture.convert("RGB").getcolors(maxcolors=2**24)) > 20  # drawn, not blank


def test_the_confusion_is_drawn(judged, path):
    evidence = evaluate_embeddings(
        judged.embeddings, judged.labels, judged.prototypes, judged.calibration, judged.verification, "majority"
    )
    confusion_figure(evidence, path)
    assert_legible(path)


def test_reliability_is_drawn_before_and_after_calibration(judged, path):
    similarities = judged.prototypes.similarities(judged.embeddings)
    before, after = (
        reliability(calibration.probabilities(similarities), judged.labels)
        for calibration in (UNCALIBRATED, judged.calibration)
    )
    reliability_figure(before, after, path)
    assert_legible(path)


def test_the_roc_is_drawn(judged, path):
    roc_figure(count_pairs(judged.embeddings, judged.labels), judged.verification, path)
    assert_legible(path)


def test_embeddings_are_drawn_in_the_plane(judged, path):
    tsne_figure(judged.embeddings, judged.labels, judged.prototypes.names, path, limit=120)
    assert_legible(path)


def test_queries_are_drawn_before_their_nearest_examples_in_their_own_grey_levels(judged, path):
    """Each row's picture is of one grey level, which is found again in the figure, give or take its rounding."""
    levels = (np.arange(400) % 240 + 8).astype(np.uint8)
    images = Labelled(np.repeat(levels, 48 * 48).reshape(400, 48, 48), judged.labels)
    rows = some_of_each(judged.labels)
    neighbours = nearest_examples(judged.embeddings, rows)
    nearest_examples_figure(images, rows, neighbours, images, judged.prototypes.names, path)
    assert_legible(path)
    with Image.open(path) as picture:
        counts = np.bincount(np.asarray(picture.convert("L")).ravel(), minlength=256)
    shown = levels[np.concatenate([rows, neighbours.rows.ravel()])]
    assert all(counts[level - 1 : level + 2].sum() > 30_000 for level in shown)


def test_the_same_evidence_makes_the_same_file(judged, tmp_path):
    pairs = count_pairs(judged.embeddings, judged.labels)
    for name in ("one.png", "other.png"):
        roc_figure(pairs, judged.verification, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
