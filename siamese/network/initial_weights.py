"""A name or a file → a twin network that starts from its weights instead of random ones."""

from pathlib import Path

import torch

from siamese.errors import TrainingError
from siamese.network.backbones.imagenet import load_imagenet_weights
from siamese.network.face_weights import load_face_weights
from siamese.network.joining import join
from siamese.network.twin import TwinNetwork, load_network

IMAGENET = "imagenet"


_FILES = (".npz", ".safetensors")


def require_initial_weights(source: str) -> None:
    """Raise TrainingError where `source` names no weights that are there: to be asked before all that takes long."""
    for path in source.split(",") if source != IMAGENET else ():
        if not path.endswith(_FILES):
            raise TrainingError(f"--initial-weights must be «{IMAGENET}», an .npz or a .safetensors, not «{path}».")
        if not Path(path).is_file():
            raise TrainingError(f"--initial-weights: there is no file {path}.")


def load_initial_weights(network: TwinNetwork, source: str, crops: torch.Tensor) -> None:
    """Start from `source`: «imagenet», an npz of face weights, a network that a run saved as safetensors, or two.

    Two, a comma between, are joined in a backbone that is a pair. Face weights measure their batch statistics on
    `crops` (n, 1, height, width) in 0…1, and a pair what its members have in common. Raises TrainingError when the
    weights cannot be had or do not fit the network, and ReferenceSetError when a safetensors file holds no network.
    """
    require_initial_weights(source)
    if source == IMAGENET:
        load_imagenet_weights(network.backbone)
    elif source.endswith(".npz"):
        load_face_weights(network.backbone, source, crops)
    elif "," in source:
        first, second = map(load_network, source.split(",", 1))
        join(first, second, network, crops)
    else:
        _copy(load_network(source), network, source)


def _copy(saved: TwinNetwork, network: TwinNetwork, source: str) -> None:
    try:
        network.load_state_dict(saved.state_dict())
    except RuntimeError as error:
        raise TrainingError(f"The network in {source} is not of the configuration asked for: {error}") from error
