"""What a run is and how it goes → one folder: configuration, origin, CSV, TensorBoard events, curves, checkpoints."""

import csv
import json
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Self

import torch
from torch.utils.tensorboard import SummaryWriter

from siamese.errors import TrainingError
from siamese.training.checkpoint import Row
from siamese.training.config import NOTHING, SHIPPED_NETWORK, TrainingConfig
from siamese.training.curves import draw_curves

CHECKPOINT = "checkpoint.pt"
BEST, LAST = "best.safetensors", "last.safetensors"
CONFIG, ORIGIN = "config.json", "origin.json"
CURVE, PICTURE = "epochs.csv", "curves.png"

_SHIPPED = "/".join(SHIPPED_NETWORK.parts[-2:])
_WORTH_KEEPING = (CHECKPOINT, BEST, LAST, CURVE)  # what a new run would write over

# What a resumed run may be told anew, for it changes no step that was done: places, machines, and when to end.
_PLACES, _MACHINE = ("data", "cache", "out"), ("accelerator", "devices", "nodes", "threads", "checkpoint_every")
_MAY_DIFFER = (*_PLACES, *_MACHINE, "epochs", "patience", "collapse")


def open_run(config: TrainingConfig, resume: bool) -> None:
    """Make the folder and say in it what is run, and from which commit each start of it came.

    Raises TrainingError where a new run would write over another, a resumed one is damaged or would go on with another
    recipe, or the folder cannot be made.
    """
    out = Path(config.out)
    if not resume:
        _require_no_run(out)
    elif (out / CONFIG).is_file():
        _require_same_recipe(config, read_config(out))
        _require_its_checkpoint(out)
    _make(out)
    earlier = _starts(out / ORIGIN) if resume and (out / ORIGIN).is_file() else []
    _write_json(out / CONFIG, asdict(config))
    _write_json(out / ORIGIN, [*earlier, origin()])


def network_in(run: Path) -> Path:
    """The best network of a run's folder; a network's own file is taken as it is."""
    return run / BEST if run.is_dir() else run


def read_config(folder: Path) -> TrainingConfig:
    """What the run in a folder was told; options that are newer than the run have their defaults.

    Raises TrainingError where there is no configuration, or it cannot be read.
    """
    try:
        told = json.loads((folder / CONFIG).read_text())
        options = {field.name: told[field.name] for field in fields(TrainingConfig) if field.name in told}
        return TrainingConfig(**{"data": told["data"], **options})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{folder / CONFIG} is not the configuration of a run: {error!r}") from error


def origin() -> dict[str, str]:
    """The commit («+ changes» where files differ from it), the command line, and the versions that compute."""
    return {
        "commit": commit(Path(__file__).parent),
        "command": shlex.join(["python", *sys.argv]),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def commit(folder: Path) -> str:
    """The git commit that a folder is at, or «unknown» outside of git's reach."""
    try:
        name = _git(folder, "rev-parse", "HEAD")
        return f"{name} + changes" if _git(folder, "status", "--porcelain") else name
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


class Journal:
    """Writes each epoch's row where people and tools look for it; as a context, draws the curves at the run's end."""

    def __init__(self, out: Path, rows: Sequence[Row]) -> None:
        """`rows` are those of the epochs before a resumed run's; events after them, of a run cut short, are dropped."""
        self._out, self._rows = out, list(rows)
        self._events = SummaryWriter(str(out), purge_step=len(rows) + 1)

    def write(self, rows: Sequence[Row]) -> None:
        """Add the last of the rows (one an epoch) to the events; write the CSV anew."""
        self._rows = list(rows)
        for name, value in rows[-1].items():
            self._events.add_scalar(name, value, len(rows))
        self._events.flush()
        with (self._out / CURVE).open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()
        if self._rows:
            draw_curves(self._rows, self._out / PICTURE)


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def _require_no_run(out: Path) -> None:
    there = [name for name in _WORTH_KEEPING if (out / name).exists()]
    if CHECKPOINT in there:
        raise TrainingError(f"There is a run in {out} already. Go on with it by --resume, or choose another --out.")
    if there:
        raise TrainingError(
            f"There is a run in {out} already. It cannot be gone on with, for its {CHECKPOINT} is gone. Choose another "
            f"--out, or remove {' and '.join(there)}."
        )


def _require_its_checkpoint(out: Path) -> None:
    """What was killed before its first checkpoint begins again; after two epochs there was one."""
    epochs = (out / CURVE).read_text().splitlines()[1:] if (out / CURVE).is_file() else []
    if len(epochs) > 1 and not (out / CHECKPOINT).is_file():
        raise TrainingError(
            f"The run in {out} cannot be gone on with, for its {CHECKPOINT} is gone. Its networks are whole: keep "
            "them, and choose another --out."
        )


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"--out {out} cannot be a run's folder: {error.strerror}. Choose another.") from error


def _starts(path: Path) -> list[dict[str, str]]:
    try:
        return [*json.loads(path.read_text())]
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(
            f"{path} does not tell how the run was started ({error!r}). Remove it, or put back what was there."
        ) from error


def _require_same_recipe(config: TrainingConfig, earlier: TrainingConfig) -> None:
    options, before = _recipe(config), _recipe(earlier)
    changed = [f"--{name.replace('_', '-')} {before[name]}" for name in options if options[name] != before[name]]
    if changed:
        raise TrainingError(f"The run in {config.out} was begun with {', '.join(changed)}. Resume it with the same.")


def _recipe(config: TrainingConfig) -> dict[str, Any]:
    """The options that a resumed run must be told again."""
    options = {name: value for name, value in asdict(config).items() if name not in _MAY_DIFFER}
    start = ",".join(map(_in_any_checkout, config.initial_weights.split(",")))
    return options | {"initial_weights": start or NOTHING}


def _in_any_checkout(weights: str) -> str:
    """The network that ships by its place in a checkout, wherever that lies; other weights as they were given."""
    place = "/".join(Path(weights).parts[-2:])
    return place if place == _SHIPPED else weights


def _write_json(path: Path, content: Any) -> None:
    unfinished = path.with_suffix(".partial")
    unfinished.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    unfinished.replace(path)
