"""Backbones turn grey crops of any batch size into features of the size that they announce, here as in ONNX."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from siamese.network.backbones import MobileNetFaces
from siamese.network.backbones.__main__ import cost, table
from siamese.network.backbones.layers import ConvNorm, InvertedResidual, relu6
from siamese.network.export import export_onnx
from siamese.network.runtime import Embedder
from siamese.network.twin import TwinConfig, TwinNetwork

CROPS = np.random.default_rng(0).integers(0, 256, (4, 48, 48), dtype=np.uint8)
PIXELS = torch.from_numpy(CROPS)[:, None].float() / 255

MILLIONS = {  # of parameters
    "mobilenet": 3.2,
    "mobilenet_160": 3.2,
    "mobilenet_pair": 6.4,
    "mobilefacenet": 1.2,
    "resnet18": 11.2,
    "resnet18_half": 2.8,
    "resnet50": 23.5,
    "mobilenet_v3": 3.0,
    "efficientnet_b0": 4.0,
    "efficientnet_lite0": 3.4,
    "vgg": 4.7,
    "cnn": 0.1,
}


@pytest.fixture(scope="module", params=MILLIONS)
def network(request: pytest.FixtureRequest) -> TwinNetwork:
    """A twin network of each backbone, whose batch norms have seen crops, as if it had been trained a little."""
    torch.manual_seed(0)
    network = TwinNetwork(TwinConfig(backbone=request.param))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(PIXELS)
    nn.init.zeros_(network.head.bias)
    return network.eval()


@torch.no_grad()
def test_features_have_the_announced_size(network: TwinNetwork) -> None:
    assert network.backbone(PIXELS[:3]).shape == (3, network.backbone.features)


def test_the_parts_are_all_of_it_in_the_order_in_which_a_crop_passes_them(network: TwinNetwork) -> None:
    parts, passed = network.backbone.parts(), []
    hooks = [
        inner.register_forward_hook(lambda *_, number=number: passed.append(number))
        for number, part in enumerate(parts)
        for inner in (part if isinstance(part, nn.ModuleList) else [part])
    ]
    with torch.no_grad():
        network.backbone(PIXELS[:1])
    for hook in hooks:
        hook.remove()
    weights = [weight for part in parts for weight in part.parameters()]
    assert {id(weight) for weight in weights} == {id(weight) for weight in network.backbone.parameters()}
    assert list(dict.fromkeys(passed)) == list(range(len(parts)))


@torch.no_grad()
def test_a_crop_is_read_alone(network: TwinNetwork) -> None:
    together = network.backbone(PIXELS)
    alone = torch.cat([network.backbone(crop[None]) for crop in PIXELS])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)
    assert (together[0] - together[1]).abs().max() > 0.01  # and crops are told apart


def test_gradients_reach_every_parameter(network: TwinNetwork) -> None:
    torch.manual_seed(0)
    features = network.backbone.train()(PIXELS)
    (features * torch.randn_like(features)).sum().backward()
    network.eval()
    for name, weights in network.backbone.named_parameters():
        assert weights.grad is not None and weights.grad.isfinite().all() and weights.grad.any(), name


def test_onnx_equals_pytorch(network: TwinNetwork, tmp_path: Path) -> None:
    export_onnx(network, tmp_path / "network.onnx")
    found = Embedder(tmp_path / "network.onnx").embed(CROPS[:2], mirror=False)
    with torch.no_grad():
        np.testing.assert_allclose(found, network(PIXELS[:2]), atol=1e-4)


def test_every_backbone_has_the_parameters_of_its_paper() -> None:
    assert {name: round(cost(name)[0] / 1e6, 1) for name in MILLIONS} == MILLIONS


def test_the_table_counts_multiply_adds() -> None:
    plan = [(48, 1, 64), (48, 64, 64), (24, 64, 128), (24, 128, 128), (12, 128, 256), (12, 256, 256)]
    plan += [(6, 256, 512), (6, 512, 512)]
    expected = sum(9 * inputs * outputs * size**2 for size, inputs, outputs in plan)
    assert cost("vgg")[1:] == (512, expected)
    assert f"| `vgg` | 4.69 M | 512 | {expected / 1e6:,.0f} M |" in table().splitlines()


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("depthwise", [True, False])
def test_a_strided_layer_computes_the_same_in_training_and_inference(depthwise: bool, kernel: int) -> None:
    """Training takes another way to the same numbers, because it is faster there."""
    layer = ConvNorm(4, 4, kernel, stride=2, depthwise=depthwise).eval()
    inputs = torch.rand(2, 4, 12, 12)
    expected = layer._convolve(inputs)
    torch.testing.assert_close(layer.train()._convolve(inputs), expected)


@pytest.mark.parametrize(("kernel", "before", "after"), [(3, 0, 1), (5, 1, 2)])
def test_stride_two_pads_more_at_the_bottom_and_right(kernel: int, before: int, after: int) -> None:
    layer = ConvNorm(1, 1, kernel, stride=2).eval()
    inputs = torch.rand(1, 1, 6, 6)
    padded = F.pad(inputs, (before, after, before, after))[0, 0]
    weight = layer.convolution.weight[0, 0]
    by_hand = torch.stack(
        [
            torch.stack([(padded[2 * y : 2 * y + kernel, 2 * x : 2 * x + kernel] * weight).sum() for x in range(3)])
            for y in range(3)
        ]
    )
    torch.testing.assert_close(layer._convolve(inputs)[0, 0], by_hand)


@torch.no_grad()
@pytest.mark.parametrize(("outputs", "stride", "adds"), [(4, 1, True), (6, 1, False), (4, 2, False)])
def test_inverted_residuals_add_their_input_where_its_shape_allows(outputs: int, stride: int, adds: bool) -> None:
    block = InvertedResidual(4, outputs, expansion=2, kernel=3, stride=stride, activation=relu6).eval()
    inputs = torch.rand(1, 4, 8, 8)
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
    expected = inputs if adds else torch.zeros(1, outputs, 8 // stride, 8 // stride)
    torch.testing.assert_close(block(inputs), expected)


def test_mobilenet_serves_any_resolution_of_the_crop() -> None:
    backbone = MobileNetFaces(input_size=64).eval()
    with torch.no_grad():
        assert backbone(torch.rand(1, 1, 40, 40)).shape == backbone(torch.rand(1, 1, 64, 64)).shape
