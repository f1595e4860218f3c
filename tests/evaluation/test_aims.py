"""What was aimed at: read from stored studies, and a miss is told as one, with how much is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from siamese.evaluation.aims import AIMS, Aim, aims


def store(folder: Path, name: str, study: Any) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(study))


@pytest.mark.parametrize(
    ("value", "most", "verdict"),
    [
        (0.5, False, "reached"),
        (0.8, False, "reached"),
        (0.48, False, "missed by 0.020"),
        (0.49999, False, "missed by 0.001"),  # it must not look reached
        (0.48, True, "reached"),
        (0.52, True, "missed by 0.020"),
    ],
)
def test_a_figure_keeps_its_bound_or_misses_it(tmp_path: Path, value: float, most: bool, verdict: str) -> None:
    store(tmp_path, "study.json", {"accuracy": value})
    aim = Aim("accuracy", "0.6", 0.5, "study.json", lambda study: study["accuracy"], most)
    bound = "at most 0.5" if most else "at least 0.5"
    assert aim.row(tmp_path) == ("accuracy", "0.6", bound, f"{value:.3f}", verdict)


def test_what_is_not_stored_is_said_not_to_be_measured(tmp_path: Path) -> None:
    assert AIMS[0].row(tmp_path)[3:] == ("not measured", "–")
    assert aims(tmp_path) == []


@pytest.mark.parametrize("study", [{}, [], {"timing": None, "classifiers": [], "mobilenet": []}])
@pytest.mark.parametrize("aim", AIMS, ids=lambda aim: aim.figure)
def test_a_figure_that_its_study_lacks_is_said_not_to_be_measured(aim: Aim, study: Any, tmp_path: Path) -> None:
    store(tmp_path, aim.study, study)
    assert aim.row(tmp_path)[3:] == ("not measured", "–")


def test_every_aim_is_read_from_its_place(tmp_path: Path) -> None:
    study = {
        "accuracy": 0.11,
        "macro_f1": 0.12,
        "nmi": 0.13,
        "ece": 0.14,
        "timing": {"network_ms": 1.5},
        "classifiers": [{"name": "RBF SVM", "accuracy": 0.2}, {"name": "linear SVM", "accuracy": 0.21}],
    }
    folds = [{"mean": {"accuracy": 0.98, "roc_auc": 0.33}}, {"mean": {"accuracy": 0.99, "roc_auc": 0.99}}]
    for name in ("ferplus-test-majority.json", "fer2013-test.json", "ckplus-all.json"):
        store(tmp_path, name, study)
    store(tmp_path, "fer2013-test-tuned.json", {"classifiers": [{"name": "linear SVM", "accuracy": 0.22}]})
    store(
        tmp_path,
        "benchmarks/backbones-ckplus.json",
        {"resnet50": folds, "efficientnet_lite0": folds[1:], "mobilenet": folds},
    )
    store(tmp_path, "benchmarks/by-subject-ckplus.json", {"mean": {"accuracy": 0.31, "roc_auc": 0.32}})
    baselines = [{"name": "MLP on pixels", "accuracy": 0.42}, {"name": "nearest pixels", "accuracy": 0.41}]
    store(tmp_path, "benchmarks/baselines-fer2013.json", {"baselines": baselines})
    plain = {
        "half ResNet18, cross-entropy": {"accuracy": 0.1, "softmax_accuracy": 0.44},
        "three convolutions, cross-entropy": {"accuracy": 0.1, "softmax_accuracy": 0.43},
    }
    store(tmp_path, "benchmarks/ablations-fer2013.json", plain)
    measured = [aim.row(tmp_path)[3] for aim in AIMS]
    assert measured == [
        "0.110",
        "0.120",
        "0.130",
        "0.140",
        "0.210",
        "0.220",
        "0.130",
        "0.310",
        "0.320",
        "0.33000",
        "0.330",
        "0.990",
        "0.410",
        "0.420",
        "0.430",
        "0.440",
        "1.5",
    ]
    assert "| FER+ accuracy |" in aims(tmp_path)[0]
