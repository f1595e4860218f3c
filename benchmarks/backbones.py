"""Backbones compared on CK+: each trained with contrastive loss, beside the fit of labels, at the same settings.

In ten folds by subject, as it should be, and at random, as the literature often has it: there the near-copies of a
sequence lie on both sides. Each network starts from nothing, or from what `--initial NAME=FILE` says. The embeddings of
a fold are kept under `--out`, so that a run that was cut short goes on where it ended.

    python -m benchmarks.backbones --root data/ckplus [--backbones …] [--initial mobilenet=FILE …] [--json]

To use two cores best, run it for one backbone in each of two processes with `OMP_NUM_THREADS=1`, then for all.
"""

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from rich.console import Console
from sklearn.preprocessing import normalize

from siamese.datasets import crops
from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.evaluation.folds import CrossValidation, cross_validate_training, cross_validate_training_leaky
from siamese.evaluation.tables import table
from siamese.network.twin import TwinNetwork
from siamese.training.config import TrainingConfig
from siamese.training.data import TrainingData, framed
from siamese.training.guard import JUDGED, collapsed, spread
from siamese.training.trainer import Trainer, make_fabric
from siamese.training.validation import embed
from siamese.vocabulary import EMOTIONS

BACKBONES = ("resnet50", "mobilenet", "efficientnet_lite0")
FOLDS, LEAKY_FOLDS = 10, 5
_SEEN = 4  # of so many training images one is looked at for a collapse
RECIPE = TrainingConfig(
    dataset="ckplus",
    metric_loss="contrastive",
    metric_weight=1.0,
    sampler="balanced",
    samples_per_class=6,
    erasing=0.0,
    epochs=4,
    average_decay=0.95,  # of few steps
)
_PAGE = """\
## Backbones on ckplus: contrastive loss, {epochs} epochs

```sh
python -m benchmarks.backbones --root data/ckplus{options} > docs/results/backbones-ckplus.md
```

Contrastive loss and cross-entropy with the labels count alike. A published comparison with contrastive loss, whose
split is not stated, has these figures (accuracy by prototypes, ROC-AUC, EER, margin): ResNet50 0.330, 0.649, 0.411,
0.026; MobileNet 0.801, 0.862, 0.268, 0.154; EfficientNet 0.217, 0.493, 0.554, 2e-6. Networks that start from FER+ need
not have been trained on it for as long, so that ranks are of these networks, not of their makes.

{table}"""


