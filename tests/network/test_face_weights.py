"""Face weights come with their batch norms folded away; restoring these must not change what the network computes."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from siamese.errors import TrainingError
from siamese.network import convert_mobilefacenet, convert_mobilenet
from siamese.network.backbones import BACKBONES, MobileFaceNet, MobileNetFaces
from siamese.network.backbones.layers import ConvNorm
from siamese.network.face_weights import load_face_weights, restore_batch_norm


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in the published layout, with random numbers of a sensible size."""
    random = np.random.default_rng(0)
    arrays = {}
    backbone = MobileNetFaces()
    arrays["conv1.weight"] = random.normal(0, 0.005, backbone.first.convolution.weight.shape)
    arrays["conv1.bias"] = random.normal(0.5, 0.2, 32)
    for number, (depthwise, pointwise) in enumerate(backbone.blocks, start=1):
        channels = depthwise.convolution.out_channels
        arrays[f"dw{number}.weight"] = random.normal(0, 0.3, depthwise.convolution.weight.shape)
        arrays[f"dw{number}.scale"] = random.uniform(0.5, 1.5, channels)
        arrays[f"dw{number}.bias"] = random.normal(0.5, 0.2, channels)
        shape = pointwise.convolution.weight.shape
        arrays[f"pw{number}.weight"] = random.normal(0, shape[1] ** -0.5, shape)
        arrays[f"pw{number}.bias"] = random.normal(0.5, 0.2, shape[0])
    path = tmp_path_factory.mktemp("weights") / "faces.npz"
    np.savez(path, **{name: array.astype(np.float32) for name, array in arrays.items()})
    return path


def by_hand(arrays: dict[str, np.ndarray], pixels: torch.Tensor) -> torch.Tensor:
    """The first convolution and block of the published network, written with nothing but the file's description."""
    first = torch.from_numpy(arrays["conv1.weight"]), torch.from_numpy(arrays["conv1.bias"])
    pixels = nn.functional.pad(pixels, (0, 1, 0, 1))
    pixels = nn.functional.conv2d(pixels, *first, stride=2).clamp(0, 6)
    depthwise = nn.functional.conv2d(pixels, torch.from_numpy(arrays["dw1.weight"]), padding=1, groups=32)
    scale, bias = (torch.from_numpy(arrays[f"dw1.{part}"]).view(1, -1, 1, 1) for part in ("scale", "bias"))
    pixels = (depthwise * scale + bias).clamp(0, 6)
    pointwise = torch.from_numpy(arrays["pw1.weight"]), torch.from_numpy(arrays["pw1.bias"])
    return nn.functional.conv2d(pixels, *pointwise).clamp(0, 6)


