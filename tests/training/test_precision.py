"""A machine computes in what it is fast in: bfloat16 needs instructions that many processors lack."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from siamese.errors import TrainingError
from siamese.training.config import TrainingConfig, parse
from siamese.training.loop import train
from siamese.training.precision import autocast, fastest, has_bfloat16, settled
from siamese.training.run_folder import CONFIG
from tests.training.small import options, write_parts

DESKTOP = {"avx2": True, "avx512_bf16": False, "amx_bf16": False, "num_physical_cores": 8}


@pytest.mark.parametrize(
    ("capabilities", "has"),
    [
        (DESKTOP, False),
        ({"avx512_f": True, "avx512_bf16": True}, True),
        ({"avx512_f": True, "amx_bf16": True}, True),
        ({"neon": True, "bf16": True}, True),
        ({"neon": True}, False),
    ],
)
def test_processors_with_instructions_for_bfloat16_are_known(capabilities: dict[str, object], has: bool) -> None:
    assert has_bfloat16(capabilities) == has


@pytest.mark.parametrize(("has", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_processor_is_asked_what_it_has(has: bool, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {**DESKTOP, "avx512_bf16": has})
    assert fastest("cpu") == precision
    assert fastest("mps") == "32-true"
    layer, ones = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with torch.no_grad(), autocast():
        assert layer(ones).dtype == (torch.bfloat16 if has else torch.float32)


def test_a_run_tells_what_it_computed_in_and_goes_on_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: DESKTOP)
    write_parts(tmp_path)
    config, _ = parse(options(tmp_path, tmp_path / "run", precision="auto", epochs=1))
    train(config)
    assert json.loads((tmp_path / "run" / CONFIG).read_text())["precision"] == "32-true"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})  # on another machine
    assert settled(config, resume=False).precision == "bf16-mixed"
    assert settled(config, resume=True).precision == "32-true"
    train(dataclasses.replace(config, epochs=2), resume=True)
    assert json.loads((tmp_path / "run" / CONFIG).read_text())["precision"] == "32-true"


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_run_whose_configuration_is_damaged_is_not_gone_on_with(content: str, tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text(content)
    with pytest.raises(TrainingError, match=r"config\.json is not the configuration of a run"):
        settled(TrainingConfig(out=str(tmp_path)), resume=True)


@pytest.mark.parametrize("kept", [{}, {"precision": "auto"}])
def test_a_run_of_before_it_told_its_precision_goes_on_in_the_fastest(kept: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_text(json.dumps({"data": "data/ferplus", **kept}))
    config = TrainingConfig(out=str(tmp_path), accelerator="mps")
    assert settled(config, resume=True).precision == "32-true"


def test_what_was_asked_for_is_done(tmp_path: Path) -> None:
    for precision in ("bf16-mixed", "32-true"):
        config = TrainingConfig(precision=precision, out=str(tmp_path))
        assert settled(config, resume=False) == config
