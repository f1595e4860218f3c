"""Backbones by name: grey crops (n, 1, height, width) in 0…1 → features (n, features) before the embedding.

To add one: write a class with a `features` attribute, and give it a name in `BACKBONES`.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

# Strides of MobileNet v1's first convolution and its 13 depthwise-separable blocks, and the blocks' output channels.
_FIRST_STRIDE = 2
_BLOCK_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_BLOCK_CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_FIRST_CHANNELS = 32
_BGR_MEAN = (103.939, 116.779, 123.68)  # what the published face weights expect to be subtracted


class Backbone(nn.Module):
    """What every backbone is: a module that announces how many features it gives."""

    features: int


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
        enlarged = F.interpolate(crops, size=(self.input_size, self.input_size), mode="bilinear", align_corners=False)
        pixels = enlarged * 255 - self.mean
        return self.blocks(self.first(pixels)).mean(dim=(2, 3))


class ResNet18Small(Backbone):
    """Torchvision's ResNet18 (He et al. 2016) with a stem for small crops: 3×3, stride 1, no pooling."""

    features = 512

    def __init__(self) -> None:
        super().__init__()
        network = torchvision.models.resnet18(weights=None)
        network.conv1 = nn.Conv2d(1, 64, kernel_size=3, stride=1, padding=1, bias=False)
        network.maxpool = nn.Identity()
        network.fc = nn.Identity()
        self.network = network

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 512)."""
        return self.network((crops - 0.5) / 0.25)


class ConvNorm(nn.Module):
    """Convolution, batch norm, ReLU6; with stride 2 padded at the bottom and right only (TensorFlow's SAME)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, depthwise: bool = False) -> None:
        super().__init__()
        groups = inputs if depthwise else 1
        self.stride = stride
        self.convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return F.relu6(self.norm(self._convolve(inputs)))

    def _convolve(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.stride == 1:
            return self.convolution(inputs)
        if self.training and self.convolution.groups > 1:
            # The same numbers as below: every second output of stride 1. On a CPU the backward pass of a strided
            # depthwise convolution is eight times as slow as that of a whole one.
            every_second = self.convolution(inputs)[:, :, 1::2, 1::2]
            return every_second.contiguous(memory_format=torch.channels_last)
        padded = F.pad(inputs, (0, 1, 0, 1))
        return F.conv2d(padded, self.convolution.weight, stride=2, groups=self.convolution.groups)


BACKBONES: dict[str, Callable[[], Backbone]] = {
    "mobilenet": MobileNetFaces,
    "resnet18": ResNet18Small,
}
