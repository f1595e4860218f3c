"""A configuration → a trained twin network: the recipe, top to bottom."""

import csv
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from siamese.metric.verification import count_pairs, roc_auc
from siamese.network.backbones import MobileNetFaces
from siamese.network.face_weights import load_face_weights
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.training import checkpoint
from siamese.training.augment import Augmenter
from siamese.training.config import TrainingConfig
from siamese.training.data import TrainingData, ValidationData
from siamese.training.losses import metric_loss, training_log_prior, vote_loss
from siamese.training.sampling import BatchSampler, class_shares

CHECKPOINT = "checkpoint.pt"
BEST, LAST = "best.safetensors", "last.safetensors"
CURVE, CONFIG = "epochs.csv", "config.json"

_MEASURING_CROPS = 512  # images on which the face weights' batch statistics are measured
_VALIDATION_BATCH = 128
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def train(config: TrainingConfig, resume: bool = False) -> Path:
    """Run, or resume, the training that `config` describes; returns the folder with its checkpoints and CSV.

    SIGINT and SIGTERM save a checkpoint and end the run. Raises TrainingError or DatasetError where it cannot start.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    trainer = Trainer(config, TrainingData.load(config))
    validation = ValidationData.load(config)
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        trainer.progress = checkpoint.load(out / CHECKPOINT, trainer.states)
    (out / CONFIG).write_text(json.dumps(asdict(config), indent=2) + "\n")

    progress = trainer.progress
    with _interrupted() as interrupted, _bars() as bars:
        while progress.epoch < config.epochs:
            started = time.monotonic()
            for _ in _shown(bars, trainer):
                if interrupted():
                    checkpoint.save(out / CHECKPOINT, progress, trainer.states)
                    bars.console.print(f"Interrupted. Nothing is lost: continue with --resume --out {out}.")
                    return out
            measures = validate(trainer.averaged, validation)
            terms = progress.end_epoch()
            if measures["score"] > progress.best_score:
                progress.best_score, progress.best_epoch = measures["score"], progress.epoch
                save_network(trainer.averaged, out / BEST)
            save_network(trainer.averaged, out / LAST)
            row = {"epoch": progress.epoch, **terms, **measures, "seconds": time.monotonic() - started}
            _append(out / CURVE, row, fresh=progress.epoch == 1)
            checkpoint.save(out / CHECKPOINT, progress, trainer.states)
            bars.console.print("  ".join(f"{name} {value:.4g}" for name, value in row.items()))
    return out


class Trainer:
    """A network on its way: everything that changes from batch to batch, and the step that changes it."""

    def __init__(self, config: TrainingConfig, data: TrainingData) -> None:
        self.config, self.data = config, data
        self.progress = checkpoint.Progress()
        self.sampler = BatchSampler(data.labels.numpy(), config)
        torch.manual_seed(config.seed)
        self.network = _network(config, data)
        self.average = AveragedModel(
            self.network, multi_avg_fn=get_ema_multi_avg_fn(config.average_decay), use_buffers=True
        )
        self.optimizer = _optimizer(self.network, config)
        steps = config.epochs * self.sampler.batches_per_epoch
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: warmup_then_cosine(step, steps, config.warmup)
        )
        self.fabric = Fabric(accelerator="auto", devices=1, precision=config.precision)
        self.average.to(self.fabric.device)
        self.network.to(memory_format=torch.channels_last)
        self._twin, self._fabric_optimizer = self.fabric.setup(self.network, self.optimizer)
        self._augment = Augmenter(config)
        self._metric_loss = metric_loss(config.metric_loss, config.margin)
        targets = data.targets.numpy()
        batch_prior, data_prior = torch.from_numpy(self.sampler.prior(targets)), torch.from_numpy(class_shares(targets))
        log_prior = training_log_prior(batch_prior, data_prior, config.prior_strength)
        self._log_prior = log_prior.float().to(self.fabric.device)

    @property
    def states(self) -> dict[str, Any]:
        """What a checkpoint must hold, beside `progress`."""
        return {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }

    @property
    def averaged(self) -> TwinNetwork:
        """The network with the moving average of its weights: the one to measure and to ship."""
        module = self.average.module
        assert isinstance(module, TwinNetwork)
        return module

    def epoch(self) -> Iterator[float]:
        """Train on what is left of the epoch at hand, yielding each batch's loss."""
        self._twin.train()
        for batch, rows in enumerate(self.sampler.epoch(self.progress.epoch)):
            if batch >= self.progress.batch:
                # Seeded by its place in the run, a batch comes out the same whether or not the run was interrupted.
                seed = int(np.random.SeedSequence([self.config.seed, self.progress.epoch, batch]).generate_state(1)[0])
                vote_term, metric_term = self._step(torch.from_numpy(rows), seed)
                self.progress.end_batch(vote_term, metric_term)
                yield vote_term + self.config.metric_weight * metric_term

    def _step(self, rows: torch.Tensor, seed: int) -> tuple[float, float]:
        """One batch: forward, both losses, backward, and the weights' update; returns the two losses."""
        device = self.fabric.device
        torch.manual_seed(seed)
        crops = self._augment(self.data.images[rows], self.data.transforms[rows], torch.Generator().manual_seed(seed))
        embeddings = self._twin(crops.to(device, memory_format=torch.channels_last)).float()
        similarities = embeddings @ F.normalize(self.network.proxies, dim=1).T
        vote_term = vote_loss(similarities, self.data.targets[rows].to(device), self.config.scale, self._log_prior)
        metric_term = self._metric_loss(embeddings, self.data.labels[rows].to(device))
        self.fabric.backward(vote_term + self.config.metric_weight * metric_term)
        if self.config.gradient_clip:
            self.fabric.clip_gradients(self._twin, self._fabric_optimizer, max_norm=self.config.gradient_clip)
        self._fabric_optimizer.step()
        self._fabric_optimizer.zero_grad()
        self.schedule.step()
        self.average.update_parameters(self.network)
        return vote_term.item(), metric_term.item()


