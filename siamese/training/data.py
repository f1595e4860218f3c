"""FER+ on disk → what a run trains and validates on, as tensors in memory."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from siamese.datasets import crops, ferplus
from siamese.training.augment import cut
from siamese.training.config import TrainingConfig


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Images (n, 48, 48) uint8 with crop-to-image transforms (n, 2, 3), vote shares (n, 8) and labels (n,)."""

    images: torch.Tensor
    transforms: torch.Tensor
    targets: torch.Tensor
    labels: torch.Tensor

    @classmethod
    def load(cls, config: TrainingConfig) -> "TrainingData":
        """FER+'s training part, or `config.limit` random images of it. Raises DatasetError when it cannot be read."""
        samples = ferplus.load(config.root, "train")
        rows = np.sort(np.random.default_rng(config.seed).permutation(len(samples))[: config.limit or len(samples)])
        transforms = crops.transforms(samples, config.crops, config.cache)[rows]
        samples = samples.take(rows)
        return cls(*map(torch.from_numpy, (samples.images, transforms, samples.targets, samples.labels)))

    def crops(self, count: int) -> torch.Tensor:
        """The first `count` crops as they are, (count, 1, 48, 48) in 0…1."""
        return cut(self.images[:count], self.transforms[:count])


@dataclass(frozen=True, eq=False)
class ValidationData:
    """Crops (n, 1, 48, 48) float in 0…1 and their labels (n,) under the majority protocol."""

    crops: torch.Tensor
    labels: NDArray[np.int64]

    @classmethod
    def load(cls, config: TrainingConfig) -> "ValidationData":
        """FER+'s validation part. Raises DatasetError when it cannot be read."""
        samples = ferplus.load(config.root, "validation").labelled()
        transforms = crops.transforms(samples, config.crops, config.cache)
        return cls(cut(torch.from_numpy(samples.images), torch.from_numpy(transforms)), samples.labels)
