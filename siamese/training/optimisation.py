"""A network and a configuration → its optimiser, its learning rates at every step, and the average of its weights."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from siamese.network.twin import TwinNetwork
from siamese.training.config import TrainingConfig

_MOMENTUM = 0.9

Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


def make_optimizer(network: TwinNetwork, extra: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW or SGD with Nesterov's momentum; a higher rate for what starts from nothing, and no decay of norms, biases
    and the head.

    `extra` holds the metric loss's own parameters, if it has any. A backbone without initial weights learns at the
    head's rate.
    """
    backbone = list(network.backbone.parameters())
    head = [*network.head.parameters(), network.proxies, *extra.parameters()]
    groups = [
        {"params": [weights for weights in backbone if weights.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [weights for weights in backbone if weights.ndim <= 1], "weight_decay": 0.0},
        {"params": head, "weight_decay": 0.0, "lr": config.head_learning_rate},
    ]
    rate = config.learning_rate if config.initial_weights else config.head_learning_rate
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=_MOMENTUM, nesterov=True)
    return torch.optim.AdamW(groups, lr=rate)


class Schedule:
    """The learning rates: a rise over the first steps, then the curve by name, times what the plateau has taken off.

    `cosine` falls to zero over the run; `restarts` falls to zero and starts anew, each cycle twice as long as the last
    (Loshchilov and Hutter, SGDR, 2017); `plateau` stays until validation stops rising for `plateau_patience` epochs,
    and then falls to a tenth; `constant` stays.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, config: TrainingConfig, steps_per_epoch: int) -> None:
        self._config = config
        self._steps = config.epochs * steps_per_epoch
        self._first_cycle = config.first_cycle * steps_per_epoch
        self._reduction = 1.0
        self._rates = torch.optim.lr_scheduler.LambdaLR(optimizer, self.factor)

    def factor(self, step: int) -> float:
        """What the peak learning rates are multiplied by at a step."""
        rising = max(1, round(self._config.warmup * self._steps))
        if step < rising:
            return (step + 1) / rising
        if self._config.schedule == "cosine":
            return half_cosine((step - rising) / max(1, self._steps - rising))
        if self._config.schedule == "restarts":
            return half_cosine(share_of_cycle(step - rising, self._first_cycle))
        return self._reduction

    def end_step(self) -> None:
        """Set the rates of the next step."""
        self._rates.step()

    def note(self, scores: Sequence[float]) -> None:
        """Tell validation's score after each epoch so far, on which `plateau` decides."""
        if self._config.schedule == "plateau":
            self._reduction = plateau_factor(scores, self._config.plateau_patience)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps. The rates themselves are in the optimiser's state."""
        return {"step": self._rates.last_epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self._rates.last_epoch = state["step"]


def plateau_factor(scores: Sequence[float], patience: int) -> float:
    """A tenth for every time that `patience` epochs went by without a better score."""
    factor, best, waited = 1.0, -math.inf, 0
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
        if waited == patience:
            factor, waited = factor / 10, 0
    return factor


def half_cosine(share: float) -> float:
    """From 1 at a share of 0 down to 0 at 1."""
    return 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


def share_of_cycle(step: int, first_cycle: int) -> float:
    """How much of the cycle at hand is over, where each cycle is twice as long as the one before."""
    cycle = int(math.log2(step / first_cycle + 1))
    start, length = first_cycle * (2**cycle - 1), first_cycle * 2**cycle
    return (step - start) / length


def moving_average(network: TwinNetwork, decay: float) -> AveragedModel:
    """The exponential moving average of weights and statistics.

    The decay grows with the updates n as (1 + n) / (10 + n) until it reaches `decay`, so that a short run's average is
    not its first weights.
    """

    def update(averages: Tensors, weights: Tensors, updates: torch.Tensor | int) -> None:
        grown = (1 + int(updates)) / (10 + int(updates))
        get_ema_multi_avg_fn(min(decay, grown))(averages, weights, updates)

    return AveragedModel(network, multi_avg_fn=update, use_buffers=True)
