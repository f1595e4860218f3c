"""A network starts from what it is told to, and refuses weights that are not its own."""

from pathlib import Path

import pytest
import torch

from siamese.errors import TrainingError
from siamese.network.initial_weights import load_initial_weights
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
