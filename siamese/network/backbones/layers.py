"""What backbones are built of: features of one size → features of the next."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

SMALL_CROP = 48  # pixels, as networks whose stem is fit for small crops take them

Activation = Callable[[int], nn.Module]  # the number of channels → a module; `nn.PReLU` and `nn.Identity` are such


class Backbone(nn.Module):
    """What every backbone is: a module that announces how many features it gives."""

    features: int

    def parts(self) -> list[nn.Module]:
        """Its parts that have weights, in the order in which a crop passes them."""
        return parts_of(self)


def parts_of(module: nn.Module) -> list[nn.Module]:
    """A module's children that have weights, and those of its sequences in their place."""
    parts = (child.children() if isinstance(child, nn.Sequential) else (child,) for child in module.children())
    return [part for children in parts for part in children if any(True for _ in part.parameters())]


def relu6(_: int) -> nn.Module:
    """ReLU6, whatever the number of channels."""
    return nn.ReLU6()


def resized(crops: torch.Tensor, size: int) -> torch.Tensor:
    """Crops (n, 1, height, width) of any size → (n, 1, size, size), bilinear."""
    if crops.shape[-2:] == (size, size):
        return crops
    return F.interpolate(crops, size=(size, size), mode="bilinear", align_corners=False)


def centred(crops: torch.Tensor) -> torch.Tensor:
    """Crops in 0…1 of any size → 48×48 pixels in −2…2, the mean and spread with which networks start well."""
    return (resized(crops, SMALL_CROP) - 0.5) / 0.25


class ConvNorm(nn.Module):
    """Convolution, batch norm, activation; with stride 2 padded as TensorFlow's SAME pads an even size.

    `padding` is that of stride 1; by default the size stays.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int,
        depthwise: bool = False,
        activation: Activation = relu6,
        padding: int | None = None,
    ) -> None:
        super().__init__()
        groups = inputs if depthwise else 1
        self.stride = stride
        padding = kernel // 2 if padding is None else padding
        self.convolution = nn.Conv2d(inputs, outputs, kernel, padding=padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.activation = activation(outputs)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.activation(self.norm(self._convolve(inputs)))

    def _convolve(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.stride == 1:
            return self.convolution(inputs)
        if self.training and self.convolution.groups > 1 and inputs.device.type == "cpu":
            # The same numbers as below: every second output of stride 1. On a CPU the backward pass of a strided
            # depthwise convolution is eight times as slow as that of a whole one.
            every_second = self.convolution(inputs)[:, :, 1::2, 1::2]
            return every_second.contiguous(memory_format=torch.channels_last)
        after = self.convolution.kernel_size[0] // 2  # one pixel more than before
        padded = F.pad(inputs, (after - 1, after, after - 1, after))
        return F.conv2d(padded, self.convolution.weight, stride=2, groups=self.convolution.groups)


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow without an activation (Sandler et al., MobileNetV2, 2018).

    The input is added where its shape allows it.
    """

    def __init__(
        self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int, activation: Activation
    ) -> None:
        super().__init__()
        wide = inputs * expansion
        widen = [ConvNorm(inputs, wide, kernel=1, stride=1, activation=activation)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen,
            ConvNorm(wide, wide, kernel, stride, depthwise=True, activation=activation),
            ConvNorm(wide, outputs, kernel=1, stride=1, activation=nn.Identity),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = self.layers(inputs)
        return inputs + outputs if self.residual else outputs


class Stage(NamedTuple):
    """A row of inverted residuals: only the first has the stride, the others keep size and channels."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int = 3


def inverted_residuals(inputs: int, stages: Iterable[Stage], activation: Activation) -> Iterator[InvertedResidual]:
    """The blocks of all stages, front to back."""
    for stage in stages:
        for block in range(stage.blocks):
            stride = stage.stride if block == 0 else 1
            yield InvertedResidual(inputs, stage.channels, stage.expansion, stage.kernel, stride, activation)
            inputs = stage.channels