@torch.no_grad()
def test_the_loaded_network_computes_what_the_file_describes(weights_file: Path) -> None:
    backbone = MobileNetFaces()
    load_face_weights(backbone, weights_file, torch.rand(16, 1, 48, 48))
    backbone.eval()
    pixels = torch.rand(2, 3, 112, 112) * 255 - 110
    expected = by_hand(dict(np.load(weights_file)), pixels)
    torch.testing.assert_close(backbone.blocks[0](backbone.first(pixels)), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_restored_norms_hold_the_statistics_of_their_inputs() -> None:
    layers = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    crops = torch.rand(32, 1, 8, 8)
    before = layers.eval()(crops)
    restore_batch_norm(layers, crops)
    torch.testing.assert_close(layers.eval()(crops), before, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layers.train()(crops), before, rtol=1e-3, atol=1e-4)  # batch statistics: the same


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", something=np.zeros(3))
    for path in (tmp_path / "other.npz", tmp_path / "missing.npz"):
        with pytest.raises(TrainingError, match="does not hold the face weights"):
            load_face_weights(MobileNetFaces(), path, torch.rand(2, 1, 48, 48))
    with pytest.raises(TrainingError, match="fit «mobilenet» and «mobilefacenet» only"):
        load_face_weights(BACKBONES["vgg"](), tmp_path / "other.npz", torch.rand(2, 1, 48, 48))


def test_a_damaged_file_is_refused(weights_file: Path, tmp_path: Path) -> None:
    whole = weights_file.read_bytes()
    flipped = whole[:5000] + bytes(byte ^ 255 for byte in whole[5000:5100]) + whole[5100:]
    row = io.BytesIO()
    np.save(row, np.zeros(3))
    for content in (whole[: len(whole) // 2], flipped, b"", b"weights", row.getvalue()):
        (tmp_path / "faces.npz").write_bytes(content)
        with pytest.raises(TrainingError, match=r"--initial-weights: .*faces\.npz does not hold the face weights"):
            load_face_weights(MobileNetFaces(), tmp_path / "faces.npz", torch.rand(2, 1, 48, 48))


@pytest.fixture(scope="module")
def mobilefacenet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as the converter writes it, with random numbers of a sensible size."""
    random = np.random.default_rng(0)
    arrays = {}
    layers = [module for module in MobileFaceNet().modules() if isinstance(module, ConvNorm)]
    for number, layer in enumerate(layers, start=1):
        shape = layer.convolution.weight.shape
        arrays[f"conv{number}.weight"] = random.normal(0, np.prod(shape[1:]) ** -0.5, shape)
        arrays[f"conv{number}.bias"] = random.normal(0, 0.2, shape[0])
        arrays[f"conv{number}.slope"] = random.uniform(0.1, 0.4, shape[0])
    path = tmp_path_factory.mktemp("weights") / "mobilefacenet.npz"
    np.savez(path, **{name: array.astype(np.float32) for name, array in arrays.items()})
    return path


@torch.no_grad()
def test_a_loaded_mobilefacenet_computes_what_the_file_describes(mobilefacenet_file: Path) -> None:
    """Up to the end of the first inverted residual, written with nothing but the paper's table."""
    backbone = MobileFaceNet()
    load_face_weights(backbone, mobilefacenet_file, torch.rand(16, 1, 48, 48))
    weights = {name: torch.from_numpy(array) for name, array in np.load(mobilefacenet_file).items()}

    def layer(number: int, inputs: torch.Tensor, stride: int, groups: int, prelu: bool) -> torch.Tensor:
        weight, bias = weights[f"conv{number}.weight"], weights[f"conv{number}.bias"]
        if weight.shape[2] == 3:
            inputs = nn.functional.pad(inputs, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        outputs = nn.functional.conv2d(inputs, weight, bias, stride=stride, groups=groups)
        return nn.functional.prelu(outputs, weights[f"conv{number}.slope"]) if prelu else outputs

    pixels = torch.rand(2, 1, 112, 112) * 2 - 1
    expected = layer(1, pixels, 2, 1, True)
    expected = layer(2, expected, 1, 64, True)
    expected = layer(3, expected, 1, 1, False)
    expected = layer(4, expected, 1, 1, True)
    expected = layer(5, expected, 2, 128, True)
    expected = layer(6, expected, 1, 1, False)
    torch.testing.assert_close(backbone.eval().layers[:4](pixels), expected, rtol=1e-4, atol=1e-4)


def published(folder: Path, nodes: list[dict[str, object]], constants: dict[str, np.ndarray]) -> Path:
    """A graph as TensorFlow.js publishes it, its constants one after another in two files."""
    manifest = [{"name": name, "shape": array.shape, "dtype": array.dtype.name} for name, array in constants.items()]
    graph = {"modelTopology": {"node": nodes}, "weightsManifest": [{"paths": ["1.bin", "2.bin"], "weights": manifest}]}
    (folder / "graph.json").write_text(json.dumps(graph))
    content = b"".join(array.tobytes() for array in constants.values())
    (folder / "1.bin").write_bytes(content[:50])
    (folder / "2.bin").write_bytes(content[50:])
    return folder / "graph.json"


def test_a_published_mobilenet_is_converted_to_what_is_loaded(weights_file: Path, tmp_path: Path) -> None:
    """TensorFlow has height and width first, and other names."""
    arrays = dict(np.load(weights_file))
    constants = {"age_pred/kernel": np.zeros((4, 2), np.float32)}
    for name, array in arrays.items():
        layer, part = name.split(".")
        block = layer if layer == "conv1" else f"conv_{layer[:2]}_{layer[2:]}"
        if part != "weight":
            constants[f"{block}_bn/batchnorm_1/{'mul' if part == 'scale' else 'sub'}"] = array
        elif layer.startswith("dw"):
            constants[f"{block}/depthwise_kernel"] = np.ascontiguousarray(np.moveaxis(array, (2, 3), (0, 1)))
        else:
            constants[f"{block}/convolution/merged_input"] = np.ascontiguousarray(np.moveaxis(array, (1, 0), (2, 3)))
    converted = convert_mobilenet.convert(published(tmp_path, [], constants))
    assert set(converted) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(converted[name], array, err_msg=name)


def test_the_converter_reads_a_graph_of_tensorflow_js(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    constants = {
        "mul": random.normal(size=4).astype(np.float32),  # half the slope
        "axis": np.array([1], np.int32),
        "first": random.normal(size=(3, 3, 3, 4)).astype(np.float32),
        "first_bias": random.normal(size=4).astype(np.float32),
        "depthwise": random.normal(size=(3, 3, 4, 1)).astype(np.float32),
        "depthwise_bias": random.normal(size=4).astype(np.float32),
    }
    nodes = [
        {"op": "Const", "name": "mul"},
        {"op": "_FusedConv2D", "name": "a", "input": ["picture", "first", "first_bias"]},
        {"op": "Mul", "name": "b", "input": ["a", "mul"]},
        {"op": "FusedDepthwiseConv2dNative", "name": "c", "input": ["b", "depthwise", "depthwise_bias"]},
        {"op": "Mul", "name": "d", "input": ["c", "b"]},
    ]
    arrays = convert_mobilefacenet.convert(published(tmp_path, nodes, constants))
    assert set(arrays) == {"conv1.weight", "conv1.bias", "conv1.slope", "conv2.weight", "conv2.bias"}
    for x, y, output in np.ndindex(3, 3, 4):
        grey = sum(constants["first"][y, x, colour, output] for colour in range(3))
        assert arrays["conv1.weight"][output, 0, y, x] == pytest.approx(grey, abs=1e-6)
        assert arrays["conv2.weight"][output, 0, y, x] == constants["depthwise"][y, x, output, 0]
    np.testing.assert_allclose(arrays["conv1.slope"], 2 * constants["mul"])
    np.testing.assert_array_equal(arrays["conv2.bias"], constants["depthwise_bias"])
