"""Teachers' mean reading is mixed into the votes, of pictures once and kept, or of the crops of every batch."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from siamese.errors import TrainingError
from siamese.faces.align import whole_picture
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.training.data import TrainingData
from siamese.training.distillation import Teachers, taught_targets

COUNT, SCALE = 6, 5.0
LOG_PRIOR = torch.linspace(-2, 0, 8)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 48, 48), dtype=np.uint8)
    transforms = np.repeat(whole_picture(48, 48)[None], COUNT, axis=0)
    labels = torch.arange(COUNT)
    return TrainingData(torch.from_numpy(images), torch.from_numpy(transforms), torch.eye(8)[labels], labels, labels)


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("teachers")
    for seed in (1, 2):
        torch.manual_seed(seed)
        save_network(TwinNetwork(TwinConfig("resnet18_half", embedding_size=16)), folder / f"{seed}.safetensors")
    return [folder / "1.safetensors", folder / "2.safetensors"]


@torch.no_grad()
def read_by_hand(embed: Callable[[TwinNetwork], torch.Tensor]) -> NDArray[np.float64]:
    """The mean of both teachers' softmax of scaled cosine similarities and the prior (n, 8)."""
    readings = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = TwinNetwork(TwinConfig("resnet18_half", embedding_size=16)).eval()
        embeddings, proxies = embed(network).numpy(), network.proxies.numpy()
        lengths = np.linalg.norm(embeddings, axis=1)[:, None] * np.linalg.norm(proxies, axis=1)
        powers = np.exp(SCALE * (embeddings @ proxies.T) / lengths + LOG_PRIOR.numpy())
        readings.append(powers / powers.sum(axis=1, keepdims=True))
    return np.mean(readings, axis=0)


def test_targets_are_votes_and_the_mean_of_what_the_teachers_see(
    data: TrainingData, teachers: list[Path], tmp_path: Path
) -> None:
    taught = taught_targets(data, [str(each) for each in teachers], 0.3, SCALE, LOG_PRIOR, str(tmp_path))
    crops = data.crops(slice(None))
    expected = 0.7 * data.targets.numpy() + 0.3 * read_by_hand(lambda network: network(crops) + network(crops.flip(-1)))
    np.testing.assert_allclose(taught.numpy(), expected, atol=0.02)  # teachers read in half precision
    np.testing.assert_allclose(taught.sum(dim=1).numpy(), 1, atol=1e-5)


def test_teachers_of_crops_read_these_and_not_their_mirror_images(data: TrainingData, teachers: list[Path]) -> None:
    crops = data.crops(slice(None))
    reading = Teachers([str(each) for each in teachers], SCALE, LOG_PRIOR).read(crops)
    np.testing.assert_allclose(reading.numpy(), read_by_hand(lambda network: network(crops)), atol=0.02)


def test_a_teacher_is_asked_once(data: TrainingData, teachers: list[Path], tmp_path: Path) -> None:
    arguments = (data, [str(teachers[0])], 1.0, SCALE, torch.zeros(8), str(tmp_path))
    first = taught_targets(*arguments)
    (kept,) = tmp_path.glob("teacher-*.npy")
    np.save(kept, np.zeros((COUNT, 8), np.float32))
    torch.testing.assert_close(taught_targets(*arguments), torch.full((COUNT, 8), 1 / 8))
    assert (first != 1 / 8).any()


def test_a_missing_teacher_is_named(data: TrainingData, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"--teachers: there is no network .*none\.safetensors"):
        taught_targets(data, [str(tmp_path / "none.safetensors")], 0.5, SCALE, torch.zeros(8), str(tmp_path))
    with pytest.raises(TrainingError, match=r"--teachers: there is no network .*none\.safetensors"):
        Teachers([str(tmp_path / "none.safetensors")], SCALE, LOG_PRIOR)
