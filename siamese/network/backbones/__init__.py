"""Backbones by name: grey crops (n, 1, height, width) in 0…1 → features (n, features) before the embedding.

To add one: write a class with a `features` attribute, and give it a name in `BACKBONES`.
`python -m siamese.network.backbones` prints what each costs.
"""

from collections.abc import Callable
from functools import partial

from siamese.network.backbones.efficientnet_lite import EfficientNetLite0
from siamese.network.backbones.layers import Backbone
from siamese.network.backbones.mobilefacenet import MobileFaceNet
from siamese.network.backbones.mobilenet import MobileNetFaces
from siamese.network.backbones.pair import Pair
from siamese.network.backbones.plain import HalfResNet18, PlainCNN, SmallVGG
from siamese.network.backbones.torchvision_networks import mobile, resnet

BACKBONES: dict[str, Callable[[], Backbone]] = {
    "mobilenet": MobileNetFaces,
    "mobilenet_160": partial(MobileNetFaces, 160),
    "mobilenet_224": partial(MobileNetFaces, 224),
    "mobilenet_pair": partial(Pair, MobileNetFaces),
    "mobilefacenet": MobileFaceNet,
    "resnet18": partial(resnet, "resnet18"),
    "resnet18_half": HalfResNet18,
    "resnet50": partial(resnet, "resnet50", stride=2),
    "mobilenet_v3": partial(mobile, "mobilenet_v3_large"),
    "efficientnet_b0": partial(mobile, "efficientnet_b0"),
    "efficientnet_lite0": EfficientNetLite0,
    "vgg": SmallVGG,
    "cnn": PlainCNN,
}
