"""Trained networks and training crops → what they see in them, to be learned beside the votes.

The mean reading of several networks is better than each of theirs, and one network can learn most of it (Hinton,
Vinyals, Dean: Distilling the knowledge in a neural network, 2015). Asked once for each picture they cost little; asked
for each crop as it is varied and mixed, they teach for longer before the pupil knows the pictures by heart (Beyer et
al.: A good teacher is patient and consistent, 2022).
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
from siamese.training.reading import read_in_parts

_BATCH = 256


class Teachers:
    """Networks that read the crops of each batch as the one in training is given them."""

    def __init__(self, paths: Sequence[str], scale: float, log_prior: torch.Tensor) -> None:
        """They read on the device of `log_prior` (8,), each as `mean_reading` has it.

        Raises TrainingError where one is missing, and ReferenceSetError where it is none.
        """
        self._scale, self._log_prior = scale, log_prior
        self._networks = [_teacher(there(path), log_prior.device) for path in paths]

    @torch.no_grad()
    def read(self, crops: torch.Tensor) -> torch.Tensor:
        """Crops (n, 1, 96, 96) in 0…1 → the teachers' mean reading of them, (n, 8)."""
        with autocast(crops.device.type):
            seen = [(read_in_parts(network, crops), network.proxies) for network in self._networks]
        similarities = [embeddings.float() @ F.normalize(proxies, dim=1).T for embeddings, proxies in seen]
        return mean_reading(similarities, self._scale, self._log_prior)


def taught_targets(
    data: TrainingData, teachers: Sequence[str], share: float, scale: float, log_prior: torch.Tensor, cache: str
) -> torch.Tensor:
    """The votes (n, 8), and in the given `share` the teachers' `mean_reading` of the same pictures.

    Their similarities stay in the folder `cache`. Raises TrainingError where a teacher is missing, and
    ReferenceSetError where it is none.
    """
    similarities = [_similarities(data, there(teacher), Path(cache)) for teacher in teachers]
    reading = mean_reading(similarities, scale, log_prior.cpu())
    return (1 - share) * data.targets + share * reading.to(data.targets.device)


def mean_reading(similarities: Sequence[torch.Tensor], scale: float, log_prior: torch.Tensor) -> torch.Tensor:
    """Proxy similarities (n, 8) of each teacher → the mean of their readings (n, 8).

    A teacher reads as it learned to: the softmax of scaled similarities and `log_prior` (8,).
    """
    return torch.stack([(scale * each + log_prior).softmax(dim=1) for each in similarities]).mean(dim=0)


def there(teacher: str) -> Path:
    """The file of a teacher. Raises TrainingError where there is none."""
    if not Path(teacher).is_file():
        raise TrainingError(f"--teachers: there is no network {teacher}.")
    return Path(teacher)


def _similarities(data: TrainingData, teacher: Path, cache: Path) -> torch.Tensor:
    """A teacher's proxy similarities (n, 8), of each picture and its mirror image together."""
    name = hashlib.sha256(teacher.read_bytes()).hexdigest()[:12]
    pictures = "-".join(fingerprint(tensor.numpy()) for tensor in (data.images.cpu(), data.transforms.cpu()))
    path = cache / f"teacher-{name}-{INPUT_SIZE}-{pictures}.npy"
    if not path.is_file():
        network = _teacher(teacher, data.images.device)
        starts = range(0, len(data.images), _BATCH)
        shown = track(starts, f"Asking {teacher}", console=Console(stderr=True))
        answer = torch.cat([_ask(network, data.crops(slice(start, start + _BATCH))) for start in shown])
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        cache.mkdir(parents=True, exist_ok=True)
        np.save(unfinished, answer.numpy(), allow_pickle=False)
        unfinished.replace(path)
    return torch.from_numpy(np.load(path, allow_pickle=False))


def _teacher(path: Path, device: torch.device) -> TwinNetwork:
    return load_network(path).to(device).to(memory_format=torch.channels_last)


@torch.no_grad()
def _ask(network: TwinNetwork, crops: torch.Tensor) -> torch.Tensor:
    with autocast(crops.device.type):
        both = read_in_parts(network, crops) + read_in_parts(network, crops.flip(-1))
    return (F.normalize(both.float(), dim=1) @ F.normalize(network.proxies, dim=1).T).cpu()
