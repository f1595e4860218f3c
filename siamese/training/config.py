"""Everything a training run can be told, in one place; each field is an option of `train_siamese.py`."""

import argparse
import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from siamese.datasets.catalogue import DATASETS
from siamese.datasets.crops import KINDS
from siamese.errors import TrainingError
from siamese.network.backbones import BACKBONES
from siamese.network.twin import fits
from siamese.settings import SHIPPED
from siamese.training.choices import told
from siamese.training.losses import AUXILIARY_LOSSES, METRIC_LOSSES, check_metric_loss
from siamese.training.sampling import SAMPLERS
from siamese.vocabulary import EMOTIONS, index_of

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "restarts", "plateau", "constant")
MIXES = ("none", "mixup", "cutmix")
AUTO: Literal["auto"] = "auto"
NOTHING = "nothing"
SHIPPED_NETWORK = SHIPPED / "network.safetensors"
PRECISIONS = (AUTO, "bf16-mixed", "32-true")
_AUXILIARY = ("auxiliary_loss", "label_smoothing", "class_weights", "mix")  # what the auxiliary term alone learns by


def option(default: Any, text: str, choices: Collection[str] = (), least: float = 0, most: float | None = None) -> Any:
    """A field with a default, its help and, where it has them, its choices or its range."""
    return dataclasses.field(default=default, metadata={"help": text, "choices": choices, "least": least, "most": most})


