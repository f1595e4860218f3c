"""A reference set and a data set → everything that a paper prints of them, beside the evidence of one protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from siamese.datasets.catalogue import load_dataset, parts_of
from siamese.datasets.duplicates import copies_of
from siamese.datasets.samples import Samples
from siamese.errors import MeasurementError
from siamese.evaluation.classifiers import ClassifierEvidence, measure_classifiers
from siamese.evaluation.datasets import evaluate_samples, known, load_for
from siamese.evaluation.embeddings import embedded
from siamese.evaluation.folds import CrossValidation, cross_validate, cross_validate_leaky
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.protocols import Evidence
from siamese.evaluation.timing import Timing
from siamese.metric.prototypes import Prototypes
from siamese.network.runtime import Embedder
from siamese.vocabulary import EMOTIONS

_LEARNED = ("train", "validation")
_FOLDS = 10

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Study:
    """The evidence on one split by the network of this fingerprint, and what there is besides.

    `left_out` counts what the data set holds but was not measured, by reason. `without_copies` is the evidence on the
    images that have no near-copy in the other parts, also among their images without a label, from whose votes a
    network learns; `copies` have one; `classifiers` were fitted on the training part and chosen on validation; both
    are missing where a data set has no such parts, or on them.
    `cross_validation`, by subject and leaky, is there where subjects are known. `timing` is of the machine. What a set
    is too small for is missing too.
    """

    dataset: str
    split: str
    network: str
    evidence: Evidence
    left_out: Mapping[str, int]
    copies: int | None
    without_copies: Evidence | None
    classifiers: tuple[ClassifierEvidence, ...]
    cross_validation: tuple[CrossValidation, ...]
    timing: Timing | None

    def to_dict(self) -> dict[str, Any]:
        """The evidence's figures, and beside them the others, as plain values, ready for JSON."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "network": self.network,
            **self.evidence.to_dict(),
            "left_out": dict(self.left_out),
            "copies": self.copies,
            "without_copies": self.without_copies.to_dict() if self.without_copies else None,
            "classifiers": [each.to_dict() for each in self.classifiers],
            "cross_validation": [each.to_dict() for each in self.cross_validation],
            "timing": self.timing.to_dict() if self.timing else None,
        }


def study_dataset(
    dataset: str,
    root: str | Path,
    split: str,
    protocol: str,
    reference: str | Path,
    cache: str | Path = "cache",
    timing: Timing | None = None,
) -> Study:
    """Measure the reference set in a folder on a split of a data set, in every way there is. Takes minutes.

    `timing` is passed on as it is.

    Raises DatasetError when there is no such data set, ReferenceSetError when the reference set cannot be read, and
    MeasurementError when the split is too small even for the evidence.
    """
    reference = Path(reference)
    samples = load_for(dataset, root, split, protocol, reference)
    evidence = evaluate_samples(samples, reference, cache)
    copies: int | None = None
    without_copies: Evidence | None = None
    classifiers: tuple[ClassifierEvidence, ...] | None = None
    if split == "test" and set(_LEARNED) <= set(parts_of(dataset, root)):
        learned = [load_dataset(dataset, root, part, protocol) for part in _LEARNED]
        copied = copies_of(samples.images, np.concatenate([part.images for part in learned]))
        copies = int(copied.sum())
        others = samples.take(np.flatnonzero(~copied))
        without_copies = _if_enough(lambda: evaluate_samples(others, reference, cache))
        classifiers = _if_enough(lambda: _classifiers([*learned, samples], reference, cache))
    return Study(
        dataset=dataset,
        split=split,
        network=Embedder(reference / "network.onnx").fingerprint,
        evidence=evidence,
        left_out=samples.left_out,
        copies=copies,
        without_copies=without_copies,
        classifiers=classifiers or (),
        cross_validation=_if_enough(lambda: cross_validations(samples, reference, cache)) or (),
        timing=timing,
    )


def cross_validations(samples: Samples, reference: Path, cache: str | Path) -> tuple[CrossValidation, ...]:
    """Prototypes from nine tenths of the data set, measured on the rest: by subject, and leaky to show the difference.

    None where fewer than ten people are known.
    """
    if len(set(samples.subjects)) < _FOLDS:
        return ()
    part = _labelled(samples, reference, cache)
    by_subject = cross_validate(part.rows, part.labels, samples.subjects, EMOTIONS, _FOLDS)
    return by_subject, cross_validate_leaky(part.rows, part.labels, EMOTIONS, _FOLDS)


def _if_enough(measure: Callable[[], Measured]) -> Measured | None:
    """What is measured, or None where there are too few images, or too few classes, for it."""
    try:
        return measure()
    except MeasurementError:
        return None


def _classifiers(parts: Sequence[Samples], reference: Path, cache: str | Path) -> tuple[ClassifierEvidence, ...]:
    names = Prototypes.load(reference / "prototypes.npz").names
    train, validation, test = (_labelled(known(part.labelled(), names), reference, cache) for part in parts)
    return measure_classifiers(train, validation, test)


def _labelled(samples: Samples, reference: Path, cache: str | Path) -> Labelled:
    return Labelled(embedded(samples, reference, cache), samples.labels)
