"""A batch of crops and its votes → the same with a share of the crops mixed two by two, for the auxiliary term.

A mixed crop has no label, so that the metric loss passes it over.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from siamese.datasets.samples import UNLABELLED
from siamese.training.config import TrainingConfig

Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def mix(crops: torch.Tensor, votes: torch.Tensor, labels: torch.Tensor, config: TrainingConfig, seed: int) -> Batch:
    """Crops (n, 1, h, w), votes (n, c) and labels (n,) → the same with `mix_share` of the rows mixed.

    `mixup` blends a crop with another one of the batch (Zhang et al., mixup, 2018), `cutmix` replaces a rectangle of
    it (Yun et al., CutMix, 2019); its votes are blended in the same proportion, drawn from Beta(alpha, alpha).
    """
    if config.mix == "none":
        return crops, votes, labels
    random = np.random.default_rng(seed)
    count, size = len(crops), crops.shape[-2:]
    device = crops.device
    partner = torch.from_numpy(random.permutation(count)).to(device)
    chosen = torch.from_numpy(random.random(count) < config.mix_share).to(device)
    share = random.beta(config.mix_alpha, config.mix_alpha, count).astype(np.float32)
    masks = share[:, None, None] if config.mix == "mixup" else _cuts(share, size, random)
    kept = torch.where(chosen[:, None, None], torch.from_numpy(masks).to(device), 1.0)
    share_kept = kept.mean(dim=(1, 2))[:, None]  # the border and whole pixels make a rectangle a little smaller
    mixed = kept[:, None] * crops + (1 - kept[:, None]) * crops[partner]
    mixed_votes = share_kept * votes + (1 - share_kept) * votes[partner]
    return mixed, mixed_votes, torch.where(chosen, UNLABELLED, labels)


def _cuts(share: NDArray[np.float32], size: torch.Size, random: np.random.Generator) -> NDArray[np.float32]:
    """1 but for a rectangle of 0 that covers 1 − share of the area, about a random centre."""
    side = np.sqrt(1 - share)[:, None]

    def outside(length: int) -> NDArray[np.bool_]:
        steps = (np.arange(length) + 0.5) / length
        return np.abs(steps - random.random((len(share), 1))) >= side / 2

    return (outside(size[0])[:, :, None] | outside(size[1])[:, None, :]).astype(np.float32)
