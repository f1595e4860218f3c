"""Learning rates follow their curves, resume where they were, and the moving average is the one of the formula."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from siamese.network.twin import TwinConfig, TwinNetwork
from siamese.training.config import TrainingConfig
from siamese.training.optimisation import Schedule, make_optimizer, moving_average, share_of_cycle

STEPS = 10  # an epoch
CONFIG = TrainingConfig(epochs=7, warmup=0.1, first_cycle=1, plateau_patience=2)


def schedule(name: str) -> Schedule:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    return Schedule(optimizer, dataclasses.replace(CONFIG, schedule=name), STEPS)


@pytest.mark.parametrize("name", ["cosine", "restarts", "plateau", "constant"])
def test_every_schedule_rises_to_the_peak_over_the_warm_up(name: str) -> None:
    factor = schedule(name).factor
    assert [factor(step) for step in range(7)] == pytest.approx([(step + 1) / 7 for step in range(7)])
    assert factor(7) == pytest.approx(1.0)


def test_cosine_falls_to_zero_over_the_run() -> None:
    factor = schedule("cosine").factor
    assert factor(7 + (70 - 7) // 2) == pytest.approx(0.5, abs=0.03)
    assert factor(70) == pytest.approx(0.0, abs=1e-9)


def test_restarts_come_at_the_end_of_cycles_that_double() -> None:
    factor = schedule("restarts").factor
    peaks = [step for step in range(8, 140) if factor(step) > 0.999 and factor(step - 1) < 0.1]
    assert peaks == [7 + 10, 7 + 30, 7 + 70]
    assert share_of_cycle(10 + 5, 10) == pytest.approx(0.25)


def test_a_plateau_lowers_the_rate_to_a_tenth_when_the_score_stops_rising() -> None:
    rates = schedule("plateau")
    scores, seen = (0.5, 0.6, 0.6, 0.55, 0.7, 0.7, 0.7), []
    for epoch in range(1, len(scores) + 1):
        rates.note(scores[:epoch])
        seen.append(rates.factor(50))
    assert seen == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01])


@pytest.mark.parametrize("name", ["cosine", "restarts", "plateau"])
def test_a_schedule_goes_on_where_it_was(name: str) -> None:
    def rates(resumed_at: int | None) -> list[float]:
        weights = nn.Parameter(torch.zeros(1))
        config = dataclasses.replace(CONFIG, schedule=name)
        optimizer = torch.optim.SGD([weights], lr=1.0)
        current, seen = Schedule(optimizer, config, STEPS), []
        for step in range(60):
            if step == resumed_at:
                states = optimizer.state_dict(), current.state_dict()
                optimizer = torch.optim.SGD([weights], lr=1.0)
                current = Schedule(optimizer, config, STEPS)
                optimizer.load_state_dict(states[0])
                current.load_state_dict(states[1])
            current.note([0.5] * (step // STEPS))
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            current.end_step()
        return seen

    assert rates(resumed_at=33) == pytest.approx(rates(resumed_at=None))


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)])
def test_an_optimiser_moves_every_parameter_and_decays_only_the_backbones_weights(name: str, kind: type) -> None:
    network, extra = TwinNetwork(TwinConfig("resnet18")), nn.Linear(2, 2)
    config = TrainingConfig(optimizer=name, weight_decay=0.1, head_learning_rate=0.5)
    optimizer = make_optimizer(network, extra, config)
    assert isinstance(optimizer, kind)
    decays = {id(weights): group["weight_decay"] for group in optimizer.param_groups for weights in group["params"]}
    assert set(decays) == {id(weights) for weights in (*network.parameters(), *extra.parameters())}
    backbone = {id(weights): weights.ndim > 1 for weights in network.backbone.parameters()}
    assert all(decay == (0.1 if backbone.get(weights, False) else 0.0) for weights, decay in decays.items())


def test_what_has_initial_weights_learns_at_a_rate_of_its_own() -> None:
    network = TwinNetwork(TwinConfig("resnet18"))
    config = TrainingConfig(learning_rate=0.1, head_learning_rate=0.5)
    for source, expected in (("", [0.5, 0.5, 0.5]), ("imagenet", [0.1, 0.1, 0.5])):
        optimizer = make_optimizer(network, nn.Identity(), dataclasses.replace(config, initial_weights=source))
        assert [group["lr"] for group in optimizer.param_groups] == expected


def test_the_moving_average_is_that_of_the_formula() -> None:
    network = TwinNetwork(TwinConfig("resnet18"))
    average = moving_average(network, decay=0.3)
    expected = math.nan
    for update in range(6):
        with torch.no_grad():
            network.proxies.fill_(float(update))
        average.update_parameters(network)
        decay = min(0.3, (1 + update) / (10 + update))
        expected = float(update) if update == 0 else decay * expected + (1 - decay) * update
    assert average.module.proxies[0, 0].item() == pytest.approx(expected, rel=1e-5)
