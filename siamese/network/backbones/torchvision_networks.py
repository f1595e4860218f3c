"""Torchvision's networks with a stem for small crops: grey crops → features."""

import torch
import torchvision
from torch import nn

from siamese.network.backbones.layers import Backbone, centred, parts_of


class TorchvisionNetwork(Backbone):
    """The torchvision network of that name, its first convolution replaced: grey, 3×3, of that stride.

    `stem` and `head` are the modules of its first convolution and its classifier; `dropped` go with the classifier.
    """

    def __init__(self, name: str, stem: str, head: str, dropped: tuple[str, ...] = (), stride: int = 1) -> None:
        super().__init__()
        network = torchvision.models.get_model(name, weights=None)
        classifier, first = network.get_submodule(head), network.get_submodule(stem)
        self.name, self.stem = name, stem
        self.features = next(layer for layer in classifier.modules() if isinstance(layer, nn.Linear)).in_features
        grey = nn.Conv2d(1, first.out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        network.set_submodule(stem, grey)
        for module in (head, *dropped):
            network.set_submodule(module, nn.Identity())
        self.network = network

    def parts(self) -> list[nn.Module]:
        """Those of torchvision's network."""
        return parts_of(self.network)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, features)."""
        return self.network(centred(crops))


def resnet(name: str, stride: int = 1) -> TorchvisionNetwork:
    """A ResNet (He et al. 2016) whose first pooling is dropped; its first convolution has that stride."""
    return TorchvisionNetwork(name, stem="conv1", head="fc", dropped=("maxpool",), stride=stride)


def mobile(name: str) -> TorchvisionNetwork:
    """A MobileNet v3 (Howard et al. 2019) or an EfficientNet (Tan and Le 2019)."""
    return TorchvisionNetwork(name, stem="features.0.0", head="classifier")
