"""Images and their alignment → randomly varied crops, a whole batch at a time.

Geometry is composed with the alignment and sampled once, on a grid finer than the images’ own, so that they stay sharp.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from skimage.exposure import equalize_adapthist

from siamese.faces.align import CROP_SIZE, INPUT_SIZE
from siamese.faces.grid import sampling_grid
from siamese.training.config import TrainingConfig

_CLAHE_TILE = INPUT_SIZE // 4  # pixels along a tile whose histogram is equalised


class Augmenter:
    """Random flips, similarity transforms, light, blur, noise and erasing, as the configuration says.

    Every draw comes from the generator that a call is handed, which is on the device of the images.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config

    def __call__(self, images: torch.Tensor, transforms: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Images (n, h, w) uint8 and crop-to-image transforms (n, 2, 3) → crops (n, 1, 96, 96) float in 0…1."""
        varied = compose(transforms, self._jitter(len(images), random))
        crops = cut(images, varied)
        crops = self._equalise(crops, random)
        crops = self._relight(crops, random)
        crops = self._blur(crops, random)
        crops = self._add_noise(crops, random)
        return self._erase(crops, random)

    def _jitter(self, count: int, random: torch.Generator) -> torch.Tensor:
        """Random similarity transforms (n, 2, 3) of the crop plane about its centre, a share of them mirrored."""
        angle = _uniform(count, random) * math.radians(self.config.rotation)
        size = (_uniform(count, random) * self.config.scaling).exp()
        mirrored = torch.where(_draws(count, random) < self.config.flip, -1.0, 1.0)
        shift = torch.stack([_uniform(count, random), _uniform(count, random)], dim=1) * self.config.shift
        cos, sin = size * angle.cos(), size * angle.sin()
        turn = torch.stack([torch.stack([cos * mirrored, -sin], 1), torch.stack([sin * mirrored, cos], 1)], dim=1)
        centre = torch.full((2, 1), CROP_SIZE / 2, device=turn.device)
        return torch.cat([turn, centre - turn @ centre + shift[:, :, None]], dim=2)

    def _equalise(self, crops: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) of a share of the crops."""
        chosen = _draws(len(crops), random) < self.config.clahe
        crops = crops.clone()
        for row in chosen.nonzero()[:, 0]:
            equalised = equalize_adapthist(crops[row, 0].clamp(0, 1).cpu().numpy(), kernel_size=_CLAHE_TILE)
            crops[row, 0] = torch.from_numpy(equalised.astype(np.float32))
        return crops

    def _relight(self, crops: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Gamma, contrast about the crop's mean, and brightness."""
        count = len(crops)
        crops = crops.clamp(1e-3, 1) ** _per_image(_uniform(count, random) * self.config.gamma).exp()
        mean = crops.mean(dim=(1, 2, 3), keepdim=True)
        crops = (crops - mean) * (1 + _per_image(_uniform(count, random)) * self.config.contrast) + mean
        return (crops + _per_image(_uniform(count, random)) * self.config.brightness).clamp(0, 1)

    def _blur(self, crops: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The mean of 3×3 pixels, in a share of the crops."""
        blurred = F.avg_pool2d(F.pad(crops, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        return torch.where(_chosen(len(crops), self.config.blur, random), blurred, crops)

    def _add_noise(self, crops: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Normal noise, of another strength in each crop."""
        strength = _per_image(_draws(len(crops), random)) * self.config.noise
        return (crops + torch.randn(crops.shape, generator=random, device=random.device) * strength).clamp(0, 1)

    def _erase(self, crops: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """Replace a random rectangle, 10 to 45 % of the crop's side each way, by the crop's mean."""
        count = len(crops)
        steps = (torch.arange(INPUT_SIZE, device=crops.device) + 0.5) * (CROP_SIZE / INPUT_SIZE)

        def inside() -> torch.Tensor:
            length = CROP_SIZE * (0.275 + 0.175 * _uniform(count, random))
            start = (CROP_SIZE - length) * (0.5 + 0.5 * _uniform(count, random))
            return (steps >= start[:, None]) & (steps < (start + length)[:, None])

        rectangle = inside()[:, None, :, None] & inside()[:, None, None, :]
        erased = rectangle & _chosen(count, self.config.erasing, random)
        return torch.where(erased, crops.mean(dim=(1, 2, 3), keepdim=True), crops)


def compose(outer: torch.Tensor, inner: torch.Tensor) -> torch.Tensor:
    """The affine transforms (n, 2, 3) that apply `inner` first, then `outer`."""
    turn = outer[:, :, :2] @ inner[:, :, :2]
    shift = outer[:, :, :2] @ inner[:, :, 2:] + outer[:, :, 2:]
    return torch.cat([turn, shift], dim=2)


def cut(images: torch.Tensor, transforms: torch.Tensor) -> torch.Tensor:
    """Images (n, h, w) uint8 and crop-to-image transforms (n, 2, 3) → crops (n, 1, 96, 96) float in 0…1."""
    grid = sampling_grid(transforms, images.shape[1], images.shape[2], INPUT_SIZE)
    pixels = images[:, None].float() / 255
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _draws(count: int, random: torch.Generator) -> torch.Tensor:
    """(count,) uniform in 0…1."""
    return torch.rand(count, generator=random, device=random.device)


def _uniform(count: int, random: torch.Generator) -> torch.Tensor:
    """(count,) uniform in −1…1."""
    return _draws(count, random) * 2 - 1


def _chosen(count: int, share: float, random: torch.Generator) -> torch.Tensor:
    return _per_image(_draws(count, random) < share)


def _per_image(values: torch.Tensor) -> torch.Tensor:
    return values[:, None, None, None]
