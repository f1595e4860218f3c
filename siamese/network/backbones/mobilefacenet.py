"""MobileFaceNet as the published face weights expect it: grey crops → 512 features."""

import torch
from torch import nn

from siamese.network.backbones.layers import Backbone, ConvNorm, Stage, inverted_residuals, resized

_INPUT_SIZE = 112
_LAST_SIZE = 7  # what is left of it where one weight per position and channel takes the place of average pooling
_STAGES = (Stage(2, 64, 5, 2), Stage(4, 128, 1, 2), Stage(2, 128, 6, 1), Stage(4, 128, 1, 2), Stage(2, 128, 2, 1))


class MobileFaceNet(Backbone):
    """MobileFaceNet (Chen et al. 2018) without its last linear layer, in whose place the twins have one of their own.

    As in the published weights, a pointwise convolution follows the first and the last depthwise one. The crop is
    enlarged to 112 pixels inside.
    """

    features = 512

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ConvNorm(1, 64, kernel=3, stride=2, activation=nn.PReLU),
            ConvNorm(64, 64, kernel=3, stride=1, depthwise=True, activation=nn.PReLU),
            ConvNorm(64, 64, kernel=1, stride=1, activation=nn.Identity),
            *inverted_residuals(64, _STAGES, nn.PReLU),
            ConvNorm(128, 512, kernel=1, stride=1, activation=nn.PReLU),
            ConvNorm(512, 512, kernel=_LAST_SIZE, stride=1, depthwise=True, activation=nn.Identity, padding=0),
            ConvNorm(512, 512, kernel=1, stride=1, activation=nn.Identity),
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 512)."""
        return self.layers((resized(crops, _INPUT_SIZE) * 255 - 127.5) / 128).flatten(1)
