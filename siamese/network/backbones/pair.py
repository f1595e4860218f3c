"""Two backbones side by side: what two networks learned apart, in one."""

from collections.abc import Callable

import torch
from torch import nn

from siamese.network.backbones.layers import Backbone


class Pair(Backbone):
    """Two backbones of one make that see the same crops, and whose features are joined."""

    def __init__(self, make: Callable[[], Backbone]) -> None:
        super().__init__()
        first, second = make(), make()
        self.members = nn.ModuleList([first, second])
        self.features = first.features + second.features

    def parts(self) -> list[nn.Module]:
        """Those of both, side by side."""
        members = (member for member in self.members if isinstance(member, Backbone))
        return [nn.ModuleList(both) for both in zip(*(member.parts() for member in members), strict=True)]

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, features of the first and of the second)."""
        return torch.cat([member(crops) for member in self.members], dim=1)
