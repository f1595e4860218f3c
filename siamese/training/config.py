"""Everything a training run can be told, in one place; each field is an option of `train_siamese.py`."""

import argparse
import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from siamese.errors import TrainingError


def option(default: Any, text: str, choices: tuple[str, ...] = ()) -> Any:
    """A field with a default, its help and, where it has them, its choices."""
    return dataclasses.field(default=default, metadata={"help": text, "choices": choices})


@dataclass(frozen=True)
class TrainingConfig:
    """The recipe of one run; the defaults are the recipe of the shipped network."""

    # data
    root: str = option("data/ferplus", "folder that holds FER+'s parquet files")
    crops: str = option("aligned", "how faces are cut out of the images", ("aligned", "box", "whole"))
    cache: str = option("cache", "folder that keeps detected faces between runs")
    out: str = option("runs/twin", "folder of the run: checkpoints, CSV, configuration")
    # network
    backbone: str = option("mobilenet", "the twins' shared backbone", ("mobilenet", "resnet18"))
    face_weights: str = option("", "npz with a MobileNet trained on faces, to start from")
    dropout: float = option(0.2, "share of features dropped before the embedding")
    # batches
    natural_per_batch: int = option(64, "images a batch takes from the data as they come, each once an epoch")
    classes_per_batch: int = option(8, "P: emotions in the balanced part of a batch")
    samples_per_class: int = option(2, "K: images of each of these emotions")
    # losses
    metric_loss: str = option("triplet", "the loss on pairs or triplets of embeddings", ("triplet", "contrastive"))
    metric_weight: float = option(0.5, "its weight beside the auxiliary term, which weighs 1")
    margin: float = option(0.3, "cosine similarity by which positives must win over negatives")
    scale: float = option(6.0, "factor from cosine similarity to logit in the auxiliary term")
    prior_strength: float = option(0.5, "0 asks for equal recall of all emotions, 1 for the data's own balance")
    # augmentation
    rotation: float = option(12.0, "largest rotation in degrees")
    scaling: float = option(0.12, "largest relative change of size")
    shift: float = option(2.5, "largest shift in pixels of the 48-pixel crop")
    erasing: float = option(0.25, "share of crops that lose a random rectangle")
    # optimisation
    epochs: int = option(6, "passes over the training data")
    learning_rate: float = option(4e-4, "peak learning rate of the backbone (AdamW)")
    head_learning_rate: float = option(2e-3, "peak learning rate of the embedding and the proxies")
    weight_decay: float = option(0.05, "AdamW's decoupled weight decay")
    warmup: float = option(0.05, "share of all steps in which the learning rate rises")
    average_decay: float = option(0.998, "decay of the exponential moving average of the weights; 0 keeps none")
    gradient_clip: float = option(5.0, "largest norm of the gradient; 0 does not clip")
    precision: Literal["bf16-mixed", "32-true"] = option(
        "bf16-mixed", "Lightning Fabric's precision", ("bf16-mixed", "32-true")
    )
    threads: int = option(0, "CPU threads; 0 leaves the choice to PyTorch")
    seed: int = option(0, "seed of everything random")
    limit: int = option(0, "train on this many images only, for a quick look; 0 takes all")


def parse(arguments: list[str] | None = None) -> tuple[TrainingConfig, bool]:
    """The configuration and whether to resume, from command-line words."""
    parser = argparse.ArgumentParser(
        prog="train_siamese.py",
        description="Train a twin network on facial expressions.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in --out from its last checkpoint")
    for field in dataclasses.fields(TrainingConfig):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=type(field.default),
            default=field.default,
            choices=field.metadata["choices"] or None,
            help=field.metadata["help"],
        )
    words = vars(parser.parse_args(arguments))
    resume = words.pop("resume")
    config = TrainingConfig(**words)
    check(config)
    return config, resume


def check(config: TrainingConfig) -> None:
    """Raise TrainingError, naming the option, where a value makes no sense."""
    at_least = {
        "natural_per_batch": 0,
        "classes_per_batch": 2,
        "samples_per_class": 2,
        "epochs": 1,
        "metric_weight": 0,
        "limit": 0,
        "threads": 0,
    }
    for name, least in at_least.items():
        if getattr(config, name) < least:
            raise TrainingError(f"--{name.replace('_', '-')} must be at least {least}, got {getattr(config, name)}.")
    for name in ("dropout", "average_decay", "warmup", "erasing"):
        if not 0 <= getattr(config, name) < 1:
            raise TrainingError(f"--{name.replace('_', '-')} must lie in [0, 1), got {getattr(config, name)}.")
    if config.face_weights and config.backbone != "mobilenet":
        raise TrainingError(f"--face-weights fit the backbone «mobilenet», not «{config.backbone}».")
