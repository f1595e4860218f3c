"""EfficientNet-Lite0 with a stem for small crops: grey crops → 1,280 features."""

import torch
from torch import nn

from siamese.network.backbones.layers import SMALL_CROP, Backbone, ConvNorm, Stage, inverted_residuals, relu6, resized

_STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 40, 2, 2, kernel=5),
    Stage(6, 80, 3, 2),
    Stage(6, 112, 3, 1, kernel=5),
    Stage(6, 192, 4, 2, kernel=5),
    Stage(6, 320, 1, 1),
)


class EfficientNetLite0(Backbone):
    """EfficientNet-B0 (Tan and Le 2019) with ReLU6 and without squeeze-and-excitation, as Google's Lite0 has it.

    The stem has stride 1 in place of 2, since crops are small.
    """

    features = 1280

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ConvNorm(1, 32, kernel=3, stride=1),
            *inverted_residuals(32, _STAGES, relu6),
            ConvNorm(320, 1280, kernel=1, stride=1),
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 1280)."""
        return self.layers((resized(crops, SMALL_CROP) * 255 - 127) / 128).mean(dim=(2, 3))
