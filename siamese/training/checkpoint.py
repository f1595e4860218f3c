"""A run's state ⇄ one file, written so that no moment of interruption loses the previous one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from siamese.errors import TrainingError


@dataclass
class Progress:
    """How far a run is: the epoch at hand, what is done of it, and the best validation score with its epoch."""

    epoch: int = 0
    batch: int = 0
    vote_sum: float = 0.0
    metric_sum: float = 0.0
    best_score: float = float("-inf")
    best_epoch: int = -1

    def end_batch(self, vote_term: float, metric_term: float) -> None:
        """Count a batch with its two losses."""
        self.batch += 1
        self.vote_sum += vote_term
        self.metric_sum += metric_term

    def end_epoch(self) -> dict[str, float]:
        """Go on to the next epoch; the answer is this one's mean losses."""
        means = {"vote_loss": self.vote_sum / self.batch, "metric_loss": self.metric_sum / self.batch}
        self.epoch += 1
        self.batch, self.vote_sum, self.metric_sum = 0, 0.0, 0.0
        return means


def save(path: Path, progress: Progress, states: dict[str, Any]) -> None:
    """Write progress and the state dicts of everything that changes while training."""
    unfinished = path.with_suffix(".partial")
    torch.save({"progress": vars(progress), **{name: part.state_dict() for name, part in states.items()}}, unfinished)
    unfinished.replace(path)


def load(path: Path, states: dict[str, Any]) -> Progress:
    """Give every part its state back. Raises TrainingError when there is no checkpoint, or it is of another network."""
    if not path.is_file():
        raise TrainingError(f"There is no checkpoint {path} to resume from. Start the run without --resume.")
    try:
        content = torch.load(path, weights_only=True)
        for name, part in states.items():
            part.load_state_dict(content[name])
        return Progress(**content["progress"])
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise TrainingError(f"{path} does not fit this configuration: {error}") from error
