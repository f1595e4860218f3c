"""A reference set and a labelled set → the figures of its evidence, and pictures of nearest examples."""

from pathlib import Path

from siamese.datasets.samples import Samples
from siamese.evaluation.datasets import evaluate_samples, labels_among
from siamese.evaluation.embeddings import embedded
from siamese.evaluation.figures import (
    confusion_figure,
    nearest_examples_figure,
    reliability_figure,
    roc_figure,
    tsne_figure,
)
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.retrieval import nearest_examples, some_of_each
from siamese.metric.calibration import UNCALIBRATED, Calibration, reliability
from siamese.metric.prototypes import Prototypes
from siamese.metric.verification import Verification, count_pairs
from siamese.vocabulary import EMOTIONS

_QUERIES_PER_CLASS = 2


def draw_figures(samples: Samples, reference: Path, folder: Path, cache: str | Path = "cache") -> None:
    """Draw confusion, reliability, ROC and t-SNE of labelled samples of known expressions, a PNG each, to `folder`.

    No single face is in them. Raises ReferenceSetError when the reference set cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = embedded(samples, reference, cache)
    prototypes = Prototypes.load(reference / "prototypes.npz")
    similarities, labels = prototypes.similarities(rows), labels_among(samples, prototypes.names)
    calibrations = UNCALIBRATED, Calibration.load(reference / "calibration.json")
    before, after = (reliability(each.probabilities(similarities), labels) for each in calibrations)
    verification = Verification.load(reference / "verification.json")
    confusion_figure(evaluate_samples(samples, reference, cache), folder / "confusion.png")
    reliability_figure(before, after, folder / "reliability.png")
    roc_figure(count_pairs(rows, samples.labels), verification, folder / "roc.png")
    tsne_figure(rows, samples.labels, EMOTIONS, folder / "tsne.png")


def draw_nearest(samples: Samples, reference: Path, path: Path, cache: str | Path = "cache", k: int = 5) -> None:
    """Draw two images of each label, each with the k others most similar to it, to a PNG.

    It shows single faces: keep it to yourself. Raises ReferenceSetError when the reference set cannot be read, and
    MeasurementError when there are no others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = embedded(samples, reference, cache)
    pictures = Labelled(samples.images, samples.labels)
    queries = some_of_each(samples.labels, _QUERIES_PER_CLASS)
    nearest_examples_figure(pictures, queries, nearest_examples(rows, queries, k=k), pictures, EMOTIONS, path)
