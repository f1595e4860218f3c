"""A run's folder says what was run and how it went, to people and to tools, and a resumed run's rows come once."""

import csv
import dataclasses
import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from siamese.errors import TrainingError
from siamese.training.config import SHIPPED_NETWORK, TrainingConfig
from siamese.training.run_folder import (
    BEST,
    CHECKPOINT,
    CONFIG,
    CURVE,
    LAST,
    ORIGIN,
    PICTURE,
    Journal,
    commit,
    open_run,
    read_config,
)

NAMES = ("auxiliary_loss", "metric_loss", "accuracy", "balanced_accuracy", "roc_auc", "intra_similarity")
MORE = ("inter_similarity", "margin", "effective_rank", "score")


def rows(count: int) -> list[dict[str, float]]:
    return [{"epoch": epoch, **dict.fromkeys(NAMES + MORE, epoch / 10)} for epoch in range(1, count + 1)]


def git(folder: Path, *words: str) -> str:
    person = ("-c", "user.name=A", "-c", "user.email=a@b.c")
    return subprocess.run(["git", "-C", folder, *person, *words], check=True, capture_output=True, text=True).stdout


def test_the_folder_says_what_is_run_and_from_where(tmp_path: Path) -> None:
    out = tmp_path / "a" / "run"
    config = TrainingConfig(out=str(out), epochs=3)
    open_run(config, resume=False)
    assert json.loads((out / CONFIG).read_text())["epochs"] == 3
    open_run(config, resume=True)
    starts = json.loads((out / ORIGIN).read_text())
    assert [set(start) for start in starts] == 2 * [{"commit", "command", "python", "torch"}]


def test_what_a_run_was_told_is_read_from_its_folder(tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path), dataset="ckplus", data="data/ckplus", seed=3)
    open_run(config, resume=False)
    assert read_config(tmp_path) == config
    older = {"data": "data/ckplus", "seed": 3, "an_option_that_is_gone": 1}
    (tmp_path / CONFIG).write_text(json.dumps(older))
    assert read_config(tmp_path) == TrainingConfig(data="data/ckplus", seed=3)


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", "7"])
def test_what_is_no_configuration_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / CONFIG).write_text(content)
    with pytest.raises(TrainingError, match=r"config\.json is not the configuration of a run"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("left", "advice"),
    [
        (CHECKPOINT, "Go on with it by --resume"),
        *((name, r"It cannot be gone on with, for its checkpoint\.pt is gone") for name in (BEST, LAST, CURVE)),
    ],
)
def test_a_new_run_does_not_write_over_another(left: str, advice: str, tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path))
    (tmp_path / left).touch()
    with pytest.raises(TrainingError, match=rf"There is a run in .* already\. {advice}"):
        open_run(config, resume=False)
    open_run(config, resume=True)


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_a_run_whose_checkpoint_was_lost_is_not_begun_again_over_its_networks(epochs: int, tmp_path: Path) -> None:
    """One that was killed before its first checkpoint may have one epoch behind it."""
    config = TrainingConfig(out=str(tmp_path))
    open_run(config, resume=False)
    (tmp_path / CURVE).write_text("epoch,score\n" + "".join(f"{number},0.5\n" for number in range(epochs)))
    if epochs < 2:
        open_run(config, resume=True)
    else:
        with pytest.raises(TrainingError, match=r"for its checkpoint\.pt is gone\. Its networks are whole"):
            open_run(config, resume=True)


def test_a_run_that_left_nothing_may_be_begun_anew(tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path))
    open_run(config, resume=False)
    open_run(dataclasses.replace(config, seed=4), resume=False)
    assert read_config(tmp_path).seed == 4


@pytest.mark.parametrize("below", ["", "run"])
def test_a_run_wants_a_folder(below: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"--out .*file.* cannot be a run's folder: .*\. Choose another"):
        open_run(TrainingConfig(out=str(tmp_path / "file" / below)), resume=False)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [(CONFIG, r"config\.json is not the configuration of a run"), (ORIGIN, r"origin\.json .* Remove it, or")],
)
def test_a_damaged_run_is_not_gone_on_with(name: str, sentence: str, tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path))
    open_run(config, resume=False)
    (tmp_path / name).write_text('{"data": "data/fer')
    with pytest.raises(TrainingError, match=sentence):
        open_run(config, resume=True)


