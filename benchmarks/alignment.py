"""How much alignment gains: one table of validation figures for aligned crops, plain box crops and whole images.

The face weights' features, frozen, and a linear discriminant on each kind of crop of FER+'s training part, measured on
its validation part. The features are the same; only the way in which the face is cut out differs.

    python -m benchmarks.alignment ROOT FACE_WEIGHTS [--write docs/ALIGNMENT.md] [--json]
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from siamese.datasets import crops, ferplus
from siamese.datasets.samples import Samples
from siamese.evaluation.tables import table
from siamese.network.backbones import MobileNetFaces
from siamese.network.face_weights import load_face_weights
from siamese.training.augment import cut
from siamese.training.precision import autocast

_MEASURING_CROPS = 512
_BATCH = 128
_FIGURES = ("accuracy", "balanced accuracy")
_PAGE = """\
# What alignment gains

FER+, validation part, majority protocol. Features of the face weights, frozen, and a linear discriminant learned from
{limit} training images, on each kind of crop: *aligned* by five landmarks to the template, the detector's *box* made
square, and the *whole* 48×48 image. Where no face is detected, all three take the whole image. Written by
`python -m benchmarks.alignment ROOT FACE_WEIGHTS --write docs/ALIGNMENT.md`.

{table}

Semblance trains on and reads aligned crops.
"""


def features(backbone: MobileNetFaces, pixels: torch.Tensor) -> NDArray[np.float32]:
    """The backbone's features (n, 1024) of crops (n, 1, 96, 96)."""
    with torch.inference_mode(), autocast():
        parts = [part.contiguous(memory_format=torch.channels_last) for part in pixels.split(_BATCH)]
        return torch.cat([backbone(part).float() for part in parts]).numpy()


def inputs(samples: Samples, kind: str) -> torch.Tensor:
    """Crops of a kind, (n, 1, 96, 96) in 0…1."""
    return cut(torch.from_numpy(samples.images), torch.from_numpy(crops.transforms(samples, kind)))


def measure(root: str, weights: str, kind: str, limit: int) -> tuple[float, float]:
    """Accuracy and balanced accuracy on validation, learned from `limit` random training images."""
    train, validation = (ferplus.load(root, split).labelled() for split in ("train", "validation"))
    rows = np.random.default_rng(0).permutation(len(train))[:limit]
    train_crops = inputs(train, kind)[rows]
    backbone = MobileNetFaces()
    load_face_weights(backbone, weights, train_crops[:_MEASURING_CROPS])
    backbone.eval().to(memory_format=torch.channels_last)
    classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    classifier.fit(features(backbone, train_crops), train.labels[rows])
    answers = classifier.predict(features(backbone, inputs(validation, kind)))
    return accuracy_score(validation.labels, answers), balanced_accuracy_score(validation.labels, answers)


def rows(found: Mapping[str, tuple[float, float]]) -> str:
    """The table as Markdown."""
    lines = ((kind, *(f"{figure:.1%}" for figure in figures)) for kind, figures in found.items())
    return table(("crop", *_FIGURES), lines)


def main(arguments: list[str] | None = None) -> None:
    """Print the table, or one JSON object, and write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", help="folder of FER+")
    parser.add_argument("weights", help="npz with the face weights")
    parser.add_argument("--write", type=Path, help="Markdown file to write the table to")
    parser.add_argument("--limit", type=int, default=8000, help="training images (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    found = {kind: measure(words.root, words.weights, kind, words.limit) for kind in crops.KINDS}
    if words.json:
        named = {kind: dict(zip(_FIGURES, figures, strict=True)) for kind, figures in found.items()}
        print(json.dumps({"limit": words.limit, "crops": named}))
    else:
        print(rows(found))
    if words.write:
        words.write.write_text(_PAGE.format(table=rows(found), limit=f"{words.limit:,}"))


if __name__ == "__main__":
    main()
