"""Two trained networks → one network with a pair of backbones, whose similarities are the mean of theirs.

Networks that were trained apart err apart, so that together they read better than each (Hansen and Salamon 1990).
"""

from dataclasses import replace

import torch
import torch.nn.functional as F

from siamese.errors import TrainingError
from siamese.network.backbones import BACKBONES
from siamese.network.backbones.pair import Pair
from siamese.network.twin import TwinNetwork

PAIR = "{}_pair"  # the name of the backbone that is two of another


def joined(first: TwinNetwork, second: TwinNetwork, crops: torch.Tensor) -> TwinNetwork:
    """A new network made of two, as `join` does it."""
    config = replace(first.config, backbone=PAIR.format(first.config.backbone))
    if config.backbone not in BACKBONES:
        raise TrainingError(f"There is no backbone {config.backbone}, so that two networks cannot be joined in one.")
    network = TwinNetwork(config)
    join(first, second, network, crops)
    return network.eval()


@torch.no_grad()
def join(first: TwinNetwork, second: TwinNetwork, network: TwinNetwork, crops: torch.Tensor) -> None:
    """Start `network`, which has a pair of backbones, from two networks.

    Their embeddings, brought to one mean length, are laid side by side and turned onto the directions in which those of
    `crops` (n, 1, height, width) lie; what does not fit into the embedding's size is cut off. Raises TrainingError when
    the networks are not such as the pair is made of, or have fewer components together than it.
    """
    members = (first.eval(), second.eval())
    if not isinstance(network.backbone, Pair):
        raise TrainingError(f"--backbone {network.config.backbone} is no pair of two networks. Choose one that is.")
    try:
        for own, member in zip(network.backbone.members, members, strict=True):
            own.load_state_dict(member.backbone.state_dict())
    except RuntimeError as error:
        raise TrainingError(f"The two networks are not those of a {network.config.backbone}: {error}") from error
    size, together = network.config.embedding_size, sum(member.config.embedding_size for member in members)
    if size > together:
        raise TrainingError(
            f"--embedding-size is {size}, but the two networks of --initial-weights have {together} components "
            "together. Ask for no more."
        )
    lengths = [member.head(member.backbone(crops)).norm(dim=1).mean() for member in members]
    weight = torch.block_diag(*(member.head.weight / length for member, length in zip(members, lengths, strict=True)))
    bias = torch.cat([member.head.bias / length for member, length in zip(members, lengths, strict=True)])
    outputs = network.backbone.eval()(crops) @ weight.T + bias
    directions = torch.linalg.svd(outputs).Vh[:size]
    network.head.weight.copy_(directions @ weight)
    network.head.bias.copy_(directions @ bias)
    proxies = torch.cat([F.normalize(member.proxies, dim=1) for member in members], dim=1)
    network.proxies.copy_(F.normalize(proxies @ directions.T, dim=1))