def test_a_resumed_run_keeps_to_its_recipe_but_may_move_and_go_on_for_longer(tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path), seed=3)
    open_run(config, resume=False)
    open_run(dataclasses.replace(config, epochs=40, threads=1, data="elsewhere"), resume=True)
    with pytest.raises(
        TrainingError, match=r"was begun with --metric-loss triplet, --seed 3\. Resume it with the same"
    ):
        open_run(dataclasses.replace(config, seed=4, metric_loss="supcon"), resume=True)


@pytest.mark.parametrize(
    "began", ["/another/checkout/prototypes/network.safetensors", "prototypes/network.safetensors"]
)
def test_a_run_from_the_network_that_ships_goes_on_in_another_checkout(began: str, tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path), initial_weights=began)
    open_run(config, resume=False)
    shipped = dataclasses.replace(config, initial_weights=str(SHIPPED_NETWORK))
    open_run(shipped, resume=True)
    assert read_config(tmp_path) == shipped


@pytest.mark.parametrize(
    ("began", "told"),
    [
        ("", "nothing"),
        ("runs/a/last.safetensors", r"runs/a/last\.safetensors"),
        ("a.safetensors,prototypes/network.safetensors", r"a\.safetensors,prototypes/network\.safetensors"),
    ],
)
def test_a_run_from_other_weights_does_not_go_on_from_those_that_ship(began: str, told: str, tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path), initial_weights=began)
    open_run(config, resume=False)
    with pytest.raises(TrainingError, match=rf"was begun with --initial-weights {told}\. Resume it with the same"):
        open_run(dataclasses.replace(config, initial_weights=str(SHIPPED_NETWORK)), resume=True)


def test_a_run_of_before_an_option_came_goes_on_with_its_default(tmp_path: Path) -> None:
    config = TrainingConfig(out=str(tmp_path), seed=3)
    options = {name: value for name, value in dataclasses.asdict(config).items() if name != "teacher_view"}
    (tmp_path / CONFIG).write_text(json.dumps(options))
    with pytest.raises(TrainingError, match=r"was begun with --teacher-view picture\. Resume it with the same"):
        open_run(dataclasses.replace(config, teacher_view="crop"), resume=True)
    open_run(config, resume=True)


def test_the_commit_is_named_and_marked_where_files_differ_from_it(tmp_path: Path) -> None:
    assert commit(tmp_path) == "unknown"
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "one")
    name = git(tmp_path, "rev-parse", "HEAD").strip()
    assert commit(tmp_path) == name
    (tmp_path / "file").write_text("two")
    assert commit(tmp_path) == f"{name} + changes"


def test_each_epoch_is_written_as_csv_events_and_curves(tmp_path: Path) -> None:
    with Journal(tmp_path, []) as journal:
        for count in (1, 2, 3):
            journal.write(rows(count))
    with (tmp_path / CURVE).open() as file:
        assert [row["accuracy"] for row in csv.DictReader(file)] == ["0.1", "0.2", "0.3"]
    assert scalars(tmp_path) == pytest.approx({1: 0.1, 2: 0.2, 3: 0.3})
    assert Image.open(tmp_path / PICTURE).size == (1200, 768)


def test_a_resumed_run_writes_over_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    first = Journal(tmp_path, [])
    for count in (1, 2, 3):
        first.write(rows(count))
    Journal(tmp_path, rows(1)).write(rows(2))
    with (tmp_path / CURVE).open() as file:
        assert len(list(csv.DictReader(file))) == 2
    assert list(scalars(tmp_path)) == [1, 2]


def scalars(folder: Path) -> dict[int, float]:
    events = EventAccumulator(str(folder)).Reload()
    return {event.step: event.value for event in events.Scalars("accuracy")}
