"""A training run and a part of a data set to measure → what judges it there, fitted on nothing that is measured.

It is of the data set's own training and validation part; where it has none, of those that the run learned from, as of a
network that was trained on FER+ and is measured on CK+.
"""

from dataclasses import dataclass
from pathlib import Path

from siamese.datasets.catalogue import holds_out_test, parts_of, same_pictures
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
    that would be fitted on the split itself, or the network, or one that it went on from or learned from, has seen its
    people, as far as the configurations of those are still there; DatasetError where there is no such split, or nothing
    tells which data the run learned from; TrainingError where a configuration cannot be read.
    """
    parts = parts_of(dataset, root)
    require_choice("split", split, parts, dataset)
    has_own = set(FITTED_PARTS) <= set(parts)
    if has_own:
        _require_unfitted(run, root, split, parts)
    lineage = _lineage(run)
    _require_unseen(lineage, run, dataset, root, split, parts)
    config = lineage.get(_folder(run))
    if has_own:
        return Judged(fit_run(run, dataset, root, protocol, cache, config.crops if config else ALIGNED), by=None)
    if config is None:
        raise DatasetError(
            f"{root} has no train and validation part to fit prototypes and calibration of {run} on, and no {CONFIG} "
            "beside the network tells which data it learned from. Give the folder of a run, or a network in one; or "
            "give --reference instead of --run: `python -m siamese reference build` makes one."
        )
    return Judged(fit_learned(run, config, cache), by=_name(config))


def _require_unfitted(run: Path, root: Path, split: str, parts: tuple[str, ...]) -> None:
    if split in FITTED_PARTS:
        instead = "Measure --split test." if "test" in parts else _HOLD_OUT
        raise MeasurementError(
            f"On train and validation of {root}, prototypes, calibration and threshold of {run} are fitted, so that "
            f"figures on {split} would be too good. {instead}"
        )


def _require_unseen(
    lineage: dict[Path, TrainingConfig], run: Path, dataset: str, root: Path, split: str, parts: tuple[str, ...]
) -> None:
    for folder, config in lineage.items():
        if not same_pictures(dataset, root, config.dataset, config.data):
            continue
        held_out = "test" in parts and holds_out_test(dataset, root, config.dataset, config.data)
        if held_out and split == "test":
            continue
        who = run if folder == _folder(run) else f"{run} learned from a network in {folder}, which"
        instead = "Measure --split test." if held_out else _OTHERS if "test" in parts else _UNSEEN
        raise MeasurementError(f"{who} was trained on {config.dataset}: it has seen the people in {root}. {instead}")


def _lineage(run: Path) -> dict[Path, TrainingConfig]:
    """What the run was told, by its folder, and what those were whose networks it went on from or had as teachers."""
    told: dict[Path, TrainingConfig] = {}
    folders = [_folder(run)]
    while folders:
        folder = folders.pop()
        if folder not in told and (folder / CONFIG).is_file():
            told[folder] = read_config(folder)
            folders += _before(told[folder])
    return told


def _before(config: TrainingConfig) -> list[Path]:
    """The folders of the networks that a run began with; face weights and «imagenet» are of no run."""
    networks = [*config.initial_weights.split(","), *config.teachers.split(",")]
    return [_folder(Path(network)) for network in networks if network.endswith(".safetensors")]


def _folder(run: Path) -> Path:
    return network_in(run).parent.resolve()


def _name(config: TrainingConfig) -> str:
    """Of folders, which of them, without where on a machine it lies."""
    return f"{config.dataset} {Path(config.data).resolve().name}" if config.dataset == "folder" else config.dataset


_HOLD_OUT = (
    "There is no test part: hold some pictures out, of people who are in no other part, before the network is trained, "
    "and measure it on them (--dataset folder reads train/, validation/ and test/)."
)
_OTHERS = "Measure a run that learned from none of its pictures, or from those of its train part alone."
_UNSEEN = (
    "For figures on people whom it has not seen, a network is trained anew in each fold: "
    "`python -m benchmarks.by_subject` for one, `python -m benchmarks.backbones` for several; --help says how."
)
