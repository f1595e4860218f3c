"""What augmentation costs: one table of its time beside that of a whole training step, for each kind by itself.

Made-up pictures serve as well as real ones, for what is measured is time. The share is of a step of the recipe as it
ships (`TrainingConfig`'s defaults), augmentation included.

    python -m benchmarks.augmentation [--json]
"""

import argparse
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from siamese.evaluation.tables import table
from siamese.evaluation.timing import median_milliseconds
from siamese.faces.align import whole_picture
from siamese.training.augment import Augmenter
from siamese.training.config import TrainingConfig
from siamese.training.data import TrainingData
from siamese.training.mixing import mix
from siamese.training.trainer import Trainer, make_fabric
from siamese.vocabulary import EMOTIONS

_PAGE = """\
## What augmentation costs

```sh
python -m benchmarks.augmentation > docs/results/augmentation.md
```

Of a training step of the recipe that ships, {step:.0f} ms for {images} images.

{table}"""
_IMAGES = 1280  # enough steps for one epoch to be timed
_STEPS, _REPEATS = 8, 30
_RECIPE = TrainingConfig()
KINDS = {
    "the recipe's": _RECIPE,
    "with CLAHE of a tenth": dataclasses.replace(_RECIPE, clahe=0.1),
    "with MixUp": dataclasses.replace(_RECIPE, mix="mixup"),
    "with CutMix": dataclasses.replace(_RECIPE, mix="cutmix"),
}


def made_up() -> TrainingData:
    """Noise with an even share of every emotion."""
    random, labels = np.random.default_rng(0), torch.arange(_IMAGES) % len(EMOTIONS)
    return TrainingData(
        images=torch.from_numpy(random.integers(0, 256, (_IMAGES, 48, 48), dtype=np.uint8)),
        transforms=torch.from_numpy(whole_picture(48, 48)).expand(_IMAGES, 2, 3),
        targets=torch.eye(len(EMOTIONS))[labels],
        labels=labels,
        metric_labels=labels,
    )


def measure() -> dict[str, Any]:
    """Milliseconds of a step, and of each kind of augmentation with its share of the step."""
    data = made_up()
    trainer = Trainer(_RECIPE, data, make_fabric(_RECIPE))
    losses = trainer.epoch()
    step = median_milliseconds(lambda: next(losses), _STEPS)
    rows = torch.arange(_RECIPE.natural_per_batch + len(EMOTIONS) * _RECIPE.samples_per_class)
    kinds = {}
    for name, config in KINDS.items():
        augment = Augmenter(config)

        def augmented(augment: Augmenter = augment, config: TrainingConfig = config) -> None:
            random = torch.Generator().manual_seed(0)
            crops = augment(data.images[rows], data.transforms[rows], random)
            mix(crops, data.targets[rows], data.labels[rows], config, seed=0)

        taken = median_milliseconds(augmented, _REPEATS)
        kinds[name] = {"milliseconds": taken, "share_of_step": taken / step}
    return {"images": len(rows), "step_milliseconds": step, "augmentation": kinds}


def page(figures: Mapping[str, Any]) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    rows = (
        (name, f"{each['milliseconds']:.1f}", f"{each['share_of_step']:.1%}")
        for name, each in figures["augmentation"].items()
    )
    made = table(("augmentation", "milliseconds", "share of a step"), rows)
    return _PAGE.format(images=figures["images"], step=figures["step_milliseconds"], table=made)


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    figures = measure()
    print(json.dumps(figures) if words.json else page(figures))


if __name__ == "__main__":
    main()
