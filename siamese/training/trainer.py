"""A network on its way: everything that changes from step to step, and the step that changes it."""

import math
import os
import shutil
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import update_bn

from siamese.errors import TrainingError
from siamese.network.backbones.layers import Backbone
from siamese.network.initial_weights import load_initial_weights
from siamese.network.twin import TwinConfig, TwinNetwork
from siamese.training import checkpoint
from siamese.training.augment import Augmenter
from siamese.training.checkpoint import Progress, Row
from siamese.training.config import AUTO, TrainingConfig, left_out
from siamese.training.data import TrainingData
from siamese.training.distillation import Teachers, taught_targets
from siamese.training.guard import CURES
from siamese.training.losses import metric_loss, training_log_prior, vote_loss
from siamese.training.mixing import mix
from siamese.training.optimisation import Schedule, make_optimizer, moving_average
from siamese.training.precision import fastest
from siamese.training.sampling import BatchSampler, class_shares, class_weights
from siamese.vocabulary import EMOTIONS

_MEASURING_CROPS = 512  # images on which the face weights' batch statistics are measured
_SETTLING_BATCHES = 32  # on which those of a network in training are, before it is validated


class Trainer:
    """Network, losses, optimiser, schedule and moving average of one run, on however many devices."""

    def __init__(
        self, config: TrainingConfig, data: TrainingData, fabric: Fabric, resumed: dict[str, Any] | None = None
    ) -> None:
        """Start a run, or go on from a checkpoint's content. Raises TrainingError where that cannot be."""
        self.config, self.data, self.fabric = config, data.on(fabric.device), fabric
        self.progress = Progress()
        self._sampler = BatchSampler(data.labels.numpy(), config, data.metric_labels.numpy())
        _require_even_shares(self._sampler.batch_size, fabric.world_size)
        self.steps_per_epoch = -(-self._sampler.batches_per_epoch // config.accumulate)
        torch.manual_seed(config.seed)
        self.network = TwinNetwork(TwinConfig(config.backbone, config.embedding_size, config.dropout))
        if config.initial_weights and resumed is None:
            load_initial_weights(self.network, config.initial_weights, data.crops(slice(_MEASURING_CROPS)))
        _freeze(self.network.backbone, config.frozen_stages)
        self._metric = metric_loss(config.metric_loss, config.given_margin, len(EMOTIONS), config.embedding_size)
        self._log_prior, self._class_weights = self._balance(data)
        self._targets, self._teachers = self._taught()
        self._average = moving_average(self.network, config.average_decay)
        self._optimizer = make_optimizer(self.network, self._metric, config)
        self._schedule = Schedule(self._optimizer, config, self.steps_per_epoch)
        self._augment = Augmenter(config)
        self._average.to(fabric.device).to(memory_format=torch.channels_last)
        self._metric.to(fabric.device)
        self.network.to(memory_format=torch.channels_last)
        twin = _synchronised(self.network, fabric)
        if config.compile == "yes":
            _require_compiler(fabric.device)
            twin.compile()
        self._twin, self._stepper = fabric.setup(twin, self._optimizer)
        if resumed is not None:
            self.progress = checkpoint.restore(resumed, self.states)
            self._schedule.note(self.progress.scores)

    @property
    def states(self) -> dict[str, Any]:
        """What a checkpoint must hold, beside `progress`."""
        return {
            "network": self.network,
            "average": self._average,
            "metric_loss": self._metric,
            "optimizer": self._optimizer,
            "schedule": self._schedule,
        }

    @property
    def averaged(self) -> TwinNetwork:
        """The network with the moving average of its weights: the one to measure and to ship."""
        module = self._average.module
        assert isinstance(module, TwinNetwork)
        return module

    def settle(self) -> None:
        """Let the averaged network's batch norms measure their inputs anew, on batches like those it learned from.

        The running statistics lag behind weights that still change: after few steps a network that learns well reads
        all faces alike by them (Wu and Johnson: Rethinking «batch» in BatchNorm, 2021).
        """
        update_bn(self._settling_crops(), self.averaged)

    def _settling_crops(self) -> Iterator[torch.Tensor]:
        for number, rows in enumerate(islice(self._sampler.epoch(self.progress.epoch), _SETTLING_BATCHES)):
            seed = self._seed(number)
            crops = self._augmented(torch.from_numpy(rows), seed)
            torch.manual_seed(seed)  # of dropout, which some backbones have before a batch norm
            yield crops.to(self.fabric.device, memory_format=torch.channels_last)

    def epoch(self) -> Iterator[float]:
        """Train on what is left of the epoch at hand, yielding each step's loss."""
        self._twin.train()
        batches = self._sampler.epoch(self.progress.epoch)
        for step in range(self.steps_per_epoch):
            together = list(islice(batches, self.config.accumulate))
            if step >= self.progress.step:
                auxiliary, metric = self._step(together)
                self.progress.end_step(auxiliary, metric)
                yield self.config.auxiliary_weight * auxiliary + self.config.metric_weight * metric

    def end_epoch(self, measures: Row) -> Row:
        """Go on to the next epoch; the answer is this one's losses and what was measured after it."""
        row = self.progress.end_epoch(measures)
        self._schedule.note(self.progress.scores)
        return row

    def _step(self, batches: list[NDArray[np.int64]]) -> tuple[float, float]:
        """Forward, both losses and backward of each batch, and one update of the weights; returns the mean losses."""
        sums = np.zeros(2)
        for number, rows in enumerate(batches):
            last = number == len(batches) - 1
            with self.fabric.no_backward_sync(self._twin, enabled=not last):
                auxiliary, metric = self._losses(torch.from_numpy(rows), self._seed(number))
                loss = self.config.auxiliary_weight * auxiliary + self.config.metric_weight * metric
                self._require_finite("loss", loss)
                self.fabric.backward(loss / len(batches))
            sums += auxiliary.item(), metric.item()
        for weights in self._metric.parameters():  # which the network's own synchronisation does not know of
            weights.grad = _tensor(self.fabric.all_reduce(_tensor(weights.grad), reduce_op="mean"))
        limit = self.config.gradient_clip or math.inf
        norm = self.fabric.clip_gradients(self._twin, self._stepper, max_norm=limit, error_if_nonfinite=False)
        self._require_finite("gradient", norm)
        self._stepper.step()
        self._stepper.zero_grad()
        self._schedule.end_step()
        self._average.update_parameters(self.network)
        auxiliary_mean, metric_mean = (sums / len(batches)).tolist()
        return auxiliary_mean, metric_mean

    def _losses(self, rows: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """The auxiliary and the metric loss of a batch, over all devices: each computes its own share of the
        embeddings, and all of them the same losses."""
        crops = self._augmented(rows, seed)
        crops, targets, labels = mix(crops, self._targets[rows], self.data.metric_labels[rows], self.config, seed)
        torch.manual_seed(seed + self.fabric.global_rank)  # of dropout
        own = crops.chunk(self.fabric.world_size)[self.fabric.global_rank].to(memory_format=torch.channels_last)
        embeddings = self._gathered(self._twin(own).float())
        similarities = embeddings @ F.normalize(self.network.proxies, dim=1).T
        if self._teachers:
            reading = self._gathered(self._teachers.read(own))
            targets = (1 - self.config.teacher_share) * targets + self.config.teacher_share * reading
        auxiliary = vote_loss(
            similarities,
            targets,
            self.config.scale,
            self._log_prior,
            self.config.auxiliary_loss,
            self.config.label_smoothing,
            self._class_weights,
        )
        return auxiliary, self._metric(embeddings, labels, targets)

    def _gathered(self, share: torch.Tensor) -> torch.Tensor:
        """What the devices have computed of a batch, in its order, on all of them."""
        if self.fabric.world_size == 1:
            return share
        return _tensor(self.fabric.all_gather(share, sync_grads=share.requires_grad)).flatten(0, 1)

    def _augmented(self, rows: torch.Tensor, seed: int) -> torch.Tensor:
        random = torch.Generator(self.fabric.device).manual_seed(seed)
        return self._augment(self.data.images[rows], self.data.transforms[rows], random)

    def _balance(self, data: TrainingData) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What the auxiliary term adds to the logits, (c,), and the weights of its classes, (c,), where it has any."""
        targets, device = data.targets.numpy(), self.fabric.device
        batch_prior, data_prior = map(torch.from_numpy, (self._sampler.prior(targets), class_shares(targets)))
        log_prior = training_log_prior(batch_prior, data_prior, self.config.prior_strength).float().to(device)
        if self.config.class_weights == "none":
            return log_prior, None
        return log_prior, torch.from_numpy(class_weights(data.labels.numpy())).float().to(device)

    def _taught(self) -> tuple[torch.Tensor, Teachers | None]:
        """The votes (n, 8), with what teachers see in the pictures mixed in; or the votes and teachers of crops."""
        config, teachers = self.config, self.config.teachers.split(",") if self.config.teachers else []
        scale = config.teacher_scale or config.scale
        unknown = torch.from_numpy(np.isin(EMOTIONS, left_out(config))).to(self.fabric.device)
        log_prior = self._log_prior.masked_fill(unknown, -math.inf)  # whatever teachers see of them
        if not teachers:
            return self.data.targets, None
        if config.teacher_view == "crop":
            return self.data.targets, Teachers(teachers, scale, log_prior)
        with self.fabric.rank_zero_first():
            targets = taught_targets(self.data, teachers, config.teacher_share, scale, log_prior, config.cache)
        return targets, None

    def _require_finite(self, what: str, value: torch.Tensor | None) -> None:
        if value is not None and not torch.isfinite(value):
            place = f"epoch {self.progress.epoch + 1}, step {self.progress.step + 1}"
            raise TrainingError(f"The {what} is not a finite number any more, in {place}. {CURES}")

    def _seed(self, number: int) -> int:
        """Seeded by its place in the run, a batch comes out the same whether or not the run was interrupted."""
        place = [self.config.seed, self.progress.epoch, self.progress.step, number]
        return int(np.random.SeedSequence(place).generate_state(1)[0])


def make_fabric(config: TrainingConfig) -> Fabric:
    """Where the run computes: one device, or one process for each of several, under torchrun or started here.

    Raises TrainingError where torchrun started another number of processes, the machine has no such devices, or hosts
    of different kinds would compute in different precisions.
    """
    several = config.devices * config.nodes > 1
    started = int(os.environ.get("WORLD_SIZE", config.devices * config.nodes))
    if started != config.devices * config.nodes:
        raise TrainingError(
            f"{started} processes were started for --devices {config.devices} on each of --nodes {config.nodes}. "
            "Give as many as torchrun does."
        )
    try:
        fabric = Fabric(
            accelerator=config.accelerator,
            strategy="ddp" if several else "auto",
            devices=config.devices,
            num_nodes=config.nodes,
            precision=fastest(config.accelerator) if config.precision == AUTO else config.precision,
        )
    except (RuntimeError, MisconfigurationException) as error:
        raise TrainingError(
            f"--accelerator {config.accelerator} with --devices {config.devices} cannot be had here. Leave "
            f"--accelerator out to take what there is, or ask for fewer --devices. Fabric says: {error}"
        ) from error
    fabric.launch()
    _require_one_precision(fabric, config)
    return fabric


def _freeze(backbone: Backbone, count: int) -> None:
    """Let the weights of the first stages stay; their batch norms still see each batch. Most of a network's time goes
    into its first stages, and what they see is much the same for all faces."""
    stages = backbone.parts()
    if count > len(stages):
        raise TrainingError(f"--frozen-stages is {count}, but this backbone has {len(stages)} stages.")
    for stage in stages[:count]:
        stage.requires_grad_(False)


def _require_compiler(device: torch.device) -> None:
    """What PyTorch compiles for a CPU is C++."""
    compilers = [name for name in (os.environ.get("CXX"), "g++", "clang++") if name]
    if device.type == "cpu" and not any(map(shutil.which, compilers)):
        raise TrainingError(
            f"--compile yes needs a C++ compiler: {' or '.join(compilers)}. Install one, or leave it out."
        )


def _require_even_shares(batch_size: int, devices: int) -> None:
    """Each device has its share of a batch, of at least two images: a batch norm cannot measure one."""
    if batch_size % devices or batch_size < 2 * devices:
        raise TrainingError(
            f"{devices} devices cannot share a batch of {batch_size} images evenly, at least two each. Change "
            "--natural-per-batch, --classes-per-batch or --samples-per-class."
        )


def _require_one_precision(fabric: Fabric, config: TrainingConfig) -> None:
    """Each host has decided by its own processor, or by what it knows of the run that goes on."""
    if fabric.world_size == 1:
        return
    own = torch.tensor(float(config.precision == "bf16-mixed"), device=fabric.device)
    if _tensor(fabric.all_reduce(own, reduce_op="sum")).item() not in (0, fabric.world_size):
        raise TrainingError(
            "Some of the hosts would compute in bfloat16 and others in single precision. Give all of them the same "
            "--precision, which is that of the run where one goes on: 32-true computes everywhere."
        )


def _tensor(value: object) -> torch.Tensor:
    """What Fabric and autograd hand out under wider types."""
    assert isinstance(value, torch.Tensor)
    return value


def _synchronised(network: TwinNetwork, fabric: Fabric) -> nn.Module:
    """Batch norms that measure a batch over all devices, where PyTorch has them: on GPUs."""
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    return network
