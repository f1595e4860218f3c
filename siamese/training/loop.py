"""A configuration → a trained twin network: the recipe, top to bottom."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from siamese.errors import CollapseError
from siamese.network.initial_weights import require_initial_weights
from siamese.network.twin import save_network
from siamese.training import checkpoint
from siamese.training.config import TrainingConfig
from siamese.training.data import load_parts
from siamese.training.distillation import there
from siamese.training.guard import collapse_sentence, collapsed
from siamese.training.interruption import interruption
from siamese.training.memory import keep_memory
from siamese.training.precision import settled
from siamese.training.run_folder import BEST, CHECKPOINT, LAST, Journal, open_run
from siamese.training.trainer import Trainer, make_fabric
from siamese.training.validation import validate


def train(config: TrainingConfig, resume: bool = False) -> Path:
    """Run, or resume, the training that `config` describes; returns the folder of the run.

    SIGINT and SIGTERM save a checkpoint and end the run with KeyboardInterrupt, so that nobody takes it for finished;
    what kills it outright costs the steps since the last one. Raises TrainingError or DatasetError where it cannot
    start, and CollapseError when the network collapses.
    """
    keep_memory()
    config = settled(config, resume)
    if config.threads:
        torch.set_num_threads(config.threads)
    fabric, out = make_fabric(config), Path(config.out)
    if fabric.is_global_zero:
        require_networks(config, begins=not (resume and (out / CHECKPOINT).is_file()))
        open_run(config, resume)
    with fabric.rank_zero_first():  # which looks for faces, and leaves them in the cache
        data, validation = load_parts(config)
    resumed = last_checkpoint(fabric, out) if resume else None
    trainer, examples = Trainer(config, data, fabric, resumed), data.examples()

    with ExitStack() as stack:
        journal = stack.enter_context(Journal(out, trainer.progress.rows)) if fabric.is_global_zero else None
        interrupted = stack.enter_context(interruption())
        bars = stack.enter_context(progress_bars(shown=fabric.is_global_zero))
        if resume and resumed is None:
            bars.console.print(f"There is no checkpoint in {out} yet: starting from the beginning.")
        while not over(trainer):
            started = time.monotonic()
            for _ in tracked(bars, trainer):
                stop = any_rank(fabric, interrupted())
                if stop or trainer.progress.step % config.checkpoint_every == 0:
                    save_checkpoint(out, trainer)
                if stop:
                    bars.console.print("Interrupted. Nothing is lost: continue with the same options and --resume.")
                    raise KeyboardInterrupt
            trainer.settle()
            measures = validate(trainer.averaged, examples, validation) if fabric.is_global_zero else {}
            measures = fabric.broadcast({**measures, "seconds": time.monotonic() - started})  # the same on all ranks
            row = trainer.end_epoch(measures)
            if journal:
                save_networks(out, trainer)
                journal.write(trainer.progress.rows)
                bars.console.print("  ".join(f"{name} {value:.4g}" for name, value in row.items()))
            save_checkpoint(out, trainer)
    return out


def require_networks(config: TrainingConfig, begins: bool) -> None:
    """Raise TrainingError where a file that the run begins with, or learns from, is missing: before the data are read,
    which may take minutes. One that goes on from a checkpoint has its weights."""
    if config.initial_weights and begins:
        require_initial_weights(config.initial_weights)
    for teacher in config.teachers.split(",") if config.teachers else ():
        there(teacher)


def over(trainer: Trainer) -> bool:
    """Whether all epochs are done, or `patience` of them went by without a better score.

    Raises CollapseError, with what is known of cures, when all faces have come to look alike to the network.
    """
    progress, config = trainer.progress, trainer.config
    if collapsed(progress.rows, config.collapse):
        raise CollapseError(collapse_sentence(progress.rows[-1], config.collapse))
    stuck = config.patience > 0 and progress.epoch - progress.best_epoch >= config.patience
    return progress.epoch >= config.epochs or stuck


def last_checkpoint(fabric: Fabric, out: Path) -> dict[str, Any] | None:
    """The checkpoint in a run's folder, or None before the first.

    One device reads it for all: other hosts may have no such folder, or an old one.
    """
    there = fabric.is_global_zero and (out / CHECKPOINT).is_file()
    found: dict[str, Any] | None = fabric.broadcast(checkpoint.read(out / CHECKPOINT) if there else None)
    return found


def save_checkpoint(out: Path, trainer: Trainer) -> None:
    """On one device of all, keep what it takes to go on from here."""
    if trainer.fabric.is_global_zero:
        checkpoint.save(out / CHECKPOINT, trainer.progress, trainer.states)


def save_networks(out: Path, trainer: Trainer) -> None:
    """Keep the network, and once more if no epoch was better."""
    save_network(trainer.averaged, out / LAST)
    if trainer.progress.best_epoch == trainer.progress.epoch:
        save_network(trainer.averaged, out / BEST)


def any_rank(fabric: Fabric, flag: bool) -> bool:
    """Whether the flag is up on any device, so that all of them stop at the same step."""
    if fabric.world_size == 1:
        return flag
    return bool(fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="sum"))


def progress_bars(shown: bool) -> Progress:
    """Bars on stderr."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    text, loss = TextColumn("{task.description}"), TextColumn("{task.fields[loss]}")
    return Progress(text, *columns, loss, console=Console(stderr=True, quiet=not shown))


def tracked(bars: Progress, trainer: Trainer) -> Iterator[float]:
    """The epoch's losses, drawn as a bar on their way."""
    name = f"Epoch {trainer.progress.epoch + 1}/{trainer.config.epochs}"
    bar = bars.add_task(name, total=trainer.steps_per_epoch, completed=trainer.progress.step, loss="loss …")
    for loss in trainer.epoch():
        bars.update(bar, advance=1, loss=f"loss {loss:.3f}")
        yield loss
