"""A made-up FER+ and a network that learns it in a moment; as a program, a run of it that a test can kill.

python -m tests.training.small FOLDER [options of train_siamese.py]
"""

import io
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from torch import nn

from siamese.network.backbones import BACKBONES, Backbone
from siamese.network.backbones.layers import centred

CLASSES = 4
_GEOMETRY, _LIGHT = ("flip", "rotation", "scaling", "shift"), ("contrast", "brightness", "gamma")
AUGMENTATION = (*_GEOMETRY, *_LIGHT, "blur", "noise", "clahe", "erasing")  # options that are 0 where it is off


class Small(Backbone):
    """A backbone that trains in a moment; without batch norm, whose statistics devices would not share."""

    features = 16

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 8, stride=8), nn.GroupNorm(4, 16), nn.ReLU(), nn.Flatten(), nn.Linear(576, 16)
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return self.layers(centred(crops))


def write_ferplus(root: Path, split: str, count: int) -> None:
    """Noisy stripes, whose direction and width say the class and survive mirroring; no detector sees a face in them."""
    random = np.random.default_rng(len(split))
    y, x = np.mgrid[:48, :48] / 48
    images, votes = [], np.zeros((count, 10), dtype=int)
    for row in range(count):
        label = row % CLASSES
        across, frequency = (x, y)[label % 2], (14, 28)[label // 2]
        stripes = np.sin(frequency * across + random.uniform(0, 6))
        file = io.BytesIO()
        Image.fromarray((128 + 60 * stripes + random.normal(0, 20, (48, 48))).clip(0, 255).astype(np.uint8)).save(
            file, "PNG"
        )
        images.append({"bytes": file.getvalue(), "path": f"{row}.png"})
        votes[row, label] = 10
    pq.write_table(pa.table({"image": images, "votes": votes.tolist()}), root / f"{split}.parquet")


def options(root: Path, out: Path, **others: object) -> list[str]:
    """A short run on what `write_parts` wrote, as options of the command line."""
    values = {
        "data": root,
        "cache": root / "cache",
        "out": out,
        "backbone": "small",
        "crops": "whole",
        "epochs": 3,
        "natural_per_batch": 16,
        "head_learning_rate": 1e-2,
        "rotation": 3.0,
        "prior_strength": 1.0,
        "precision": "32-true",
        "accelerator": "cpu",
        "checkpoint_every": 3,
        **others,
    }
    return [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def write_parts(root: Path) -> None:
    """The made-up FER+'s training and validation parts."""
    write_ferplus(root, "train", 160)
    write_ferplus(root, "validation", 40)


SMALL = "small"
BACKBONES[SMALL] = Small

if __name__ == "__main__":
    from siamese.training.config import parse  # after «small» has its name
    from siamese.training.loop import train

    train(*parse(sys.argv[1:]))
