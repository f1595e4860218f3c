"""The shades of each emotion, found on train, and recognition by the nearest of them beside the nearest prototype.

Settings are chosen on validation; test is only measured.

    python -m benchmarks.shades --dataset ferplus --root data/ferplus [--reference prototypes] [--cache cache] [--json]
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.evaluation import metrics
from siamese.evaluation.bootstrap import Interval, table_interval
from siamese.evaluation.datasets import labels_among, load_for
from siamese.evaluation.embeddings import embeddings
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.tables import table
from siamese.metric.mixtures import COVARIANCES, ClassMixture, ShadeSettings, fit_mixtures, shades_of
from siamese.metric.prototypes import Prototypes
from siamese.network.runtime import Embedder

_PARTS = ("train", "validation", "test")
_DIMENSIONS = (8, 16, 32)
_PROTOCOL = "majority"
_REFERENCE = Path("prototypes")
_PROTOTYPE, _SHADE = "prototype", "sub-prototype"
_PAGE = """\
## Shades of each emotion on {dataset}: {images:,} training images

```sh
python -m benchmarks.shades --dataset {dataset} --root data/{dataset}{reference} > docs/results/shades-{dataset}.md
```

Gaussian mixtures of at most {components} components on the embeddings by network `{network}`, in their first
{dimensions} principal directions: the number of components by BIC, the covariance type by the mean log likelihood of a
validation image, shown for each type that can work.

{mixtures}

Recognition on validation by the nearest sub-prototype, of mixtures in so many principal directions; those with the
highest macro F1, which counts each emotion alike, are kept.

{tried}

{recognition}

{verdict}"""


@dataclass(frozen=True)
class Recognition:
    """How well one way to recognise reads one part. Shares are 0…1; the interval is 95 % bootstrap percentiles."""

    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class ShadeEvidence:
    """What was measured: `tried` on validation, by dimensions; `recognition` by part, then by what is nearest."""

    dataset: str
    images: int
    network: str
    settings: ShadeSettings
    mixtures: tuple[ClassMixture, ...]
    tried: Mapping[int, Recognition]
    recognition: Mapping[str, Mapping[str, Recognition]]

    @property
    def better(self) -> str:
        """What reads validation with the higher macro F1; prototypes, which are simpler, where both are alike."""
        read = self.recognition["validation"]
        return max((_PROTOTYPE, _SHADE), key=lambda each: read[each].macro_f1)

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, ready for JSON."""
        mixtures = {
            each.name: {
                "images": each.examples,
                "components": len(each.vectors),
                "covariance": each.covariance,
                "held_out": dict(each.held_out),
            }
            for each in self.mixtures
        }
        return {**asdict(replace(self, mixtures=())), "mixtures": mixtures, "better_on_validation": self.better}


def measure(dataset: str, parts: Mapping[str, Labelled], prototypes: Prototypes, network: str) -> ShadeEvidence:
    """Fit shades on train in each number of dimensions, keep the best on validation, and read both parts with them."""
    train, validation = parts["train"], parts["validation"]
    settings = {dimensions: ShadeSettings(dimensions=dimensions) for dimensions in _DIMENSIONS}
    fitted = {
        dimensions: fit_mixtures(
            train.rows, train.labels, prototypes.names, validation.rows, validation.labels, settings[dimensions]
        )
        for dimensions in _DIMENSIONS
    }
    tried = {
        dimensions: recognition(validation.labels, shades_of(mixtures).nearest(validation.rows), prototypes.names)
        for dimensions, mixtures in fitted.items()
    }
    kept = max(tried, key=lambda dimensions: tried[dimensions].macro_f1)
    readers = {_PROTOTYPE: prototypes.nearest, _SHADE: shades_of(fitted[kept]).nearest}
    read = {
        name: {
            nearest: recognition(part.labels, answer(part.rows), prototypes.names)
            for nearest, answer in readers.items()
        }
        for name, part in parts.items()
        if name != "train"
    }
    return ShadeEvidence(dataset, len(train), network, settings[kept], fitted[kept], tried, read)


def recognition(labels: NDArray[np.int64], answers: NDArray[np.int64], names: Sequence[str]) -> Recognition:
    """The figures of answers (n,) to labels (n,), both of which index `names`."""
    counts = metrics.confusion(labels, answers, len(names))
    return Recognition(
        accuracy=float(metrics.accuracy(counts)),
        accuracy_interval=table_interval(counts, metrics.accuracy),
        balanced_accuracy=float(metrics.balanced_accuracy(counts)),
        macro_f1=float(metrics.macro_f1(counts)),
    )


def page(evidence: ShadeEvidence, reference: Path = _REFERENCE) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    settings = evidence.settings
    figures = ("accuracy", "95 % interval", "balanced", "macro F1")
    tried = ((f"{dimensions}", *_figures(each)) for dimensions, each in evidence.tried.items())
    read = (
        (f"nearest {nearest}, {part}", *_figures(each))
        for part, readers in evidence.recognition.items()
        for nearest, each in readers.items()
    )
    return _PAGE.format(
        dataset=evidence.dataset,
        reference="" if reference == _REFERENCE else f" --reference {reference}",
        images=evidence.images,
        network=evidence.network,
        components=settings.components,
        dimensions=settings.dimensions,
        mixtures=_mixture_table(evidence.mixtures),
        tried=table(("directions", *figures), tried),
        recognition=table(("recognition", *figures), read),
        verdict=_verdict(evidence),
    )


def _mixture_table(mixtures: Sequence[ClassMixture]) -> str:
    head = ("emotion", "training images", "components", "covariance", *COVARIANCES)
    rows = (
        (
            each.name,
            f"{each.examples:,}",
            f"{len(each.vectors)}",
            each.covariance or "–",
            *(f"{each.held_out[kind]:.1f}" if kind in each.held_out else "–" for kind in COVARIANCES),
        )
        for each in mixtures
    )
    return table(head, rows)


def _figures(measured: Recognition) -> tuple[str, ...]:
    low, high = measured.accuracy_interval
    shares = (measured.balanced_accuracy, measured.macro_f1)
    return (f"{measured.accuracy:.3f}", f"{low:.3f} to {high:.3f}", *(f"{share:.3f}" for share in shares))


def _verdict(evidence: ShadeEvidence) -> str:
    read = evidence.recognition["validation"]
    better, other = (_PROTOTYPE, _SHADE) if evidence.better == _PROTOTYPE else (_SHADE, _PROTOTYPE)
    return (
        f"On validation the nearest {better} reads better and is what should ship: its macro F1 is "
        f"{read[better].macro_f1:.3f} against {read[other].macro_f1:.3f}, its accuracy {read[better].accuracy:.3f} "
        f"against {read[other].accuracy:.3f}."
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help="a data set with train, validation and test")
    parser.add_argument("--root", required=True, help="its folder")
    parser.add_argument("--reference", type=Path, default=_REFERENCE, help="the reference set's folder")
    parser.add_argument("--cache", default="cache", help="where embeddings are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    prototypes = Prototypes.load(words.reference / "prototypes.npz")
    embedder = Embedder(words.reference / "network.onnx")
    parts = {}
    for part in _PARTS:
        samples = load_for(words.dataset, words.root, part, _PROTOCOL, words.reference)
        rows = embeddings(samples, embedder, words.cache)
        parts[part] = Labelled(rows, labels_among(samples, prototypes.names))
    evidence = measure(words.dataset, parts, prototypes, embedder.fingerprint)
    print(json.dumps(evidence.to_dict()) if words.json else page(evidence, words.reference))


if __name__ == "__main__":
    main()
