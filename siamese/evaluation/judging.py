"""A training run and a part of a data set to measure → what judges it there, fitted on nothing that is measured."""

from pathlib import Path

from siamese.datasets.catalogue import parts_of
from siamese.datasets.checks import require_choice
from siamese.errors import MeasurementError
from siamese.evaluation.fitting import FITTED_PARTS, fit_run


def judge_run(run: Path, dataset: str, root: Path, split: str, protocol: str, cache: str | Path = "cache") -> Path:
    """Fit what judges the best network of a run, or the network in a file, on the data set's training and validation
    part, and return the folder of it.

    Raises MeasurementError where the split is one of these, and DatasetError where there are none or no such split.
    """
    parts = parts_of(dataset, root)
    require_choice("split", split, parts, dataset)
    if set(FITTED_PARTS) <= set(parts):
        _require_unfitted(run, root, split, parts)
    return fit_run(run, dataset, root, protocol, cache)


def _require_unfitted(run: Path, root: Path, split: str, parts: tuple[str, ...]) -> None:
    if split in FITTED_PARTS:
        instead = "Measure --split test." if "test" in parts else _HOLD_OUT
        raise MeasurementError(
            f"On train and validation of {root}, prototypes, calibration and threshold of {run} are fitted, so that "
            f"figures on {split} would be too good. {instead}"
        )


_HOLD_OUT = (
    "There is no test part: hold some pictures out, of people who are in no other part, before the network is trained, "
    "and measure it on them (--dataset folder reads train/, validation/ and test/)."
)
