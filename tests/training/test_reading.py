"""What a network makes of many crops does not depend on how many it reads at once."""

import pytest
import torch

from siamese.network.twin import TwinConfig, TwinNetwork
from siamese.training.reading import read_in_parts
from tests.training.small import SMALL


@pytest.mark.parametrize("count", [1, 16, 17, 50])
def test_crops_read_in_parts_are_read_as_one_by_one(count: int) -> None:
    torch.manual_seed(0)
    network, crops = TwinNetwork(TwinConfig(SMALL)).eval(), torch.rand(count, 1, 96, 96)
    with torch.no_grad():
        alone = torch.cat([network(crop[None]) for crop in crops])
        torch.testing.assert_close(read_in_parts(network, crops), alone, rtol=1e-4, atol=1e-5)


def test_a_cpu_is_given_few_crops_at_once_and_channels_last() -> None:
    seen: list[torch.Tensor] = []

    def read(part: torch.Tensor) -> torch.Tensor:
        seen.append(part)
        return part.mean(dim=(1, 2, 3))

    crops = torch.rand(40, 3, 8, 8)
    torch.testing.assert_close(read_in_parts(read, crops), crops.mean(dim=(1, 2, 3)))
    assert [len(part) for part in seen] == [16, 16, 8]
    assert all(part.is_contiguous(memory_format=torch.channels_last) for part in seen)