@torch.no_grad()
def validate(network: TwinNetwork, data: ValidationData) -> dict[str, float]:
    """Recognition by the nearest proxy and verification over all pairs of the validation crops.

    `score`, the mean of the three figures, decides which epoch is best.
    """
    network.eval()
    device = network.proxies.device
    embeddings = torch.cat([network(part.to(device)).float().cpu() for part in data.crops.split(_VALIDATION_BATCH)])
    nearest = (embeddings @ F.normalize(network.proxies, dim=1).cpu().T).argmax(dim=1).numpy()
    measures = {
        "accuracy": float(accuracy_score(data.labels, nearest)),
        "balanced_accuracy": float(balanced_accuracy_score(data.labels, nearest)),
        "roc_auc": roc_auc(count_pairs(embeddings.numpy(), data.labels)),
    }
    return {**measures, "score": float(np.mean(list(measures.values())))}


def warmup_then_cosine(step: int, steps: int, warmup: float) -> float:
    """The factor on the peak learning rate: linear up over the share `warmup` of all steps, then half a cosine down."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + float(np.cos(np.pi * (step - rising) / max(1, steps - rising))))


def _network(config: TrainingConfig, data: TrainingData) -> TwinNetwork:
    network = TwinNetwork(TwinConfig(backbone=config.backbone, dropout=config.dropout))
    if config.face_weights and isinstance(network.backbone, MobileNetFaces):
        load_face_weights(network.backbone, config.face_weights, data.crops(_MEASURING_CROPS))
    return network


def _optimizer(network: TwinNetwork, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW with a higher rate for what starts from nothing, and no decay of norms, biases and the embedding."""
    backbone = list(network.backbone.parameters())
    head = [*network.head.parameters(), network.proxies]
    return torch.optim.AdamW(
        [
            {"params": [weights for weights in backbone if weights.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [weights for weights in backbone if weights.ndim <= 1], "weight_decay": 0.0},
            {"params": head, "weight_decay": 0.0, "lr": config.head_learning_rate},
        ],
        lr=config.learning_rate if config.face_weights else config.head_learning_rate,
    )


@contextmanager
def _interrupted() -> Iterator[Callable[[], bool]]:
    """Inside, SIGINT and SIGTERM only raise a flag, which the yielded function reads."""
    received: list[int] = []
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in _SIGNALS}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bars() -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(
        TextColumn("{task.description}"), *columns, TextColumn("{task.fields[loss]}"), console=Console(stderr=True)
    )


def _shown(bars: Progress, trainer: Trainer) -> Iterator[float]:
    """The epoch's losses, drawn as a bar on their way."""
    name = f"Epoch {trainer.progress.epoch + 1}/{trainer.config.epochs}"
    bar = bars.add_task(name, total=trainer.sampler.batches_per_epoch, completed=trainer.progress.batch, loss="loss …")
    for loss in trainer.epoch():
        bars.update(bar, advance=1, loss=f"loss {loss:.3f}")
        yield loss


def _append(path: Path, row: dict[str, float], fresh: bool) -> None:
    with path.open("w" if fresh else "a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
