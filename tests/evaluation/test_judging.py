"""A run is measured only where nothing that judges it was fitted."""

from pathlib import Path

import pytest
from PIL import Image

from siamese.cli import USER_ERROR, main
from siamese.datasets.catalogue import DATASETS
from siamese.errors import DatasetError, MeasurementError
from siamese.evaluation.judging import judge_run
from siamese.metric.prototypes import Prototypes
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.training.run_folder import BEST
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face
from tests.training.small import SMALL

SHOWN = ("anger", "happiness", "surprise")
PARTS = {"train": range(6), "validation": range(10, 13), "test": range(20, 23)}


def draw(root: Path, *parts: str) -> Path:
    """A folder of drawings of three expressions, in these parts."""
    for part in parts:
        for emotion in SHOWN:
            for seed in PARTS[part]:
                path = root / part / emotion / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_face(EMOTIONS.index(emotion), seed, 48)).save(path)
    return root


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with a network, which need not have learned."""
    (tmp_path / "run").mkdir()
    save_network(TwinNetwork(TwinConfig(SMALL)), tmp_path / "run" / BEST)
    return tmp_path / "run"


def test_a_test_part_is_judged_by_the_others(run: Path, tmp_path: Path) -> None:
    root = draw(tmp_path / "photos", "train", "validation", "test")
    folder = judge_run(run, "folder", root, "test", "majority", tmp_path / "cache")
    assert Prototypes.load(folder / "prototypes.npz").names == tuple(name for name in EMOTIONS if name in SHOWN)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_was_fitted_on_is_not_measured(split: str, run: Path, tmp_path: Path) -> None:
    root = draw(tmp_path / "photos", "train", "validation", "test")
    with pytest.raises(MeasurementError, match=rf"figures on {split} would be too good\. Measure --split test\."):
        judge_run(run, "folder", root, split, "majority", tmp_path / "cache")
    assert not list(run.glob("reference*"))


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name.startswith("affectnet")])
def test_of_a_set_without_a_test_part_it_is_said_to_hold_one_out(
    dataset: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --split, its last part would be measured, which is validation."""
    root = draw(tmp_path / "photos", "train", "validation")
    words = ("evaluate", "--dataset", dataset, "--root", root, "--run", run, "--cache", tmp_path / "cache")
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == USER_ERROR
    assert "There is no test part: hold some pictures out" in capsys.readouterr().err


def test_an_unknown_part_is_refused_before_anything_is_fitted(run: Path, tmp_path: Path) -> None:
    root = draw(tmp_path / "photos", "train", "validation", "test")
    with pytest.raises(DatasetError, match=r"Unknown split «holiday» .* Choose one of: train, validation, test\."):
        judge_run(run, "folder", root, "holiday", "majority", tmp_path / "cache")
    assert not list(run.glob("reference*"))
