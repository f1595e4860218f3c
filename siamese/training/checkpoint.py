"""A run's state ⇄ one file, written so that no moment of interruption loses the previous one."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from siamese.errors import TrainingError

Row = dict[str, float]


@dataclass
class Progress:
    """How far a run is: the epoch at hand, the steps done of it with their losses, and a row for each epoch before."""

    epoch: int = 0
    step: int = 0
    auxiliary_sum: float = 0.0
    metric_sum: float = 0.0
    rows: list[Row] = field(default_factory=list)

    @property
    def best_epoch(self) -> int:
        """The epoch, from 1, with the highest validation score; 0 before the first."""
        return self.scores.index(max(self.scores)) + 1 if self.rows else 0

    @property
    def scores(self) -> list[float]:
        """The validation score after each epoch."""
        return [row["score"] for row in self.rows]

    def end_step(self, auxiliary: float, metric: float) -> None:
        """Count a step with its two losses."""
        self.step += 1
        self.auxiliary_sum += auxiliary
        self.metric_sum += metric

    def end_epoch(self, measures: Row) -> Row:
        """Go on to the next epoch; the answer, kept in `rows`, is this one's mean losses and what was measured."""
        means = {"auxiliary_loss": self.auxiliary_sum / self.step, "metric_loss": self.metric_sum / self.step}
        self.epoch += 1
        self.step, self.auxiliary_sum, self.metric_sum = 0, 0.0, 0.0
        self.rows.append({"epoch": self.epoch, **means, **measures})
        return self.rows[-1]


def save(path: Path, progress: Progress, states: dict[str, Any]) -> None:
    """Write progress and the state dicts of everything that changes while training."""
    unfinished = path.with_suffix(".partial")
    torch.save({"progress": asdict(progress), **{name: part.state_dict() for name, part in states.items()}}, unfinished)
    unfinished.replace(path)


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote, for `restore`. Raises TrainingError when the file is damaged."""
    try:
        return dict(torch.load(path, weights_only=True, map_location="cpu"))
    except (RuntimeError, ValueError, TypeError, EOFError, UnpicklingError) as error:
        raise TrainingError(f"{path} is damaged: {error}") from error


def restore(content: dict[str, Any], states: dict[str, Any]) -> Progress:
    """Give every part its state back. Raises TrainingError when the checkpoint is of another network."""
    try:
        for name, part in states.items():
            part.load_state_dict(content[name])
        return Progress(**content["progress"])
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise TrainingError(f"The run's checkpoint does not fit this configuration: {error}") from error
