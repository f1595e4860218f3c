"""Trained networks and training crops → what they see in them, to be learned beside the votes.

The mean reading of several networks is better than each of theirs, and one network can learn most of it (Hinton,
Vinyals, Dean: Distilling the knowledge in a neural network, 2015).
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track

from siamese.datasets.crops import fingerprint
from siamese.errors import TrainingError
from siamese.faces.align import INPUT_SIZE
from siamese.network.twin import TwinNetwork, load_network
from siamese.training.data import TrainingData
from siamese.training.precision import autocast

_BATCH = 256


def taught_targets(
    data: TrainingData, teachers: Sequence[str], share: float, scale: float, log_prior: torch.Tensor, cache: str
) -> torch.Tensor:
    """The votes (n, 8), and in the given `share` the teachers' mean reading of the same crops.

    A teacher reads as it learned to: the softmax of scaled proxy similarities and `log_prior` (8,). Its similarities
    stay in the folder `cache`. Raises TrainingError where a teacher is missing, and ReferenceSetError where it is none.
    """
    logits = [scale * _similarities(data, Path(teacher), Path(cache)) + log_prior.cpu() for teacher in teachers]
    reading = torch.stack([each.softmax(dim=1) for each in logits]).mean(dim=0)
    return (1 - share) * data.targets + share * reading


def _similarities(data: TrainingData, teacher: Path, cache: Path) -> torch.Tensor:
    """A teacher's proxy similarities (n, 8), of each crop and its mirror image together."""
    if not teacher.is_file():
        raise TrainingError(f"--teachers: there is no network {teacher}.")
    name = hashlib.sha256(teacher.read_bytes()).hexdigest()[:12]
    pictures = "-".join(fingerprint(tensor.numpy()) for tensor in (data.images, data.transforms))
    path = cache / f"teacher-{name}-{INPUT_SIZE}-{pictures}.npy"
    if not path.is_file():
        network = load_network(teacher)
        starts = range(0, len(data.images), _BATCH)
        shown = track(starts, f"Asking {teacher}", console=Console(stderr=True))
        answer = torch.cat([_ask(network, data.crops(slice(start, start + _BATCH))) for start in shown])
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        cache.mkdir(parents=True, exist_ok=True)
        np.save(unfinished, answer.numpy(), allow_pickle=False)
        unfinished.replace(path)
    return torch.from_numpy(np.load(path, allow_pickle=False))


@torch.no_grad()
def _ask(network: TwinNetwork, crops: torch.Tensor) -> torch.Tensor:
    crops = crops.contiguous(memory_format=torch.channels_last)
    with autocast():
        both = network(crops) + network(crops.flip(-1))
    return F.normalize(both.float(), dim=1) @ F.normalize(network.proxies, dim=1).T
