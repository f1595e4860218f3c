"""How well `fer` and face-api read the same pictures, in the same run: what is right, how evenly, and how honestly.

pip install -r requirements-peers.txt                                  # for `fer`; without it, it is left out
npm install --prefix .cache @vladmandic/face-api@1.7.15                # and face-api, which wants Chromium
python -m benchmarks.peers --ferplus data/ferplus --ckplus data/ckplus [--limit 200] [--json]
"""

import argparse
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch  # noqa: F401  (before TensorFlow, which `fer` imports: after it, torch cannot be loaded)
from numpy.typing import NDArray

from benchmarks.peer_readers import ENLARGED, FACE_API, FER, SHARED, Reader, face_api_reader, fer_reader
from siamese.datasets.catalogue import load_dataset
from siamese.datasets.crops import detections
from siamese.datasets.samples import Samples
from siamese.evaluation import metrics
from siamese.evaluation.bootstrap import Interval, table_interval
from siamese.evaluation.datasets import known, labels_among
from siamese.evaluation.embeddings import embeddings
from siamese.evaluation.tables import table
from siamese.metric.calibration import Calibration, expected_calibration_error
from siamese.metric.prototypes import Prototypes
from siamese.network.runtime import Embedder
from tests.browser import chromium

OURS, WHOLE, FACE = "Semblance", "whole picture", "the face's box"
_LOUD = ("neutral", "happiness")  # what peers' users say everything comes out as
_PROTOCOL = "majority"
_PACKAGE = Path(".cache/node_modules/@vladmandic/face-api")
_PAGE = """\
## The same pictures read by peers

```sh
pip install -r requirements-peers.txt && npm install --prefix .cache @vladmandic/face-api@1.7.15
python -m benchmarks.peers --ferplus data/ferplus --ckplus data/ckplus{options} > docs/results/peers.md
```

All choose among the seven expressions that all know; contempt is left out of pictures and of answers. The pictures are
grey and 48 pixels wide. Peers get them {enlarged} times as large, once whole and once with the box of the face that
facenet-pytorch's networks find; Semblance gets the picture and finds the face by itself. FER+'s test part is new to
Semblance; `fer` learned from FER2013, which holds the same pictures with labels of its own, and does not say from which
part. Of CK+, Semblance has seen nothing; what face-api learned from is not stated, so that it may have seen either set.

«Neutral or happy» is the share of answers that are one of these, beside the share of pictures that are; ECE is the
expected calibration error: by how much a confidence misses the share that is right.

{sections}"""


@dataclass(frozen=True)
class Reading:
    """How one reader reads one set, in shares of 0…1; the interval is 95 % bootstrap percentiles."""

    accuracy: float
    accuracy_interval: Interval
    balanced_accuracy: float
    macro_f1: float
    neutral_or_happy: float
    confidence: float
    ece: float
    recall: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """One set, read by all: how many pictures of it, the share of these that is neutral or happy, and each reader."""

    images: int
    neutral_or_happy: float
    readings: Mapping[str, Reading]


def compare(samples: Samples, readers: Mapping[str, Reader], reference: Path, cache: Path) -> Comparison:
    """Let everybody read the labelled samples whose expression all know."""
    samples = known(samples.labelled(), SHARED)
    labels = labels_among(samples, SHARED)
    answers = {OURS: ours(samples, reference, cache)}
    boxes = {WHOLE: whole_boxes(samples), FACE: face_boxes(samples, cache)}
    for name, read in readers.items():
        for what, given in boxes.items():
            answers[f"{name}, {what}"] = read(samples.images, given)
    readings = {name: reading(answer, labels) for name, answer in answers.items()}
    return Comparison(len(samples), _neutral_or_happy(labels), readings)


def ours(samples: Samples, reference: Path, cache: Path) -> NDArray[np.float64]:
    """The calibrated probabilities (n, 7) of the reference set in a folder, contempt left out."""
    prototypes = Prototypes.load(reference / "prototypes.npz")
    rows = embeddings(samples, Embedder(reference / "network.onnx"), cache)
    calibration = Calibration.load(reference / "calibration.json")
    columns = [prototypes.names.index(name) for name in SHARED]
    found = calibration.probabilities(prototypes.similarities(rows))[:, columns]
    return found / found.sum(axis=1, keepdims=True)


def whole_boxes(samples: Samples) -> NDArray[np.float32]:
    """A box (n, 4) around each whole picture."""
    height, width = samples.images.shape[1:3]
    return np.tile(np.float32([0, 0, width, height]), (len(samples), 1))


def face_boxes(samples: Samples, cache: Path) -> NDArray[np.float32]:
    """The box (n, 4) of each picture's face; around the whole picture where none is found."""
    found = detections(samples, cache)
    return np.where(found.found[:, None], found.boxes, whole_boxes(samples)).astype(np.float32)


