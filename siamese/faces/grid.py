"""Crop-to-photo transforms → where PyTorch's `grid_sample` must look, for whole batches in training."""

import torch

from siamese.faces.align import CROP_SIZE


def sampling_grid(transforms: torch.Tensor, height: int, width: int, size: int) -> torch.Tensor:
    """Where `grid_sample` must look in photos of (height, width) for crops of `size`: (n, size, size, 2) in −1…1.

    `transforms` is (n, 2, 3), from the coordinates of a CROP_SIZE crop to pixels of the photo; pixel centres lie at
    half-integers in both.
    """
    steps = (torch.arange(size, dtype=transforms.dtype, device=transforms.device) + 0.5) * (CROP_SIZE / size)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    photo_points = torch.einsum("nij,hwj->nhwi", transforms, points)
    extent = torch.tensor([width, height], dtype=transforms.dtype, device=transforms.device)
    return photo_points * (2 / extent) - 1
