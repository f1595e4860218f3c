"""Backbones turn grey crops of any batch size into features of the size that they announce."""

import pytest
import torch
import torch.nn.functional as F

from siamese.network.backbones import BACKBONES, ConvNorm, MobileNetFaces


@pytest.mark.parametrize("name", BACKBONES)
def test_features_have_the_announced_size(name: str) -> None:
    backbone = BACKBONES[name]().eval()
    with torch.no_grad():
        assert backbone(torch.rand(3, 1, 48, 48)).shape == (3, backbone.features)


@pytest.mark.parametrize("depthwise", [True, False])
def test_a_strided_layer_computes_the_same_in_training_and_inference(depthwise: bool) -> None:
    """Training takes another way to the same numbers, because it is faster there."""
    layer = ConvNorm(4, 4, kernel=3, stride=2, depthwise=depthwise).eval()
    inputs = torch.rand(2, 4, 12, 12)
    expected = layer._convolve(inputs)
    torch.testing.assert_close(layer.train()._convolve(inputs), expected)


def test_stride_two_pads_at_the_bottom_and_right_only() -> None:
    layer = ConvNorm(1, 1, kernel=3, stride=2).eval()
    inputs = torch.rand(1, 1, 6, 6)
    padded = F.pad(inputs, (0, 1, 0, 1))
    weight = layer.convolution.weight[0, 0]
    by_hand = torch.stack(
        [
            torch.stack([(padded[0, 0, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3] * weight).sum() for x in range(3)])
            for y in range(3)
        ]
    )
    torch.testing.assert_close(layer._convolve(inputs)[0, 0], by_hand)


def test_mobilenet_serves_any_resolution_of_the_crop() -> None:
    backbone = MobileNetFaces(input_size=64).eval()
    with torch.no_grad():
        assert backbone(torch.rand(1, 1, 40, 40)).shape == backbone(torch.rand(1, 1, 64, 64)).shape
