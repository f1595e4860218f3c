"""Networks of plain convolutions that start from nothing: grey crops → 128 to 512 features."""

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock

from siamese.network.backbones.layers import Backbone, centred

_DROPOUT = 0.25


class PlainCNN(Backbone):
    """Three 3×3 convolutions with batch norm, each pooled by two: the simple network of many a tutorial, a baseline."""

    features = 128

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(_single(1, 32), _single(32, 64), _single(64, self.features))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 128)."""
        return self.stages(centred(crops)).mean(dim=(2, 3))


class SmallVGG(Backbone):
    """Four stages of two 3×3 convolutions, each followed by batch norm, pooled between and at the end (after VGG,
    Simonyan and Zisserman 2015)."""

    features = 512

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(_double(1, 64), _double(64, 128), _double(128, 256), _double(256, self.features))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 512)."""
        return self.stages(centred(crops)).mean(dim=(2, 3))


class HalfResNet18(Backbone):
    """ResNet18 (He et al. 2016) with half the channels, and a stem for small crops: 3×3, stride 1, no pooling."""

    features = 256

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            _residual(32, 32, stride=1),
            _residual(32, 64, stride=2),
            _residual(64, 128, stride=2),
            _residual(128, self.features, stride=2),
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 256)."""
        return self.stages(centred(crops)).mean(dim=(2, 3))


def _single(inputs: int, outputs: int) -> nn.Module:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2))


def _double(inputs: int, outputs: int) -> nn.Module:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Dropout(_DROPOUT))


def _residual(inputs: int, outputs: int, stride: int) -> nn.Module:
    shortcut = None
    if stride > 1:
        shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    return nn.Sequential(BasicBlock(inputs, outputs, stride, shortcut), BasicBlock(outputs, outputs))
