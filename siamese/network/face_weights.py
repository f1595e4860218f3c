"""The published face weights (arrays with batch norm folded away) → a backbone with true batch norms again."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from siamese.errors import TrainingError
from siamese.network.backbones import MobileFaceNet, MobileNetFaces
from siamese.network.backbones.layers import Backbone, ConvNorm

Arrays = Mapping[str, NDArray[np.float32]]
Layers = Iterator[tuple[ConvNorm, NDArray[np.float32], NDArray[np.float32]]]  # with weight and bias

_UNREADABLE = (OSError, EOFError, LookupError, TypeError, ValueError, RuntimeError, zipfile.BadZipFile)


def load_face_weights(backbone: Backbone, path: str | Path, crops: torch.Tensor) -> None:
    """Give a MobileNet or MobileFaceNet the face weights in `path`, then restore batch statistics measured on `crops`
    (n, 1, h, w).

    Raises TrainingError when the file is missing, damaged or does not fit the network.
    """
    try:
        arrays = np.load(path, allow_pickle=False)
        for layer, weight, bias in _layers(backbone, arrays):
            layer.convolution.weight.data.copy_(torch.from_numpy(weight))
            _start_as_bias(layer.norm, torch.from_numpy(bias))
    except _UNREADABLE as error:
        raise TrainingError(
            f"--initial-weights: {path} does not hold the face weights of this backbone ({error}). "
            "Give another file, or «nothing»."
        ) from error
    restore_batch_norm(backbone, crops)


@torch.no_grad()
def restore_batch_norm(backbone: nn.Module, crops: torch.Tensor) -> None:
    """Let every folded batch norm measure its own inputs without changing the function it computes.

    With input mean μ and variance σ² over `crops`: running_mean = μ, running_var = σ², weight = scale·√(σ²+ε) and
    bias = bias + scale·μ, one norm after the other in the order in which data passes them.
    """
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    handles = [norm.register_forward_pre_hook(_measure) for norm in norms]
    backbone.eval()
    backbone(crops)
    for handle in handles:
        handle.remove()


def _measure(norm: nn.Module, inputs: tuple[torch.Tensor]) -> None:
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and norm.running_var is not None
    mean, variance = inputs[0].mean(dim=(0, 2, 3)), inputs[0].var(dim=(0, 2, 3), unbiased=False)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    offset = norm.bias - scale * norm.running_mean
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(offset + scale * mean)


def _start_as_bias(norm: nn.BatchNorm2d, bias: torch.Tensor) -> None:
    """Make a batch norm add `bias` and do nothing else."""
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)
    norm.weight.data.fill_(1)
    norm.bias.data.copy_(bias)


def _layers(backbone: Backbone, arrays: Arrays) -> Layers:
    """Each convolution with its weight and bias, front to back."""
    if isinstance(backbone, MobileNetFaces):
        yield from _mobilenet(backbone, arrays)
    elif isinstance(backbone, MobileFaceNet):
        yield from _mobilefacenet(backbone, arrays)
    else:
        raise ValueError("face weights fit «mobilenet» and «mobilefacenet» only.")


def _mobilenet(backbone: MobileNetFaces, arrays: Arrays) -> Layers:
    """The file has the depthwise convolutions' scales apart."""
    yield backbone.first, arrays["conv1.weight"], arrays["conv1.bias"]
    for number, block in enumerate(backbone.blocks, start=1):
        depthwise, pointwise = block.children()
        assert isinstance(depthwise, ConvNorm) and isinstance(pointwise, ConvNorm)
        scale = arrays[f"dw{number}.scale"].reshape(-1, 1, 1, 1)
        yield depthwise, arrays[f"dw{number}.weight"] * scale, arrays[f"dw{number}.bias"]
        yield pointwise, arrays[f"pw{number}.weight"], arrays[f"pw{number}.bias"]


def _mobilefacenet(backbone: MobileFaceNet, arrays: Arrays) -> Layers:
    """The file that `convert_mobilefacenet` writes, which numbers the convolutions front to back."""
    layers = (module for module in backbone.modules() if isinstance(module, ConvNorm))
    for number, layer in enumerate(layers, start=1):
        if isinstance(layer.activation, nn.PReLU):
            layer.activation.weight.data.copy_(torch.from_numpy(arrays[f"conv{number}.slope"]))
        yield layer, arrays[f"conv{number}.weight"], arrays[f"conv{number}.bias"]
