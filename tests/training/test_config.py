"""Every field of the configuration is an option; senseless values are refused by the option's name."""

import dataclasses

import pytest

from siamese.errors import TrainingError
from siamese.network.twin import load_network
from siamese.training.choices import EXPLAINED
from siamese.training.config import SHIPPED_NETWORK, TrainingConfig, parse
from tests.training.small import SMALL  # which only tests know


def test_defaults_go_on_from_the_network_that_ships() -> None:
    assert parse([]) == (TrainingConfig(initial_weights=str(SHIPPED_NETWORK)), False)
    assert load_network(SHIPPED_NETWORK).config.backbone == TrainingConfig().backbone


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (["--initial-weights", "nothing"], ""),
        (["--initial-weights", "faces.npz"], "faces.npz"),
        (["--backbone", "vgg"], ""),
        (["--embedding-size", "64"], ""),
    ],
)
def test_what_is_of_another_make_or_told_otherwise_starts_elsewhere(words: list[str], start: str) -> None:
    assert parse(words)[0].initial_weights == start


def test_every_field_is_an_option_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    text = capsys.readouterr().out
    for field in dataclasses.fields(TrainingConfig):
        assert f"--{field.name.replace('_', '-')}" in text
        assert field.metadata["help"]


def test_every_choice_by_name_is_explained_at_the_end_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    _, _, end = capsys.readouterr().out.partition("What can be chosen:")
    options = {field.name: field.metadata["choices"] for field in dataclasses.fields(TrainingConfig)}
    named = {name: tuple(each for each in choices if each != SMALL) for name, choices in options.items() if choices}
    assert named == {name: tuple(choices) for name, choices in EXPLAINED.items()}
    for name, choices in EXPLAINED.items():
        assert f"--{name.replace('_', '-')}\n" in end
        for choice, sentence in choices.items():
            assert f"  {choice} " in end and " ".join(sentence.split()) in " ".join(end.split())
    assert max(map(len, end.splitlines())) <= 80


def test_options_keep_the_type_of_their_default() -> None:
    config, resume = parse(["--epochs", "3", "--margin", "0.1", "--metric-loss", "contrastive", "--resume"])
    assert (config.epochs, config.margin, config.metric_loss, resume) == (3, 0.1, "contrastive", True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--epochs", "0"], "--epochs must be at least 1, got 0"),
        (["--samples-per-class", "1"], "--samples-per-class must be at least 2"),
        (["--dropout", "1.0"], r"--dropout must be at most 0.95, got 1.0"),
        (["--learning-rate", "nan"], "--learning-rate must be at least 0, got nan"),
        (["--metric-weight", "0", "--auxiliary-weight", "0"], "nothing to learn from"),
        (
            ["--frozen-stages", "2", "--backbone", "vgg"],
            "--frozen-stages keeps what --initial-weights gives",
        ),
        (["--leave-out", "contempt, boredom"], "--leave-out: no emotion is called «boredom»"),
        (["--metric-loss", "gaussian"], "--samples-per-class must be at least 30, got 2"),
        (["--metric-loss", "gaussian", "--samples-per-class", "30", "--sampler", "natural"], "needs --sampler mixed"),
    ],
)
def test_senseless_values_are_refused(words: list[str], sentence: str) -> None:
    with pytest.raises(TrainingError, match=sentence):
        parse(words)


@pytest.mark.parametrize("sampler", ["natural", "weighted"])
def test_a_batch_of_one_image_is_refused(sampler: str) -> None:
    with pytest.raises(TrainingError, match=f"--natural-per-batch 1 with --sampler {sampler} makes batches of one"):
        parse(["--sampler", sampler, "--natural-per-batch", "1"])
    for words in (["--sampler", sampler, "--natural-per-batch", "2"], ["--natural-per-batch", "1"]):
        parse(words)


METRIC_ALONE = ("--auxiliary-weight", "0")


@pytest.mark.parametrize(
    "words",
    [
        ("--mix", "cutmix"),
        ("--teachers", "runs/large/last.safetensors"),
        ("--label-smoothing", "0.1"),
        ("--class-weights", "balanced"),
        ("--auxiliary-loss", "focal"),
    ],
)
def test_without_the_auxiliary_term_what_serves_it_alone_is_refused(words: tuple[str, str]) -> None:
    parse([*words])
    with pytest.raises(TrainingError, match=f"leaves out the auxiliary term, which alone .* {' '.join(words)}"):
        parse([*METRIC_ALONE, *words])


def test_all_that_the_auxiliary_term_alone_has_a_use_for_is_named() -> None:
    with pytest.raises(TrainingError, match=r"a use for --label-smoothing 0\.1, --mix mixup\. Leave that out too, or"):
        parse([*METRIC_ALONE, "--mix", "mixup", "--label-smoothing", "0.1"])


def test_a_metric_loss_on_votes_learns_from_teachers_without_the_auxiliary_term() -> None:
    gaussian = ("--metric-loss", "gaussian", "--samples-per-class", "30")
    assert parse([*METRIC_ALONE, *gaussian, "--teachers", "a.safetensors"])[0].teachers == "a.safetensors"


def test_without_the_auxiliary_term_batches_of_one_emotion_are_refused() -> None:
    one, alone = ("--classes-per-batch", "1"), (["--sampler", "balanced"], ["--natural-per-batch", "0"])
    for words in alone:
        with pytest.raises(TrainingError, match="--classes-per-batch 1 makes batches of one emotion"):
            parse([*METRIC_ALONE, *one, *words])
    for words in ([*one, *alone[0]], [*METRIC_ALONE, *one], [*METRIC_ALONE, *alone[0]]):
        parse(words)


def test_a_metric_loss_that_counts_for_nothing_may_have_any_batches() -> None:
    words = ["--metric-weight", "0", "--metric-loss", "gaussian", "--sampler", "natural"]
    assert parse(words)[0].sampler == "natural"


def test_what_leaves_emotions_out_does_not_start_from_a_network_that_learned_them() -> None:
    given = ["--leave-out", "contempt"]
    assert parse(given)[0].initial_weights == ""
    told = [*given, "--initial-weights", str(SHIPPED_NETWORK)]
    assert parse(told)[0].initial_weights == str(SHIPPED_NETWORK)
    with pytest.raises(TrainingError, match="--frozen-stages keeps what --initial-weights gives"):
        parse([*given, "--frozen-stages", "2"])
