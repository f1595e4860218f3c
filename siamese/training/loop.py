"""A configuration → a trained twin network: the recipe, top to bottom."""

import csv
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from siamese.datasets import crops, ferplus
from siamese.datasets.samples import Samples
from siamese.metric.verification import count_pairs, roc_auc
from siamese.network.face_weights import load_face_weights
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.training import checkpoint
from siamese.training.augment import Augmenter, cut
from siamese.training.config import TrainingConfig
from siamese.training.losses import metric_loss, training_log_prior, vote_loss
from siamese.training.sampling import BatchSampler, class_shares

CHECKPOINT, BEST, LAST, CURVE, CONFIG = "checkpoint.pt", "best.safetensors", "last.safetensors", "epochs.csv", "config.json"
_MEASURING_CROPS = 512  # images that measure the face weights' batch statistics
_VALIDATION_BATCH = 128


def train(config: TrainingConfig, resume: bool = False) -> Path:
    """Run, or resume, the training that `config` describes; returns the folder with its checkpoints and CSV.

    SIGINT and SIGTERM save a checkpoint and end the run. Raises TrainingError or DatasetError where it cannot start.
    """
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    fabric = Fabric(accelerator="auto", devices=1, precision=config.precision)

    samples = ferplus.load(config.root, "train")
    rows = _some_rows(len(samples), config.limit, config.seed)
    transforms = torch.from_numpy(_transforms(samples, config)[rows])
    samples = samples.take(rows)
    validation = ferplus.load(config.root, "validation").labelled()
    images = torch.from_numpy(samples.images)
    validation_crops = cut(*map(torch.from_numpy, (validation.images, _transforms(validation, config))))

    network = _network(config, cut(images[:_MEASURING_CROPS], transforms[:_MEASURING_CROPS]))
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(config.average_decay), use_buffers=True)
    sampler = BatchSampler(samples.labels, config)
    steps = config.epochs * sampler.batches_per_epoch
    optimizer = _optimizer(network, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _warmup_then_cosine(step, steps, config.warmup))
    states = {"network": network, "average": average, "optimizer": optimizer, "schedule": schedule}
    progress = checkpoint.load(out / CHECKPOINT, states) if resume else checkpoint.Progress()
    network.to(memory_format=torch.channels_last)
    average.to(device=fabric.device, memory_format=torch.channels_last)
    twin, fabric_optimizer = fabric.setup(network, optimizer)

    loss_of_pairs = metric_loss(config.metric_loss, config.margin)
    data_prior, batch_prior = (torch.from_numpy(p) for p in (class_shares(samples.targets), sampler.prior(samples.targets)))
    log_prior = training_log_prior(batch_prior, data_prior, config.prior_strength).float().to(fabric.device)
    targets, labels = torch.from_numpy(samples.targets), torch.from_numpy(samples.labels)
    augment = Augmenter(config)
    (out / CONFIG).write_text(json.dumps(asdict(config), indent=2) + "\n")

    with _interruptible() as interrupted, _bar() as bar:
        while progress.epoch < config.epochs:
            started, losses = time.monotonic(), []
            task = bar.add_task(f"Epoch {progress.epoch + 1}/{config.epochs}", total=sampler.batches_per_epoch, loss="…")
            twin.train()
            for batch, rows in enumerate(sampler.epoch(progress.epoch)):
                if batch < progress.batch:  # done before the run was interrupted
                    bar.advance(task)
                    continue
                random = torch.Generator().manual_seed(hash((config.seed, progress.epoch, batch)))
                torch.manual_seed(hash((config.seed, progress.epoch, batch, 1)))
                varied = augment(images[rows], transforms[rows], random).to(fabric.device)
                embeddings = twin(varied.contiguous(memory_format=torch.channels_last)).float()

                proxies = torch.nn.functional.normalize(network.proxies, dim=1)
                vote_term = vote_loss(embeddings @ proxies.T, targets[rows].to(fabric.device), config.scale, log_prior)
                metric_term = loss_of_pairs(embeddings, labels[rows].to(fabric.device))
                loss = vote_term + config.metric_weight * metric_term
                fabric.backward(loss)
                if config.gradient_clip:
                    fabric.clip_gradients(twin, fabric_optimizer, max_norm=config.gradient_clip)
                fabric_optimizer.step()
                fabric_optimizer.zero_grad()
                schedule.step()
                average.update_parameters(network)

                losses.append((loss.item(), vote_term.item(), metric_term.item()))
                progress.batch = batch + 1
                bar.update(task, advance=1, loss=f"{np.mean([each[0] for each in losses[-50:]]):.3f}")
                if interrupted():
                    checkpoint.save(out / CHECKPOINT, progress, states)
                    bar.console.print(f"Interrupted. Everything is saved; continue with --resume --out {out}.")
                    return out

            averaged: TwinNetwork = average.module
            measures = validate(averaged, validation_crops, validation)
            progress.epoch, progress.batch = progress.epoch + 1, 0
            if measures["score"] > progress.best_score:
                progress.best_score, progress.best_epoch = measures["score"], progress.epoch
                save_network(averaged, out / BEST)
            save_network(averaged, out / LAST)
            terms = dict(zip(("loss", "vote_loss", "metric_loss"), np.mean(losses, axis=0), strict=True))
            row = {"epoch": progress.epoch, **terms, **measures, "seconds": time.monotonic() - started}
            _append(out / CURVE, row, fresh=progress.epoch == 1)
            checkpoint.save(out / CHECKPOINT, progress, states)
            bar.console.print("  ".join(f"{name} {value:.4g}" for name, value in row.items()))
    return out


