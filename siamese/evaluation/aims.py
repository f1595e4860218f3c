"""Stored studies → a table that says of each figure what was published, what was aimed at, and what was reached."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siamese.evaluation.tables import table

Study = Mapping[str, Any]

_FERPLUS, _FER2013, _CKPLUS = "ferplus-test-majority.json", "fer2013-test.json", "ckplus-all.json"
_FER2013_TUNED = "fer2013-test-tuned.json"
_TUNED, _COMPARED = "benchmarks/by-subject-ckplus.json", "benchmarks/backbones-ckplus.json"
_CLASSICAL, _PLAIN = "benchmarks/baselines-fer2013.json", "benchmarks/ablations-fer2013.json"


@dataclass(frozen=True)
class Aim:
    """A figure, what papers report for it, the bound that it should keep, and where it is found.

    `read` takes the figure from the file `study`; the bound is the least that is good enough, or with `most` the most.
    """

    figure: str
    published: str
    bound: float
    study: str
    read: Callable[[Study], float]
    most: bool = False
    digits: int = 3

    def row(self, folder: Path) -> tuple[str, ...]:
        """The figure's line; «not measured» where its study is not stored, or lacks the figure."""
        bound = f"{'at most' if self.most else 'at least'} {self.bound:g}"
        value = self._value(folder / self.study)
        if value is None:
            return self.figure, self.published, bound, "not measured", "–"
        short = value - self.bound if self.most else self.bound - value
        verdict = "reached" if short <= 0 else f"missed by {max(short, 10**-self.digits):.{self.digits}f}"
        return self.figure, self.published, bound, f"{value:.{self.digits}f}", verdict

    def _value(self, file: Path) -> float | None:
        if not file.is_file():
            return None
        study = json.loads(file.read_text())
        try:
            return self.read(study)
        except (KeyError, IndexError, TypeError, StopIteration):  # `evaluate` leaves out what cannot be measured
            return None


def _figure(name: str) -> Callable[[Study], float]:
    return lambda study: study[name]


def _accuracy_of(name: str, among: str) -> Callable[[Study], float]:
    return lambda study: next(each["accuracy"] for each in study[among] if each["name"] == name)


def _plain(backbone: str) -> Callable[[Study], float]:
    return lambda study: study[f"{backbone}, cross-entropy"]["softmax_accuracy"]


def _tuned(name: str) -> Callable[[Study], float]:
    return lambda study: study["mean"][name]


def _compared(backbone: str) -> Callable[[Study], float]:
    return lambda study: study[backbone][0]["mean"]["roc_auc"]


_SGM, _TRIPLET = "SGM, ResNet18", "triplet, ResNet18"
AIMS = (
    Aim("FER+ accuracy", f"0.850 (VGG13), 0.871 ({_TRIPLET}), 0.876 ({_SGM})", 0.895, _FERPLUS, _figure("accuracy")),
    Aim("FER+ macro F1", f"0.774 ({_SGM}), 0.731 ({_TRIPLET})", 0.80, _FERPLUS, _figure("macro_f1")),
    Aim("FER+ NMI of k-means", f"0.688 ({_SGM}), 0.645 ({_TRIPLET})", 0.75, _FERPLUS, _figure("nmi")),
    Aim("FER+ calibration error", "–", 0.03, _FERPLUS, _figure("ece"), most=True),
    Aim(
        "FER2013 accuracy, its own labels, linear SVM on embeddings",
        "0.746 (triplet + SVM), 0.733 (best single network)",
        0.747,
        _FER2013,
        _accuracy_of("linear SVM", "classifiers"),
    ),
    Aim(
        "the same, a network that went on from the one that ships, on these labels",
        "the same",
        0.747,
        _FER2013_TUNED,
        _accuracy_of("linear SVM", "classifiers"),
    ),
    Aim("FER+ → CK+ NMI of k-means, no training on CK+", f"0.779 ({_SGM})", 0.80, _CKPLUS, _figure("nmi")),
    Aim("CK+ accuracy by subject, trained on nine folds", "0.89 (split not stated)", 0.97, _TUNED, _tuned("accuracy")),
    Aim("CK+ ROC-AUC by subject, trained on nine folds", "0.999 (split not stated)", 0.995, _TUNED, _tuned("roc_auc")),
    Aim("the same, ResNet50", "0.649 (split not stated)", 0.97, _COMPARED, _compared("resnet50"), digits=5),
    Aim("the same, MobileNet", "0.862 (split not stated)", 0.97, _COMPARED, _compared("mobilenet")),
    Aim("the same, EfficientNet-Lite0", "0.493 (EfficientNet)", 0.97, _COMPARED, _compared("efficientnet_lite0")),
    Aim("FER2013 accuracy, nearest pixels", "0.315", 0.315, _CLASSICAL, _accuracy_of("nearest pixels", "baselines")),
    Aim("FER2013 accuracy, MLP on pixels", "0.228", 0.228, _CLASSICAL, _accuracy_of("MLP on pixels", "baselines")),
    Aim(
        "FER2013 accuracy, three convolutions and softmax, twenty epochs",
        "0.548",
        0.548,
        _PLAIN,
        _plain("three convolutions"),
    ),
    Aim(
        "FER2013 accuracy, half ResNet18 and softmax, eight epochs",
        "0.628 (ResNet)",
        0.628,
        _PLAIN,
        _plain("half ResNet18"),
    ),
    Aim(
        "milliseconds for an aligned crop",
        "–",
        8.0,
        _FERPLUS,
        lambda study: study["timing"]["network_ms"],
        most=True,
        digits=1,
    ),
)

_PAGE = """\
## Aims

Aims that were set for the project, beside what papers report of their networks; «SGM» is Marrero Fernandez et al. 2019.
Each figure stands in its own table below too. Those of training on nine folds, and of simple methods, are what
benchmarks print with `--json`, stored in `docs/results/benchmarks/`: `benchmarks.by_subject` of the network that
shipped then, and `benchmarks.backbones` of each backbone at equal settings.

{table}"""


def aims(folder: Path) -> list[str]:
    """The section with the table, read from the studies in `folder`; none where it has no such study."""
    if not any((folder / aim.study).is_file() for aim in AIMS):
        return []
    head = ("figure", "published", "aim", "measured", "verdict")
    return [_PAGE.format(table=table(head, (aim.row(folder) for aim in AIMS)))]
