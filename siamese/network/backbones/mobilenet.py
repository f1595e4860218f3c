"""MobileNet v1 as the published face weights expect it: grey crops → 1,024 features."""

import torch
from torch import nn

from siamese.network.backbones.layers import Backbone, ConvNorm, resized

# Strides of MobileNet v1's first convolution and its 13 depthwise-separable blocks, and the blocks' output channels.
_FIRST_STRIDE = 2
_BLOCK_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_BLOCK_CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_FIRST_CHANNELS = 32
_BGR_MEAN = (103.939, 116.779, 123.68)  # what the published face weights expect to be subtracted


class MobileNetFaces(Backbone):
    """MobileNet v1 (Howard et al. 2017) as the face weights expect it: BGR, 0–255, TensorFlow's padding, ReLU6.

    The crop is enlarged to `input_size` inside, so that the same weights serve every resolution of the crop.
    """

    features = 1024
    mean: torch.Tensor

    def __init__(self, input_size: int = 112) -> None:
        super().__init__()
        self.input_size = input_size
        self.register_buffer("mean", torch.tensor(_BGR_MEAN).view(1, 3, 1, 1), persistent=False)
        self.first = ConvNorm(3, _FIRST_CHANNELS, kernel=3, stride=_FIRST_STRIDE)
        channels = (_FIRST_CHANNELS, *_BLOCK_CHANNELS)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    ConvNorm(channels[i], channels[i], kernel=3, stride=stride, depthwise=True),
                    ConvNorm(channels[i], channels[i + 1], kernel=1, stride=1),
                )
                for i, stride in enumerate(_BLOCK_STRIDES)
            )
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 1024)."""
        pixels = resized(crops, self.input_size) * 255 - self.mean
        return self.blocks(self.first(pixels)).mean(dim=(2, 3))
