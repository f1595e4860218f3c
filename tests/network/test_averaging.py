"""The average of networks: every weight is the mean; and of equal networks it is the same again."""

import pytest
import torch

from siamese.errors import TrainingError
from siamese.network.averaging import averaged
from siamese.network.twin import TwinConfig, TwinNetwork


def network(seed: int, embedding_size: int = 16) -> TwinNetwork:
    torch.manual_seed(seed)
    return TwinNetwork(TwinConfig("cnn", embedding_size)).eval()


def test_every_weight_is_the_mean() -> None:
    first, second, third = (network(seed) for seed in range(3))
    mean = averaged([first, second, third]).state_dict()
    for name, weights in mean.items():
        parts = [each.state_dict()[name] for each in (first, second, third)]
        torch.testing.assert_close(weights, (sum(parts) / 3).to(weights.dtype))


@torch.no_grad()
def test_the_average_of_a_network_with_itself_sees_the_same() -> None:
    crops = torch.rand(3, 1, 48, 48)
    torch.testing.assert_close(averaged([network(0), network(0)])(crops), network(0)(crops))


def test_networks_of_different_makes_have_no_average() -> None:
    with pytest.raises(TrainingError, match="Only networks of one make"):
        averaged([network(0), network(0, embedding_size=8)])
