"""When a network collapses on CK+, what the guard says of it, and which setting cures it: one table.

Each row is a run of `train_siamese.py` with contrastive loss from nothing, on nine tenths of the people; figures are of
the others, after its last epoch. A network has collapsed when it holds all faces for alike.

    python -m benchmarks.collapse --root data/ckplus [--backbones …] [--json]
"""

import argparse
import csv
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from siamese.errors import CollapseError
from siamese.evaluation.tables import table
from siamese.training.config import TrainingConfig
from siamese.training.loop import train
from siamese.training.losses import METRIC_LOSSES
from siamese.training.run_folder import CONFIG, CURVE

BACKBONES = ("resnet50", "efficientnet_b0")
RECIPE = TrainingConfig(
    dataset="ckplus",
    metric_loss="contrastive",
    metric_weight=1.0,
    auxiliary_weight=0.0,
    sampler="balanced",
    samples_per_class=6,
    near_copies="keep",  # of the three frames of a sequence
    erasing=0.0,
    average_decay=0.9,  # of few steps
    epochs=4,
)
SETTINGS: dict[str, Mapping[str, Any]] = {
    "contrastive alone, margin 0.05": {"margin": 0.05},
    "contrastive alone": {},
    "beside the auxiliary term": {"auxiliary_weight": 1.0},
}
_FIGURES = ("roc_auc", "intra_similarity", "inter_similarity", "margin", "effective_rank")
_PAGE = """\
## Collapse on ckplus, and its cure

```sh
python -m benchmarks.collapse --root data/ckplus{options} > docs/results/collapse-ckplus.md
```

Embeddings have unit length, so that two of them are at most 2 apart; the usual margin is {margin:g}. One of 0.05 is
kept by faces that are all but alike: so it may have been in a published comparison, whose EfficientNet had a ROC-AUC of
0.493 and a margin between similarities of 2e-6. Figures are of each run's last epoch; a dash says that the guard saw no
collapse until then. What a loss of pairs alone hardly learns from nothing, it learns beside the auxiliary term.

{table}"""


def measure(config: TrainingConfig) -> dict[str, Any]:
    """Train, or go on; the figures of the last epoch, and what the guard said, if it stopped the run."""
    try:
        train(config, resume=(Path(config.out) / CONFIG).is_file())
        stopped = ""
    except CollapseError as error:
        stopped = str(error)
    with (Path(config.out) / CURVE).open() as file:
        last = list(csv.DictReader(file))[-1]
    return {**{name: float(last[name]) for name in ("epoch", *_FIGURES)}, "stopped": stopped}


def page(found: Mapping[str, Mapping[str, Mapping[str, Any]]], options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    head = ("backbone", "setting", "guard", *(figure.replace("_", " ") for figure in _FIGURES))
    rows = (
        (
            f"`{backbone}`",
            setting,
            f"collapsed, epoch {each['epoch']:.0f}" if each["stopped"] else "–",
            *(f"{each[figure]:.3g}" for figure in _FIGURES),
        )
        for backbone, settings in found.items()
        for setting, each in settings.items()
    )
    return _PAGE.format(options=options, margin=METRIC_LOSSES["contrastive"].margin, table=table(head, rows))


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the folder of CK+")
    parser.add_argument("--backbones", nargs="+", default=BACKBONES, help="backbones to train, by name")
    parser.add_argument("--epochs", type=int, default=RECIPE.epochs, help="of each run that is not stopped")
    parser.add_argument("--out", type=Path, default=Path("runs/collapse"), help="folder of the runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    config = dataclasses.replace(RECIPE, data=words.root, epochs=words.epochs)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for backbone in words.backbones:
        runs = {
            setting: dataclasses.replace(
                config, **changed, backbone=backbone, out=str(words.out / backbone / setting.replace(" ", "-"))
            )
            for setting, changed in SETTINGS.items()
        }
        found[backbone] = {setting: measure(run) for setting, run in runs.items()}
    if words.json:
        print(json.dumps(found))
        return
    options = f" --backbones {' '.join(words.backbones)}" if tuple(words.backbones) != BACKBONES else ""
    options += f" --epochs {words.epochs}" if words.epochs != RECIPE.epochs else ""
    print(page(found, options))


if __name__ == "__main__":
    main()
