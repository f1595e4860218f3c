"""A reference set and a data set's validation part → the set's network in integers, and what that costs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.datasets.crops import crops
from siamese.evaluation.datasets import labels_among, load_for
from siamese.evaluation.labelled import Labelled
from siamese.manifest import add_to_manifest
from siamese.metric.prototypes import Prototypes
from siamese.network.quantisation import quantise
from siamese.network.runtime import NETWORK_FILES, Embedder

_CALIBRATED = 512  # crops at most


@dataclass(frozen=True)
class Quantised:
    """What a network in integers costs: shares (0…1) of so many images, not calibrated on, that are read right."""

    path: Path
    images: int
    accuracy: float
    accuracy_before: float


def quantise_reference(reference: Path, dataset: str, root: Path, cache: Path = Path("cache")) -> Quantised:
    """Write the reference set's network in integers beside it, calibrated on a part of validation.

    Accuracy is by the nearest prototype on the rest of it. Raises DatasetError where there is no validation part, and
    ReferenceSetError where there is no reference set.
    """
    prototypes = Prototypes.load(reference / "prototypes.npz")
    calibration, held_out = validation_halves(reference, dataset, root, prototypes, cache)
    before, after = (reference / NETWORK_FILES[precision] for precision in ("fp32", "int8"))
    quantise(before, after, calibration)
    add_to_manifest(reference, after.name)
    return Quantised(
        after, len(held_out), *(accuracy(Embedder(path), prototypes, held_out) for path in (after, before))
    )


def validation_halves(
    reference: Path, dataset: str, root: Path, prototypes: Prototypes, cache: Path
) -> tuple[NDArray[np.uint8], Labelled]:
    """Crops (n, 96, 96) of validation to calibrate on, at random and half of them at most; and the others, labelled."""
    samples = load_for(dataset, root, "validation", "majority", reference)
    found, labels = crops(samples, cache=cache), labels_among(samples, prototypes.names)
    rows = np.random.default_rng(0).permutation(len(found))
    drawn, rest = np.split(rows, [min(_CALIBRATED, len(rows) // 2)])
    return found[drawn], Labelled(found[rest], labels[rest])


def accuracy(embedder: Embedder, prototypes: Prototypes, images: Labelled) -> float:
    """The share of crops whose nearest prototype is that of their label; embeddings are not kept in a cache."""
    return float((prototypes.nearest(embedder.embed(images.rows)) == images.labels).mean())