def reading(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> Reading:
    """The figures of answers (n, 7) to labels (n,), both of which follow `SHARED`."""
    answers = probabilities.argmax(axis=1)
    counts = metrics.confusion(labels, answers, len(SHARED))
    recalls = zip(SHARED, metrics.recalls(counts), strict=True)
    return Reading(
        accuracy=float(metrics.accuracy(counts)),
        accuracy_interval=table_interval(counts, metrics.accuracy),
        balanced_accuracy=float(metrics.balanced_accuracy(counts)),
        macro_f1=float(metrics.macro_f1(counts)),
        neutral_or_happy=_neutral_or_happy(answers),
        confidence=float(probabilities.max(axis=1).mean()),
        ece=expected_calibration_error(probabilities, labels),
        recall={name: float(each) for name, each in recalls if np.isfinite(each)},
    )


def _neutral_or_happy(labels: NDArray[np.int64]) -> float:
    return float(np.isin(labels, [SHARED.index(name) for name in _LOUD]).mean())


def page(found: Mapping[str, Comparison], options: str = "") -> str:
    """What was measured, as Markdown with the commands that measure it again."""
    sections = "\n\n".join(_section(name, comparison) for name, comparison in found.items())
    return _PAGE.format(options=options, enlarged=ENLARGED, sections=sections)


def _section(name: str, found: Comparison) -> str:
    head = ("reader", "accuracy", "95 % interval", "balanced", "macro F1", "neutral or happy", "mean confidence", "ECE")
    rows = ((reader, *_figures(each)) for reader, each in found.readings.items())
    expressions = list(next(iter(found.readings.values())).recall)
    recalls = (
        (reader, *(f"{each.recall[expression]:.2f}" for expression in expressions))
        for reader, each in found.readings.items()
    )
    return (
        f"{name}: {found.images:,} pictures, {found.neutral_or_happy:.0%} of them neutral or happy.\n\n"
        f"{table(head, rows)}\n\n{table(('recall', *expressions), recalls)}"
    )


def _figures(each: Reading) -> tuple[str, ...]:
    return (
        f"{each.accuracy:.3f}",
        "{:.3f} to {:.3f}".format(*each.accuracy_interval),
        f"{each.balanced_accuracy:.3f}",
        f"{each.macro_f1:.3f}",
        f"{each.neutral_or_happy:.0%}",
        f"{each.confidence:.3f}",
        f"{each.ece:.3f}",
    )


def _readers(package: Path, stack: ExitStack) -> dict[str, Reader]:
    """The peers that are installed; of others it is said how to install them."""
    found: dict[str, Reader] = {}
    try:
        found[FER] = fer_reader()
    except ImportError as error:
        print(f"{FER} is left out ({error}): pip install -r requirements-peers.txt", file=sys.stderr)
    if chromium.PATH is None:
        print(f"{FACE_API} is left out: it runs in Chromium, which is not installed", file=sys.stderr)
    elif not package.is_dir():
        print(f"{FACE_API} is left out: there is no {package}, see --help", file=sys.stderr)
    else:
        found[FACE_API] = stack.enter_context(face_api_reader(package))
    return found


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ferplus", help="the folder of FER+, whose test part is read")
    parser.add_argument("--ckplus", help="the folder of CK+, all of which is read")
    parser.add_argument("--limit", type=int, default=0, help="pictures of each, at random; 0 takes all")
    parser.add_argument("--face-api", type=Path, default=_PACKAGE, help="the unpacked npm package")
    parser.add_argument("--reference", type=Path, default=Path("prototypes"), help="the reference set's folder")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="where faces and embeddings are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    sets = {}
    if words.ferplus:
        sets["FER+, test, by majority"] = load_dataset("ferplus", words.ferplus, "test", _PROTOCOL)
    if words.ckplus:
        sets["CK+"] = load_dataset("ckplus", words.ckplus, "all")
    if not sets:
        parser.error("give --ferplus, --ckplus, or both")
    with ExitStack() as stack:
        readers = _readers(words.face_api, stack)
        found = {
            name: compare(_some(samples.labelled(), words.limit), readers, words.reference, words.cache)
            for name, samples in sets.items()
        }
    if words.json:
        print(json.dumps({name: asdict(each) for name, each in found.items()}))
        return
    print(page(found, f" --limit {words.limit}" if words.limit else ""))


def _some(samples: Samples, limit: int) -> Samples:
    if not 0 < limit < len(samples):
        return samples
    return samples.take(np.sort(np.random.default_rng(0).permutation(len(samples))[:limit]))


if __name__ == "__main__":
    main()
