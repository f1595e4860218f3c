"""What each part of the recipe is worth: networks trained alike but for one choice, as one table.

Cross-entropy against a metric loss, each on data as they come and on batches balanced by class; and plain networks
that start from nothing. Each run is one of `train_siamese.py` and goes on where it was cut short; its best epoch is
chosen on validation. Recognition is by the nearest prototype of up to 200 training images an expression and, where
cross-entropy was learned from, by the softmax that it fitted too, as papers read such networks.

    python -m benchmarks.ablations --dataset ferplus --root data/ferplus --weights mobilenet_vggface2.npz [--json]
"""

import argparse
import dataclasses
import json
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from siamese.datasets.catalogue import load_dataset
from siamese.datasets.crops import crops
from siamese.evaluation.tables import table
from siamese.network.twin import TwinNetwork, load_network
from siamese.training.config import TrainingConfig
from siamese.training.data import LabelledCrops, load_parts
from siamese.training.loop import train
from siamese.training.run_folder import BEST, CONFIG
from siamese.training.validation import embed, validate

_CROSS_ENTROPY: Mapping[str, Any] = {"metric_weight": 0.0}
_TRIPLET: Mapping[str, Any] = {"auxiliary_weight": 0.0, "metric_weight": 1.0}
_NATURAL: Mapping[str, Any] = {"sampler": "natural"}
_BALANCED: Mapping[str, Any] = {"sampler": "balanced", "samples_per_class": 10}
_PLAIN: Mapping[str, Any] = {**_CROSS_ENTROPY, **_NATURAL}
_MIXED: Mapping[str, Any] = {"sampler": "mixed"}


@dataclass(frozen=True)
class Ablation:
    """A row of the table: how the run differs from the recipe, and how many times longer it takes."""

    settings: Mapping[str, Any]
    from_nothing: bool = False
    times: int = 1


ABLATIONS: dict[str, Ablation] = {
    "cross-entropy, as data come": Ablation(_PLAIN),
    "cross-entropy, balanced": Ablation({**_CROSS_ENTROPY, **_BALANCED}),
    "triplet, as data come": Ablation({**_TRIPLET, **_NATURAL}),
    "triplet, balanced": Ablation({**_TRIPLET, **_BALANCED}),
    "both, mixed (the recipe)": Ablation(_MIXED),
    "three convolutions, cross-entropy": Ablation({**_PLAIN, "backbone": "cnn"}, from_nothing=True, times=20),
    "half ResNet18, cross-entropy": Ablation({**_PLAIN, "backbone": "resnet18_half"}, from_nothing=True, times=8),
}
_BY_SOFTMAX = ("softmax_accuracy", "softmax_balanced_accuracy")
_FIGURES = ("accuracy", "balanced_accuracy", *_BY_SOFTMAX, "roc_auc", "margin", "effective_rank")
_PAGE = """\
## What each part is worth, on {dataset}, test: {images:,} images

```sh
python -m benchmarks.ablations --dataset {dataset} --root data/{dataset}{options} > docs/results/ablations-{dataset}.md
```

Equal but for what is named; the nearest prototype of up to 200 training images an expression, and where cross-entropy
was learned from, the softmax that it fitted.
{start}

{table}"""


def run_of(config: TrainingConfig, name: str, weights: str) -> TrainingConfig:
    """The configuration of one row's run, in a folder of its own below `config.out`."""
    ablation = ABLATIONS[name]
    return dataclasses.replace(
        config,
        **ablation.settings,
        initial_weights="" if ablation.from_nothing else weights,
        epochs=config.epochs * ablation.times,
        out=str(Path(config.out) / name.replace(" ", "-").replace(",", "")),
    )


def measure(config: TrainingConfig) -> dict[str, float]:
    """Train, or go on, and measure the best network on test."""
    out = train(config, resume=(Path(config.out) / CONFIG).is_file())
    test = load_dataset(config.dataset, config.data, "test").labelled()
    pixels = torch.from_numpy(crops(test, config.crops, config.cache))[:, None] / 255
    data, _ = load_parts(config)
    network, crops_of_test = load_network(out / BEST), LabelledCrops(pixels, test.labels)
    figures = validate(network, data.examples(), crops_of_test)
    return {**figures, **by_softmax(network, crops_of_test)} if config.auxiliary_weight else figures


@torch.no_grad()
def by_softmax(network: TwinNetwork, test: LabelledCrops) -> dict[str, float]:
    """How often the softmax over the proxies is right, among the expressions that the data have.

    The classes' frequencies, which training adds to its logits, are left out, as for every network here.
    """
    present = np.unique(test.labels)
    proxies = F.normalize(network.proxies[present], dim=1).numpy()
    answers = present[(embed(network, test.crops) @ proxies.T).argmax(axis=1)]
    measures = (accuracy_score, balanced_accuracy_score)
    return {name: float(measure(test.labels, answers)) for name, measure in zip(_BY_SOFTMAX, measures, strict=True)}


def page(found: Mapping[str, Mapping[str, float]], dataset: str, images: int, options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    rows = ((name, *(_shown(figures.get(figure)) for figure in _FIGURES)) for name, figures in found.items())
    head = ("trained with", *(figure.replace("_", " ") for figure in _FIGURES))
    return _PAGE.format(dataset=dataset, images=images, options=options, start=_start(found), table=table(head, rows))


def _shown(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.3f}"


def _start(names: Collection[str]) -> str:
    faces = sum(not ABLATIONS[name].from_nothing for name in names)
    first = f"The first {faces} start from weights trained on faces, the others are " if faces else "All were "
    return f"{first}trained from nothing, for several times as many epochs."


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """Options for a benchmark that trains these rows."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help="a data set with train, validation and test")
    parser.add_argument("--root", required=True, help="its folder")
    parser.add_argument("--weights", default="", help="face weights to start from, or nothing")
    parser.add_argument("--epochs", type=int, default=3, help="of the rows that start from faces; others take more")
    parser.add_argument("--limit", type=int, default=0, help="train on this many images only")
    parser.add_argument("--out", default="runs/ablations", help="folder of the runs, which such benchmarks share")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def config_of(words: argparse.Namespace) -> TrainingConfig:
    """What all rows have in common, by those options."""
    out = str(Path(words.out) / words.dataset)
    return TrainingConfig(dataset=words.dataset, data=words.root, epochs=words.epochs, limit=words.limit, out=out)


def options_of(words: argparse.Namespace) -> str:
    """Those of the options that make a difference, as a page's command names them."""
    weights = f" --weights {Path(words.weights).name}" if words.weights else ""
    limit = f" --limit {words.limit}" if words.limit else ""
    return f"{weights} --epochs {words.epochs}{limit}"


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="+", default=list(ABLATIONS), choices=list(ABLATIONS), help="these rows alone")
    words = parser.parse_args(arguments)
    found = {name: measure(run_of(config_of(words), name, words.weights)) for name in words.only}
    if words.json:
        print(json.dumps(found))
        return
    images = len(load_dataset(words.dataset, words.root, "test").labelled())
    only = "" if words.only == list(ABLATIONS) else f" --only {shlex.join(words.only)}"
    print(page(found, words.dataset, images, options_of(words) + only))


if __name__ == "__main__":
    main()
