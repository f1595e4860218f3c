"""Networks that went different ways from common weights → one network, whose weights are the mean of theirs.

It reads better than each, at the cost of one (Wortsman et al.: Model soups, 2022).
"""

from collections.abc import Sequence

import torch

from siamese.errors import TrainingError
from siamese.network.twin import TwinNetwork


@torch.no_grad()
def averaged(networks: Sequence[TwinNetwork]) -> TwinNetwork:
    """A new network with the mean of the weights and of the batch norms' statistics.

    Raises TrainingError when the networks are not of one make.
    """
    configs = {network.config for network in networks}
    if len(configs) != 1:
        raise TrainingError(f"Only networks of one make can be averaged, not {', '.join(map(str, configs))}.")
    states = [network.state_dict() for network in networks]
    mean = {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(states[0][name].dtype)
        for name in states[0]
    }
    network = TwinNetwork(configs.pop())
    network.load_state_dict(mean)
    return network.eval()
