"""What cannot be done with what a person typed ends in a sentence that names the options, not in a traceback."""

import runpy
import sys
from pathlib import Path

import pytest
import torch

from siamese.errors import TrainingError
from siamese.training.config import TrainingConfig
from siamese.training.trainer import make_fabric
from tests.training.small import options

PROGRAM = Path(__file__).parents[2] / "train_siamese.py"


@pytest.fixture
def no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with nothing but CPUs."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("no_accelerator")
@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_an_accelerator_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"--accelerator {name} with --devices 1 cannot be had here") as refused:
        make_fabric(TrainingConfig(accelerator=name, out=str(tmp_path)))
    assert "Leave --accelerator out" in str(refused.value)


def test_more_devices_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(TrainingError, match="--accelerator cuda with --devices 2 cannot be had here"):
        make_fabric(TrainingConfig(accelerator="cuda", devices=2, precision="32-true"))


@pytest.mark.usefixtures("no_accelerator")
def test_the_program_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = options(tmp_path, tmp_path / "run", accelerator="cuda")
    monkeypatch.setattr(sys, "argv", ["train_siamese.py", *words])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(PROGRAM), run_name="__main__")
    assert str(ended.value.code).startswith("error: --accelerator cuda with --devices 1")
