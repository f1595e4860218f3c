"""Face weights come with their batch norms folded away; restoring these must not change what the network computes."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from siamese.errors import TrainingError
from siamese.network.backbones import MobileNetFaces
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