class Comparison:
    """The images of CK+ in memory, and what trains a network on some of them.

    With `mirror`, an embedding is the normalised mean over a crop and its mirror image.
    """

    def __init__(self, samples: Samples, config: TrainingConfig, out: Path, mirror: bool = False) -> None:
        self.samples, self._config, self._out, self._mirror = samples, config, out, mirror
        self._fabric: Fabric = make_fabric(config)
        images, transforms = framed(samples, crops.transforms(samples, config.crops, config.cache))
        tensors = map(torch.from_numpy, (images, transforms, samples.targets, samples.labels, samples.labels))
        self._data = TrainingData(*tensors)
        self._crops = self._data.crops(slice(None))

    def embeddings(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings (n, embedding_size) of all images by a network trained on these rows; once each."""
        path = self._out / f"{self._config.backbone}-{self._recipe(rows)}.npy"
        if not path.is_file():
            self._out.mkdir(parents=True, exist_ok=True)
            np.save(path, self._read(self._trained(rows)), allow_pickle=False)
        return np.load(path, allow_pickle=False)

    def _read(self, network: TwinNetwork) -> NDArray[np.float32]:
        embeddings = embed(network, self._crops)
        if self._mirror:
            embeddings = normalize(embeddings + embed(network, self._crops.flip(-1)))
        return embeddings

    def _recipe(self, rows: NDArray[np.int64]) -> str:
        """A name for all that a fold's embeddings depend on: settings, rows, images and the weights it begins with."""
        settings = json.dumps([dataclasses.asdict(self._config), self._mirror], sort_keys=True)
        digest = hashlib.sha256(settings.encode() + rows.tobytes() + self._data.images.numpy().tobytes())
        if self._config.initial_weights:
            digest.update(Path(self._config.initial_weights).read_bytes())
        return digest.hexdigest()[:12]

    def _trained(self, rows: NDArray[np.int64]) -> TwinNetwork:
        columns = (getattr(self._data, field.name)[rows] for field in dataclasses.fields(TrainingData))
        trainer = Trainer(self._config, TrainingData(*columns), self._fabric)
        measured, seen = [], rows[::_SEEN]
        for epoch in range(self._config.epochs):
            for _ in trainer.epoch():
                pass
            if epoch >= self._config.epochs - JUDGED:
                trainer.settle()
                measured.append(spread(embed(trainer.averaged, self._crops[seen]), self.samples.labels[seen]))
            trainer.end_epoch({"score": 0.0})  # nothing is chosen by it
        if collapsed(measured, self._config.collapse):
            Console(stderr=True).print(f"{self._config.backbone} has collapsed: {measured[-1]}")
        return trainer.averaged


def compare(
    samples: Samples,
    config: TrainingConfig,
    initial: Mapping[str, str],
    names: Sequence[str],
    out: Path,
    folds: tuple[int, int],
) -> dict[str, tuple[CrossValidation, CrossValidation]]:
    """For each backbone, what it reaches by subject and leaky, each with its number of folds."""
    found = {}
    for name in names:
        own = dataclasses.replace(config, backbone=name, initial_weights=initial.get(name, ""))
        embeddings = Comparison(samples, own, out).embeddings
        by_subject = cross_validate_training(embeddings, samples.labels, samples.subjects, EMOTIONS, folds[0])
        leaky = cross_validate_training_leaky(embeddings, samples.labels, EMOTIONS, folds[1])
        found[name] = by_subject, leaky
    return found


def page(
    found: Mapping[str, tuple[CrossValidation, ...]], initial: Mapping[str, str], config: TrainingConfig, options: str
) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    figures = ("accuracy", "balanced_accuracy", "roc_auc", "eer", "margin")
    rows = (
        (
            f"`{name}`",
            "FER+" if name in initial else "nothing",
            f"{each.split}, {len(each.folds)}",
            *(f"{each.mean[figure]:.3f} ± {each.deviation[figure]:.3f}" for figure in figures),
        )
        for name, both in found.items()
        for each in both
    )
    head = ("backbone", "from", "folds", "accuracy", "balanced", "ROC-AUC", "EER", "margin")
    return _PAGE.format(epochs=config.epochs, options=options, table=table(head, rows))


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the folder of CK+")
    parser.add_argument("--backbones", nargs="+", default=BACKBONES, help="backbones to compare, by name")
    parser.add_argument("--initial", nargs="*", default=[], metavar="NAME=FILE", help="weights to start one from")
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs, help="passes over the training folds")
    parser.add_argument("--folds", type=int, default=FOLDS, help="by subject")
    parser.add_argument("--leaky-folds", type=int, default=LEAKY_FOLDS, help="at random")
    parser.add_argument("--out", type=Path, default=Path("runs/backbones"), help="folder that keeps folds' embeddings")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    initial: dict[str, str] = dict(each.split("=", 1) for each in words.initial)
    config = dataclasses.replace(RECIPE, epochs=words.epochs)
    samples = load_dataset("ckplus", words.root, "all")
    found = compare(samples, config, initial, words.backbones, words.out, (words.folds, words.leaky_folds))
    if words.json:
        answer: dict[str, Any] = {name: [each.to_dict() for each in both] for name, both in found.items()}
        print(json.dumps(answer))
        return
    options = f" --backbones {' '.join(words.backbones)}" if tuple(words.backbones) != BACKBONES else ""
    options += f" --initial {' '.join(words.initial)}" if initial else ""
    options += f" --epochs {words.epochs}" if words.epochs != RECIPE.epochs else ""
    print(page(found, initial, config, options))


if __name__ == "__main__":
    main()
