"""A machine → what it computes fastest in: bfloat16 where it has instructions for it, single precision elsewhere.

Processors without them imitate bfloat16, and need many times longer than for single precision.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from siamese.training.config import AUTO, TrainingConfig
from siamese.training.run_folder import CONFIG, read_config

Precision = Literal["bf16-mixed", "32-true"]

_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # of x86-64 and of ARM, as `torch.cpu.get_capabilities` names them


def settled(config: TrainingConfig, resume: bool) -> TrainingConfig:
    """The configuration with its precision decided: a resumed run keeps its own, so that it goes on as it began.

    Raises TrainingError where the configuration of that run cannot be read.
    """
    if config.precision != AUTO:
        return config
    out = Path(config.out)
    kept = read_config(out).precision if resume and (out / CONFIG).is_file() else AUTO
    return dataclasses.replace(config, precision=fastest(config.accelerator) if kept == AUTO else kept)


def fastest(accelerator: str) -> Precision:
    """What `accelerator` («cpu», «cuda», «mps», or «auto» for the first that is there) computes fastest in."""
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if accelerator == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return "bf16-mixed" if accelerator == "cpu" and has_bfloat16(torch.cpu.get_capabilities()) else "32-true"


def has_bfloat16(capabilities: Mapping[str, Any]) -> bool:
    """Whether a processor of these capabilities multiplies bfloat16 itself."""
    return any(capabilities.get(name) for name in _INSTRUCTIONS)


def autocast(device: str = "cpu") -> torch.autocast:
    """What lets networks on a device («cpu», «cuda», «mps») read in bfloat16 while it is entered, where it has it."""
    return torch.autocast(device, torch.bfloat16, enabled=fastest(device) == "bf16-mixed")