@dataclass(frozen=True)
class TrainingConfig:
    """The recipe of one run; where the command line names no initial weights, `parse` finds some."""

    # data
    dataset: str = option("ferplus", "data set to learn from", DATASETS)
    data: str = option("data/ferplus", "the data set's folder")
    crops: str = option("aligned", "how faces are cut out of the images", KINDS)
    validation_share: float = option(
        0.1, "share of people or images held out where there is no validation part", least=0.01, most=0.5
    )
    near_copies: str = option(
        "drop",
        "«drop» keeps a picture's near-copies out of pairs and triplets; the votes are fitted on all",
        ("drop", "keep"),
    )
    leave_out: str = option(
        "",
        "emotions to train without, a comma between two: those that shall be taught later. Training does not go on "
        "from the network that ships then, which knows them, unless --initial-weights names it",
    )
    cache: str = option("cache", "folder that keeps detected faces between runs")
    out: str = option("runs/twin", "folder of the run: configuration, CSV, TensorBoard events, checkpoints, curves")
    limit: int = option(0, "train on this many images only, for a quick look; 0 takes all")
    # network
    backbone: str = option("mobilenet_160", "the twins' shared backbone", BACKBONES)
    initial_weights: str = option(
        "",
        "start from these: an npz of face weights, a network that a run saved (.safetensors), two, «imagenet», or "
        "«nothing»; not given, from the network that ships where that is of the same make and --leave-out leaves out "
        "nothing, else from nothing",
    )
    embedding_size: int = option(128, "components of the embedding", least=2)
    frozen_stages: int = option(0, "first stages of the backbone whose weights stay as they started")
    dropout: float = option(0.2, "share of features dropped before the embedding", most=0.95)
    # batches
    sampler: str = option("mixed", "what a batch is made of: data as they come, balanced by class, or both", SAMPLERS)
    natural_per_batch: int = option(64, "images of a batch that do not come in P classes of K")
    classes_per_batch: int = option(0, "P: emotions in the balanced part of a batch; 0 takes all of the data's")
    samples_per_class: int = option(2, "K: images of each of these emotions", least=2)
    # losses
    metric_loss: str = option("triplet", "the loss on pairs or triplets of embeddings", METRIC_LOSSES)
    metric_weight: float = option(0.5, "its weight beside the auxiliary term")
    margin: float = option(
        -1.0, "the metric loss's margin, where it takes one; a negative one takes what is usual", least=-1
    )
    auxiliary_loss: str = option("votes", "how proxies are fitted to the votes", AUXILIARY_LOSSES)
    auxiliary_weight: float = option(1.0, "the auxiliary term's weight; 0 trains on the metric loss alone")
    label_smoothing: float = option(0.0, "share of each target that is spread over all emotions", most=0.9)
    class_weights: str = option("none", "«balanced» weighs the auxiliary term by N / (N_c · C)", ("none", "balanced"))
    scale: float = option(6.0, "factor from cosine similarity to logit in the auxiliary term")
    prior_strength: float = option(0.5, "0 asks for equal recall of all emotions, 1 for the data's own balance", most=1)
    teachers: str = option("", "networks that runs saved (.safetensors, a comma between two) to learn from besides")
    teacher_view: str = option("picture", "what the teachers read", ("picture", "crop"))
    teacher_share: float = option(0.5, "share of the teachers' mean reading in what the auxiliary term learns", most=1)
    teacher_scale: float = option(0.0, "the --scale that the teachers learned with; 0 takes this run's own")
    # augmentation
    flip: float = option(0.5, "share of crops that are mirrored", most=1)
    rotation: float = option(12.0, "largest rotation in degrees", most=180)
    scaling: float = option(0.12, "largest relative change of size", most=1)
    shift: float = option(2.5, "largest shift in pixels of the 48-pixel crop", most=48)
    contrast: float = option(0.3, "largest relative change of contrast", most=1)
    brightness: float = option(0.2, "largest change of brightness, of the full range", most=1)
    gamma: float = option(0.3, "largest change of the exponent's logarithm", most=2)
    blur: float = option(0.15, "share of crops that are blurred", most=1)
    noise: float = option(0.03, "largest standard deviation of noise, of the full range", most=1)
    clahe: float = option(0.0, "share of crops whose contrast is equalised locally (CLAHE)", most=1)
    erasing: float = option(0.25, "share of crops that lose a random rectangle", most=1)
    mix: str = option("none", "how pictures and their votes are mixed in the auxiliary term", MIXES)
    mix_share: float = option(0.5, "share of pictures that are mixed", most=1)
    mix_alpha: float = option(
        0.4, "both parameters of the Beta distribution of mixed pictures' shares", least=0.01, most=10
    )
    # optimisation
    optimizer: str = option("adamw", "what turns gradients into steps", OPTIMIZERS)
    schedule: str = option("cosine", "how learning rates change after the warm-up", SCHEDULES)
    epochs: int = option(6, "passes over the training data", least=1)
    learning_rate: float = option(4e-4, "peak learning rate of a backbone that has initial weights")
    head_learning_rate: float = option(2e-3, "peak learning rate of what starts from nothing")
    weight_decay: float = option(0.05, "decay of the backbone's weights")
    warmup: float = option(0.05, "share of all steps in which the learning rate rises", most=0.9)
    first_cycle: int = option(2, "epochs of the first cycle of «restarts»; each is twice as long as the last", least=1)
    plateau_patience: int = option(2, "epochs without a better score before «plateau» lowers the rate", least=1)
    patience: int = option(0, "epochs without a better score before the run ends early; 0 never ends it")
    accumulate: int = option(1, "batches whose gradients make one step", least=1)
    gradient_clip: float = option(5.0, "largest norm of the gradient; 0 does not clip")
    average_decay: float = option(0.998, "decay of the weights' exponential moving average; 0 keeps none", most=0.99999)
    collapse: float = option(0.98, "mean similarity of different expressions that counts as collapsed", most=1)
    # machine
    precision: Literal["auto", "bf16-mixed", "32-true"] = option(
        AUTO, "Lightning Fabric's precision; «auto» takes bfloat16 where the machine has it", PRECISIONS
    )
    compile: str = option("no", "whether PyTorch compiles the network before the first step", ("no", "yes"))
    accelerator: str = option("auto", "what computes", ("auto", "cpu", "cuda", "mps"))
    devices: int = option(
        1, "devices on each host; on CPUs each one's batch norms see its own share of a batch", least=1
    )
    nodes: int = option(1, "hosts", least=1)
    threads: int = option(0, "CPU threads; 0 leaves the choice to PyTorch")
    checkpoint_every: int = option(100, "steps between checkpoints; there is one after each epoch besides", least=1)
    seed: int = option(0, "seed of everything random")

    @property
    def given_margin(self) -> float | None:
        """The margin asked for, or None for the metric loss's usual one."""
        return None if self.margin < 0 else self.margin


