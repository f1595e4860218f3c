"""A training run and a part of a data set to measure → what judges it there, fitted on nothing that is measured.

It is of the data set's own training and validation part; where it has none, of those that the run learned from, as of a
network that was trained on FER+ and is measured on CK+.
"""

from dataclasses import dataclass
from pathlib import Path

from siamese.datasets.catalogue import parts_of, same_pictures
from siamese.datasets.checks import require_choice
from siamese.errors import DatasetError, MeasurementError
from siamese.evaluation.embeddings import ALIGNED
from siamese.evaluation.fitting import FITTED_PARTS, fit_learned, fit_run
from siamese.training.config import TrainingConfig
from siamese.training.run_folder import CONFIG, network_in, read_config


@dataclass(frozen=True)
class Judged:
    """The folder of what judges a run's network, and `by`: the data set whose train and validation it was fitted on,
    or None where that is the measured one itself."""

    folder: Path
    by: str | None


def judge_run(run: Path, dataset: str, root: Path, split: str, protocol: str, cache: str | Path = "cache") -> Judged:
    """Fit what judges the best network of a run, or the network in a file, on a split of a data set.

    Faces are cut as in the run's training; for a network in no run's folder they are aligned, as for the service.
    `protocol` is the measured set's; a run's own data have the labels that it learned. Raises MeasurementError where
    that would be fitted on the split itself, or the network has seen its people; DatasetError where there is no such
    split, or nothing tells which data the run learned from; TrainingError where its configuration cannot be read.
    """
    parts = parts_of(dataset, root)
    require_choice("split", split, parts, dataset)
    config = _config(run)
    if set(FITTED_PARTS) <= set(parts):
        _require_unfitted(run, root, split, parts)
        return Judged(fit_run(run, dataset, root, protocol, cache, config.crops if config else ALIGNED), by=None)
    if config is None:
        raise DatasetError(
            f"{root} has no train and validation part to fit prototypes and calibration of {run} on, and no {CONFIG} "
            "beside the network tells which data it learned from. Give the folder of a run, or a network in one; or "
            "give --reference instead of --run: `python -m siamese reference build` makes one."
        )
    if split != "test" and same_pictures(dataset, root, config.dataset, config.data):
        unseen = "Measure --split test." if "test" in parts else _UNSEEN
        raise MeasurementError(f"{run} was trained on {config.dataset}: it has seen the people in {root}. {unseen}")
    return Judged(fit_learned(run, config, cache), by=_name(config))


def _require_unfitted(run: Path, root: Path, split: str, parts: tuple[str, ...]) -> None:
    if split in FITTED_PARTS:
        instead = "Measure --split test." if "test" in parts else _HOLD_OUT
        raise MeasurementError(
            f"On train and validation of {root}, prototypes, calibration and threshold of {run} are fitted, so that "
            f"figures on {split} would be too good. {instead}"
        )


def _config(run: Path) -> TrainingConfig | None:
    folder = network_in(run).parent
    return read_config(folder) if (folder / CONFIG).is_file() else None


def _name(config: TrainingConfig) -> str:
    """Of folders, which of them, without where on a machine it lies."""
    return f"{config.dataset} {Path(config.data).resolve().name}" if config.dataset == "folder" else config.dataset


_HOLD_OUT = (
    "There is no test part: hold some pictures out, of people who are in no other part, before the network is trained, "
    "and measure it on them (--dataset folder reads train/, validation/ and test/)."
)
_UNSEEN = (
    "For figures on people whom it has not seen, a network is trained anew in each fold: "
    "`python -m benchmarks.by_subject` for one, `python -m benchmarks.backbones` for several; --help says how."
)
