"""Teachers' mean reading is mixed into the votes, in the given share, and kept for the next start."""

from pathlib import Path

import numpy as np
import pytest
import torch

from siamese.errors import TrainingError
from siamese.faces.align import whole_picture
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.training.data import TrainingData
from siamese.training.distillation import taught_targets

COUNT, SCALE = 6, 5.0


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


def test_targets_are_votes_and_the_mean_of_what_the_teachers_see(
    data: TrainingData, teachers: list[Path], tmp_path: Path
) -> None:
    log_prior = torch.linspace(-2, 0, 8)
    taught = taught_targets(data, [str(each) for each in teachers], 0.3, SCALE, log_prior, str(tmp_path))
    readings = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = TwinNetwork(TwinConfig("resnet18_half", embedding_size=16)).eval()
        crops = data.crops(slice(None))
        with torch.no_grad():
            mean = (network(crops) + network(crops.flip(-1))).numpy()
            proxies = network.proxies.numpy()
        cosines = mean @ proxies.T / np.linalg.norm(mean, axis=1)[:, None] / np.linalg.norm(proxies, axis=1)
        powers = np.exp(SCALE * cosines + log_prior.numpy())
        readings.append(powers / powers.sum(axis=1, keepdims=True))
    expected = 0.7 * data.targets.numpy() + 0.3 * np.mean(readings, axis=0)
    np.testing.assert_allclose(taught.numpy(), expected, atol=0.02)  # teachers read in half precision
    np.testing.assert_allclose(taught.sum(dim=1).numpy(), 1, atol=1e-5)


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
