"""What a step learns from: the auxiliary term of each option, against its formula, and what teachers may say."""

import dataclasses
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from siamese.errors import TrainingError
from siamese.network.twin import TwinConfig, TwinNetwork, load_network, save_network
from siamese.training.config import TrainingConfig, parse
from siamese.training.data import TrainingData, load_parts
from siamese.training.trainer import Trainer, _require_even_shares, _require_one_precision, make_fabric
from siamese.vocabulary import EMOTIONS
from tests.training.small import AUGMENTATION, CLASSES, SMALL, options, write_parts

SCALE = 6.0
Term = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ferplus")
    write_parts(root)
    return root


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two networks that know nothing alike: the one to train, and its teacher."""
    folder = tmp_path_factory.mktemp("networks")
    for seed in (1, 2):
        torch.manual_seed(seed)
        save_network(TwinNetwork(TwinConfig(SMALL)), folder / f"{seed}.safetensors")
    return [folder / "1.safetensors", folder / "2.safetensors"]


def plain(root: Path, networks: list[Path], **others: object) -> TrainingConfig:
    """One step on all crops as they are, by the auxiliary term alone."""
    given = {**dict.fromkeys(AUGMENTATION, 0.0), "dropout": 0.0, "sampler": "natural", "natural_per_batch": 10_000}
    given |= {"metric_weight": 0.0, "initial_weights": networks[0], **others}
    return parse(options(root, root / "run", **given))[0]


def uneven(data: TrainingData) -> TrainingData:
    """Fewer of the first class, so that priors and class weights are not all alike."""
    rows = np.flatnonzero((data.labels != 0).numpy() | (np.arange(len(data.labels)) < 40))
    return TrainingData(*(getattr(data, field.name)[rows] for field in dataclasses.fields(data)))


def first_loss(config: TrainingConfig, data: TrainingData) -> float:
    return next(Trainer(config, data, make_fabric(config)).epoch())


@torch.no_grad()
def cosines(path: Path, crops: torch.Tensor) -> NDArray[np.float64]:
    """A network's similarities (n, 8) to its proxies."""
    network = load_network(path).eval()
    return (network(crops) @ F.normalize(network.proxies, dim=1).T).double().numpy()


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def cross_entropy(scale: float = SCALE, smoothing: float = 0.0, focus: int = 0) -> Term:
    def term(seen: NDArray[np.float64], votes: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        found = log_softmax(scale * seen)
        targets = (1 - smoothing) * votes + smoothing / 8
        return -targets * (1 - np.exp(found)) ** focus * found

    return term


def weighed(seen: NDArray[np.float64], votes: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.zeros(8)
    weights[:CLASSES] = 1 / (shares[:CLASSES] * CLASSES)
    return cross_entropy()(seen, votes, shares) * weights


def evened(seen: NDArray[np.float64], votes: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return -votes * log_softmax(SCALE * seen + np.log(np.maximum(shares, 1e-4)))


@pytest.mark.parametrize(
    ("given", "term"),
    [
        ({}, cross_entropy()),
        ({"scale": 3.0}, cross_entropy(scale=3.0)),
        ({"label_smoothing": 0.2}, cross_entropy(smoothing=0.2)),
        ({"auxiliary_loss": "focal"}, cross_entropy(focus=2)),
        ({"class_weights": "balanced"}, weighed),
        ({"prior_strength": 0.0}, evened),  # the logits alone shall not know how common a class is
    ],
)
def test_the_auxiliary_term_is_what_its_options_say(
    root: Path, networks: list[Path], given: dict[str, object], term: Term
) -> None:
    config = plain(root, networks, **given)
    data = uneven(load_parts(config)[0])
    votes = data.targets.double().numpy()
    parts = term(cosines(networks[0], data.crops(slice(None))), votes, votes.mean(axis=0))
    assert first_loss(config, data) == pytest.approx(parts.sum(axis=1).mean(), rel=1e-4)


@pytest.mark.parametrize(("given", "scale"), [({}, SCALE), ({"teacher_scale": 2.0}, 2.0)])
def test_a_teacher_reads_on_its_own_scale(
    root: Path, networks: list[Path], given: dict[str, object], scale: float
) -> None:
    taught = {"teachers": networks[1], "teacher_view": "crop", "teacher_share": 0.6}
    config = plain(root, networks, **taught, **given)
    data = uneven(load_parts(config)[0])
    crops = data.crops(slice(None))
    targets = 0.4 * data.targets.double().numpy() + 0.6 * np.exp(log_softmax(scale * cosines(networks[1], crops)))
    parts = cross_entropy()(cosines(networks[0], crops), targets, targets)
    assert first_loss(config, data) == pytest.approx(parts.sum(axis=1).mean(), rel=1e-3)


@pytest.mark.parametrize("view", ["picture", "crop"])
def test_teachers_say_nothing_of_what_is_left_out(root: Path, networks: list[Path], view: str, tmp_path: Path) -> None:
    """A teacher that finds sadness everywhere teaches the same as one that finds it nowhere."""
    losses = []
    for sign in (1, -1):
        weights = load_file(networks[1])
        weights["proxies"][EMOTIONS.index("sadness")] = sign * weights["head.bias"]
        teacher = tmp_path / f"{sign}.safetensors"
        save_file(weights, teacher, metadata=metadata(networks[1]))
        config = plain(root, networks, teachers=teacher, teacher_view=view, teacher_share=0.9, leave_out="sadness")
        losses.append(first_loss(config, load_parts(config)[0]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def metadata(path: Path) -> dict[str, str]:
    with safe_open(path, "pt") as file:
        return dict(file.metadata())


@dataclasses.dataclass
class Two:
    """In place of two devices, of which the other computes in that precision."""

    other: str
    world_size = 2
    device = torch.device("cpu")

    def all_reduce(self, own: torch.Tensor, reduce_op: str) -> torch.Tensor:
        assert reduce_op == "sum"
        return own + (self.other == "bf16-mixed")


@pytest.mark.parametrize("own", ["bf16-mixed", "32-true"])
def test_hosts_of_different_kinds_must_be_told_one_precision(own: str) -> None:
    config, others = TrainingConfig(precision=own), {"bf16-mixed", "32-true"} - {own}  # type: ignore[arg-type]
    _require_one_precision(Two(own), config)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="Give all of them the same --precision"):
        _require_one_precision(Two(*others), config)  # type: ignore[arg-type]


@pytest.mark.parametrize(("batch", "devices", "fits"), [(8, 4, True), (9, 4, False), (4, 4, False), (1, 1, False)])
def test_devices_share_a_batch_evenly_and_none_gets_a_single_image(batch: int, devices: int, fits: bool) -> None:
    with nullcontext() if fits else pytest.raises(TrainingError, match=f"{devices} devices cannot share"):
        _require_even_shares(batch, devices)
