"""Crops of a pair, triplet or batch, all through the same weights → unit-length embeddings."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from siamese.errors import ReferenceSetError
from siamese.network.backbones import BACKBONES
from siamese.vocabulary import EMOTIONS

EMBEDDING_SIZE = 128


@dataclass(frozen=True)
class TwinConfig:
    """What it takes to build a twin network again."""

    backbone: str = "mobilenet"
    embedding_size: int = EMBEDDING_SIZE
    dropout: float = 0.2


class TwinNetwork(nn.Module):
    """Shared-weight backbone, a linear head, and length normalisation; beside it one learned proxy per emotion.

    The proxies serve training only (the auxiliary term); answers compare with prototypes measured afterwards.
    """

    def __init__(self, config: TwinConfig | None = None) -> None:
        super().__init__()
        self.config = config or TwinConfig()
        self.backbone = BACKBONES[self.config.backbone]()
        self.dropout = nn.Dropout(self.config.dropout)
        self.head = nn.Linear(self.backbone.features, self.config.embedding_size)
        self.proxies = nn.Parameter(F.normalize(torch.randn(len(EMOTIONS), self.config.embedding_size), dim=1))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Grey crops (n, 1, height, width) float in 0…1 → embeddings (n, embedding_size) of unit length."""
        features = self.backbone(crops)
        return F.normalize(self.head(self.dropout(features)), dim=1)


def rounded(network: TwinNetwork) -> TwinNetwork:
    """The same network, computing in single precision as ever, with weights that half precision can hold."""
    return network.half().float()


def save_network(network: TwinNetwork, path: str | Path, half: bool = False) -> None:
    """Write weights and configuration as one safetensors file, which takes the place of an older one at once.

    With `half`, weights are stored in half precision: exactly those of a `rounded` network.
    """
    state = network.state_dict().items()
    weights = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous() for name, tensor in state
    }
    unfinished = Path(path).with_suffix(".partial")
    save_file(weights, unfinished, metadata={"config": json.dumps(asdict(network.config))})
    unfinished.replace(path)


def fits(path: str | Path, backbone: str, embedding_size: int) -> bool:
    """Whether there is a network of this make in a file."""
    try:
        config = _config(path)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return False
    return (config.backbone, config.embedding_size) == (backbone, embedding_size)


def _config(path: str | Path) -> TwinConfig:
    with safe_open(path, framework="pt") as file:
        return TwinConfig(**json.loads((file.metadata() or {})["config"]))


def load_network(path: str | Path) -> TwinNetwork:
    """Read a network that `save_network` wrote, ready for inference. Raises ReferenceSetError when it cannot be."""
    try:
        network = TwinNetwork(_config(path))
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise ReferenceSetError(f"{path} is not a network that Semblance saved: {error}") from error
    return network.eval()