@torch.no_grad()
def validate(network: TwinNetwork, validation_crops: torch.Tensor, samples: Samples) -> dict[str, float]:
    """Recognition by the nearest proxy and verification over all pairs, on crops (n, 1, h, w) with their labels.

    `score`, the mean of the three figures, decides which epoch is best.
    """
    network.eval()
    device = network.proxies.device
    embeddings = torch.cat([network(part.to(device)).float().cpu() for part in validation_crops.split(_VALIDATION_BATCH)])
    nearest = (embeddings @ torch.nn.functional.normalize(network.proxies, dim=1).cpu().T).argmax(dim=1).numpy()
    measures = {
        "accuracy": float(accuracy_score(samples.labels, nearest)),
        "balanced_accuracy": float(balanced_accuracy_score(samples.labels, nearest)),
        "roc_auc": roc_auc(count_pairs(embeddings.numpy(), samples.labels)),
    }
    return {**measures, "score": float(np.mean(list(measures.values())))}


def _network(config: TrainingConfig, measuring_crops: torch.Tensor) -> TwinNetwork:
    network = TwinNetwork(TwinConfig(backbone=config.backbone, dropout=config.dropout))
    if config.face_weights:
        load_face_weights(network.backbone, config.face_weights, measuring_crops)
    return network


def _optimizer(network: TwinNetwork, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW with a higher rate for what starts from nothing, and no decay of norms and biases."""
    backbone = list(network.backbone.parameters())
    fresh = not config.face_weights
    head = [*network.head.parameters(), network.proxies]
    return torch.optim.AdamW(
        [
            {"params": [weight for weight in backbone if weight.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [weight for weight in backbone if weight.ndim <= 1], "weight_decay": 0.0},
            {"params": head, "weight_decay": 0.0, "lr": config.head_learning_rate},
        ],
        lr=config.head_learning_rate if fresh else config.learning_rate,
    )


def _warmup_then_cosine(step: int, steps: int, warmup: float) -> float:
    """The factor on the peak learning rate: linear up over the first share `warmup` of all steps, a half cosine down."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + float(np.cos(np.pi * (step - rising) / max(1, steps - rising))))


def _transforms(samples: Samples, config: TrainingConfig) -> np.ndarray:
    return crops.transforms(samples, config.crops, config.cache)


def _some_rows(count: int, limit: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).permutation(count)
    return np.sort(rows[: limit or count])


@contextmanager
def _interruptible() -> Iterator[Any]:
    """Inside, SIGINT and SIGTERM only raise a flag, which the yielded function reads."""
    flag: list[int] = []
    before = {number: signal.signal(number, lambda number, _: flag.append(number)) for number in _SIGNALS}
    try:
        yield lambda: bool(flag)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("loss {task.fields[loss]}"),
    )


def _append(path: Path, row: dict[str, float], fresh: bool) -> None:
    with path.open("w" if fresh else "a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)
