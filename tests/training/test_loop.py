"""A run from start to end on a small made-up FER+: it learns, it can be interrupted, and it resumes exactly."""

import csv
import dataclasses
import io
import os
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from siamese.errors import TrainingError
from siamese.network.backbones import BACKBONES
from siamese.network.twin import load_network
from siamese.training import loop
from siamese.training.config import TrainingConfig

CLASSES = 4


class Small(nn.Module):
    """A backbone that trains in a moment."""

    features = 16

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 8, stride=8), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(576, 16)
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return self.layers(crops)


def write_ferplus(root: Path, split: str, count: int) -> None:
    """Noisy stripes, whose direction and width say the class and survive mirroring; no detector sees a face in them."""
    random = np.random.default_rng(len(split))
    y, x = np.mgrid[:48, :48] / 48
    images, votes = [], np.zeros((count, 10), dtype=int)
    for row in range(count):
        label = row % CLASSES
        across, frequency = (x, y)[label % 2], (14, 28)[label // 2]
        stripes = np.sin(frequency * across + random.uniform(0, 6))
        file = io.BytesIO()
        Image.fromarray((128 + 60 * stripes + random.normal(0, 20, (48, 48))).clip(0, 255).astype(np.uint8)).save(
            file, "PNG"
        )
        images.append({"bytes": file.getvalue(), "path": f"{row}.png"})
        votes[row, label] = 10
    pq.write_table(pa.table({"image": images, "votes": votes.tolist()}), root / f"{split}.parquet")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingConfig:
    monkeypatch.setitem(BACKBONES, "small", Small)
    write_ferplus(tmp_path, "train", 160)
    write_ferplus(tmp_path, "validation", 40)
    return TrainingConfig(
        root=str(tmp_path),
        cache=str(tmp_path / "cache"),
        out=str(tmp_path / "run"),
        backbone="small",
        crops="whole",
        epochs=3,
        natural_per_batch=16,
        classes_per_batch=CLASSES,
        average_decay=0.8,
        head_learning_rate=1e-2,
        rotation=3.0,
        prior_strength=1.0,
        precision="32-true",
    )


def curve(config: TrainingConfig) -> list[dict[str, str]]:
    with (Path(config.out) / loop.CURVE).open() as file:
        return list(csv.DictReader(file))


def interrupt_after(batches: int, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send this process a signal while the given batch is computed."""
    counted = iter(range(10**6))
    original = loop.vote_loss

    def counting(*arguments: object) -> torch.Tensor:
        if next(counted) == batches:
            os.kill(os.getpid(), number)
        return original(*arguments)

    monkeypatch.setattr(loop, "vote_loss", counting)


def without_time(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_a_run_learns_and_leaves_its_network_and_its_curve(config: TrainingConfig) -> None:
    out = loop.train(dataclasses.replace(config, epochs=6))
    rows = curve(config)
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[-1]["vote_loss"]) < float(rows[0]["vote_loss"])
    assert max(float(row["accuracy"]) for row in rows) > 0.8  # of four classes
    assert load_network(out / loop.BEST).config.backbone == "small"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_resumes_exactly(
    config: TrainingConfig, number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loop.train(config)
    whole = dataclasses.replace(config)
    pieces = dataclasses.replace(config, out=str(tmp_path / "pieces"))
    with monkeypatch.context() as patch:
        interrupt_after(13, number, patch)  # in the middle of the second epoch
        loop.train(pieces)
    assert len(curve(pieces)) == 1
    loop.train(pieces, resume=True)
    assert without_time(curve(pieces)) == without_time(curve(whole))
    first, second = (load_file(Path(each.out) / loop.LAST) for each in (whole, pieces))
    for name, weights in first.items():
        torch.testing.assert_close(second[name], weights, rtol=0, atol=0)


def test_there_must_be_a_checkpoint_to_resume_from(config: TrainingConfig) -> None:
    with pytest.raises(TrainingError, match=r"no checkpoint .* to resume from"):
        loop.train(config, resume=True)


def test_a_checkpoint_of_another_network_is_refused(config: TrainingConfig) -> None:
    loop.train(dataclasses.replace(config, epochs=1))
    with pytest.raises(TrainingError, match="does not fit this configuration"):
        loop.train(dataclasses.replace(config, backbone="resnet18"), resume=True)


@pytest.mark.parametrize("metric_loss", ["triplet", "contrastive"])
def test_either_metric_loss_trains(config: TrainingConfig, metric_loss: str) -> None:
    loop.train(dataclasses.replace(config, epochs=1, metric_loss=metric_loss))
    assert np.isfinite(float(curve(config)[0]["metric_loss"]))