class _Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Defaults after each option, and what choices mean in lines of their own."""


def parse(arguments: list[str] | None = None) -> tuple[TrainingConfig, bool]:
    """The configuration and whether to resume, from command-line words."""
    parser = argparse.ArgumentParser(
        prog="train_siamese.py",
        description="Train a twin network on facial expressions.",
        epilog=told(),
        formatter_class=_Help,
    )
    parser.add_argument("--resume", action="store_true", help="continue the run in --out from its last checkpoint")
    for field in dataclasses.fields(TrainingConfig):
        parser.add_argument(
            _flag(field.name),
            type=type(field.default),
            default=field.default,
            choices=field.metadata["choices"] or None,
            help=field.metadata["help"],
        )
    words = vars(parser.parse_args(arguments))
    resume = words.pop("resume")
    config = _started(TrainingConfig(**words))
    check(config)
    return config, resume


def _started(config: TrainingConfig) -> TrainingConfig:
    """The same, with what it starts from where nothing was said of that."""
    if config.initial_weights == NOTHING:
        return dataclasses.replace(config, initial_weights="")
    if config.initial_weights or left_out(config):  # the network that ships has learned what is left out
        return config
    if not fits(SHIPPED_NETWORK, config.backbone, config.embedding_size):
        return config
    return dataclasses.replace(config, initial_weights=str(SHIPPED_NETWORK))


def check(config: TrainingConfig) -> None:
    """Raise TrainingError, naming the option, where a value makes no sense."""
    for field in dataclasses.fields(config):
        value, least, most = getattr(config, field.name), field.metadata["least"], field.metadata["most"]
        if isinstance(value, str):
            continue
        if not value >= least:  # written so that not-a-number is refused
            raise TrainingError(f"{_flag(field.name)} must be at least {least}, got {value}.")
        if most is not None and value > most:
            raise TrainingError(f"{_flag(field.name)} must be at most {most}, got {value}.")
    left_out(config)
    if config.frozen_stages and not config.initial_weights:
        raise TrainingError("--frozen-stages keeps what --initial-weights gives. Give some, or freeze nothing.")
    if config.sampler in ("natural", "weighted") and config.natural_per_batch == 1:
        raise TrainingError(
            f"--natural-per-batch 1 with --sampler {config.sampler} makes batches of one image, which has no other to "
            "be compared with, and whose statistics batch norm cannot measure. Give more."
        )
    if config.metric_weight == config.auxiliary_weight == 0:
        raise TrainingError("--metric-weight and --auxiliary-weight are both 0: there is nothing to learn from.")
    if config.metric_weight:
        check_metric_loss(config.metric_loss, config.samples_per_class)
        if config.metric_loss == "gaussian" and config.sampler not in ("mixed", "balanced"):
            raise TrainingError(
                "--metric-loss gaussian needs --sampler mixed or balanced, for batches with P classes of K."
            )
    if not config.auxiliary_weight:
        _check_metric_loss_alone(config)


def _check_metric_loss_alone(config: TrainingConfig) -> None:
    """Raise TrainingError where options or batches are for the auxiliary term, and it counts for nothing."""
    votes_matter = config.metric_loss == "gaussian"  # which fits them, and so the teachers' readings
    names = _AUXILIARY if votes_matter else (*_AUXILIARY, "teachers")
    values = {name: getattr(config, name) for name in names}
    idle = [f"{_flag(name)} {value}" for name, value in values.items() if value != getattr(TrainingConfig, name)]
    if idle:
        raise TrainingError(
            f"--auxiliary-weight 0 leaves out the auxiliary term, which alone has a use for {', '.join(idle)}. Leave "
            "that out too, or give the term a weight."
        )
    balanced_alone = config.sampler == "balanced" or (config.sampler == "mixed" and not config.natural_per_batch)
    if balanced_alone and config.classes_per_batch == 1:
        raise TrainingError(
            "--classes-per-batch 1 makes batches of one emotion, in which the metric loss has nothing to tell apart, "
            "and --auxiliary-weight 0 leaves no other. Take more classes, or give the auxiliary term a weight."
        )


def left_out(config: TrainingConfig) -> tuple[str, ...]:
    """The emotions to train without, by their names in the vocabulary. Raises TrainingError where one is unknown."""
    words = [word.strip() for word in config.leave_out.split(",") if word.strip()]
    for word in words:
        if index_of(word) is None:
            raise TrainingError(f"--leave-out: no emotion is called «{word}». There are: {', '.join(EMOTIONS)}.")
    return tuple(EMOTIONS[index] for word in words if (index := index_of(word)) is not None)


def _flag(field: str) -> str:
    return f"--{field.replace('_', '-')}"
