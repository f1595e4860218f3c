"""A network starts from what it is told to, and refuses weights that are not its own."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from siamese.errors import TrainingError
from siamese.network.backbones import BACKBONES
from siamese.network.backbones.pair import Pair
from siamese.network.initial_weights import load_initial_weights
from siamese.network.joining import joined
from siamese.network.twin import TwinConfig, TwinNetwork, save_network

CROPS = torch.rand(4, 1, 48, 48)


def network(backbone: str = "resnet18_half", embedding_size: int = 16, seed: int = 0) -> TwinNetwork:
    torch.manual_seed(seed)
    return TwinNetwork(TwinConfig(backbone, embedding_size)).eval()


def test_a_network_that_a_run_saved_is_gone_on_with(tmp_path: Path) -> None:
    saved, fresh = network(seed=1), network(seed=2)
    save_network(saved, tmp_path / "best.safetensors")
    with torch.no_grad():
        assert not torch.allclose(fresh(CROPS), saved(CROPS))
        load_initial_weights(fresh, str(tmp_path / "best.safetensors"), CROPS)
        torch.testing.assert_close(fresh(CROPS), saved(CROPS))


def test_a_network_of_another_make_is_refused(tmp_path: Path) -> None:
    save_network(network(embedding_size=8), tmp_path / "best.safetensors")
    with pytest.raises(TrainingError, match="not of the configuration asked for"):
        load_initial_weights(network(), str(tmp_path / "best.safetensors"), CROPS)


def test_anything_else_is_refused_by_name() -> None:
    with pytest.raises(TrainingError, match=r"must be «imagenet», an \.npz or a \.safetensors, not «faces.pt»"):
        load_initial_weights(network(), "faces.pt", CROPS)


def test_a_pair_of_two_networks_sees_what_both_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for both embeddings, its similarities are those of the two laid side by side at one mean length."""
    monkeypatch.setitem(BACKBONES, "pair", lambda: Pair(BACKBONES["resnet18_half"]))
    members = [network(seed=seed) for seed in (1, 2)]
    for number, member in enumerate(members):
        save_network(member, tmp_path / f"{number}.safetensors")
    pair = TwinNetwork(TwinConfig("pair", embedding_size=32)).eval()
    crops = torch.rand(40, 1, 48, 48)
    load_initial_weights(pair, f"{tmp_path / '0.safetensors'},{tmp_path / '1.safetensors'}", crops)
    with torch.no_grad():
        outputs = [member.head(member.backbone(crops)) for member in members]
        beside = F.normalize(torch.cat([each / each.norm(dim=1).mean() for each in outputs], dim=1), dim=1)
        torch.testing.assert_close(pair(crops) @ pair(crops).T, beside @ beside.T, rtol=1e-3, atol=1e-4)


def test_a_pair_has_no_more_components_than_its_networks_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKBONES, "pair", lambda: Pair(BACKBONES["resnet18_half"]))
    save_network(network(), tmp_path / "a.safetensors")
    pair = TwinNetwork(TwinConfig("pair", embedding_size=33))
    with pytest.raises(TrainingError, match=r"--embedding-size is 33, but the two networks .* have 32 components"):
        load_initial_weights(pair, f"{tmp_path / 'a.safetensors'},{tmp_path / 'a.safetensors'}", CROPS)


def test_two_networks_are_joined_in_the_pair_of_their_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, crops = network(seed=1), network(seed=2), torch.rand(40, 1, 48, 48)
    with pytest.raises(TrainingError, match="no backbone resnet18_half_pair"):
        joined(first, second, crops)
    monkeypatch.setitem(BACKBONES, "resnet18_half_pair", lambda: Pair(BACKBONES["resnet18_half"]))
    pair = joined(first, second, crops)
    assert pair.config == TwinConfig("resnet18_half_pair", 16)
    with torch.no_grad():
        for own, member in zip(pair.backbone.members, (first, second), strict=True):
            torch.testing.assert_close(own(crops), member.backbone(crops))


def test_a_backbone_that_is_no_pair_takes_one_network(tmp_path: Path) -> None:
    save_network(network(), tmp_path / "a.safetensors")
    with pytest.raises(TrainingError, match="resnet18_half is no pair"):
        load_initial_weights(network(), f"{tmp_path / 'a.safetensors'},{tmp_path / 'a.safetensors'}", CROPS)
