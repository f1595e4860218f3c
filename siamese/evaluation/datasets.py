"""A data set on disk and a reference set → the evidence of one protocol."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.evaluation.embeddings import embedded
from siamese.evaluation.protocols import Evidence, evaluate_embeddings
from siamese.metric.calibration import Calibration
from siamese.metric.prototypes import Prototypes
from siamese.metric.verification import Verification
from siamese.vocabulary import EMOTIONS

_UNKNOWN = "an expression that the reference set does not know"


def evaluate_dataset(
    dataset: str, root: str | Path, split: str, protocol: str, reference: str | Path, cache: str | Path = "cache"
) -> Evidence:
    """Measure the reference set in a folder on the labelled images of a split.

    Raises DatasetError when there is no such data set, and ReferenceSetError when the reference set cannot be read.
    """
    return evaluate_samples(load_for(dataset, root, split, protocol, reference), Path(reference), cache)


def load_for(dataset: str, root: str | Path, split: str, protocol: str, reference: str | Path) -> Samples:
    """The labelled images of a split that show what the reference set in a folder knows; others are left out.

    Raises DatasetError when there is no such data set, and ReferenceSetError when the reference set cannot be read.
    """
    names = Prototypes.load(Path(reference) / "prototypes.npz").names
    return known(load_dataset(dataset, root, split, protocol).labelled(), names)


def known(samples: Samples, names: Sequence[str]) -> Samples:
    """The labelled samples of these expressions; the others are counted as left out."""
    rows = np.flatnonzero([EMOTIONS[label] in names for label in samples.labels])
    if len(rows) == len(samples):
        return samples
    return replace(samples.take(rows), left_out={**samples.left_out, _UNKNOWN: len(samples) - len(rows)})


def labels_among(samples: Samples, names: Sequence[str]) -> NDArray[np.int64]:
    """The labels (n,) of samples of these expressions, as they index `names`."""
    index = {name: row for row, name in enumerate(names)}
    return np.array([index[EMOTIONS[label]] for label in samples.labels], dtype=np.int64)


def evaluate_samples(samples: Samples, reference: Path, cache: str | Path = "cache") -> Evidence:
    """Measure the reference set in a folder on labelled samples of expressions that it knows.

    Raises ReferenceSetError when the reference set cannot be read.
    """
    prototypes = Prototypes.load(reference / "prototypes.npz")
    return evaluate_embeddings(
        embedded(samples, reference, cache),
        labels_among(samples, prototypes.names),
        prototypes,
        Calibration.load(reference / "calibration.json"),
        Verification.load(reference / "verification.json"),
        samples.protocol,
    )
