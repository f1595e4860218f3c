"""A data set on disk and a reference set → the evidence of one protocol."""

from pathlib import Path

from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.evaluation.embeddings import embeddings
from siamese.evaluation.protocols import Evidence, evaluate_embeddings
from siamese.metric.calibration import Calibration
from siamese.metric.prototypes import Prototypes
from siamese.metric.verification import Verification
from siamese.network.runtime import Embedder


def evaluate_dataset(
    dataset: str, root: str | Path, split: str, protocol: str, reference: str | Path, cache: str | Path = "cache"
) -> Evidence:
    """Measure the reference set in a folder on the labelled images of a split.

    Raises DatasetError when there is no such data set, and ReferenceSetError when the reference set cannot be read.
    """
    return evaluate_samples(load_dataset(dataset, root, split, protocol).labelled(), Path(reference), cache)


def evaluate_samples(samples: Samples, reference: Path, cache: str | Path = "cache") -> Evidence:
    """Measure the reference set in a folder on samples that all have a label.

    Raises ReferenceSetError when the reference set cannot be read.
    """
    return evaluate_embeddings(
        embeddings(samples, Embedder(reference / "network.onnx"), cache),
        samples.labels,
        Prototypes.load(reference / "prototypes.npz"),
        Calibration.load(reference / "calibration.json"),
        Verification.load(reference / "verification.json"),
        samples.protocol,
    )
