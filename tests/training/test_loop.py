"""A run from start to end on a small made-up FER+: it learns, can be interrupted or killed, and resumes exactly."""

import csv
import dataclasses
import itertools
import json
import math
import os
import random
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch._dynamo.utils import counters

from siamese.errors import CollapseError, TrainingError
from siamese.network.backbones import BACKBONES
from siamese.network.backbones.layers import Backbone, centred
from siamese.network.twin import TwinNetwork, load_network
from siamese.training import loop, run_folder
from siamese.training.config import MIXES, OPTIMIZERS, SCHEDULES, TrainingConfig, parse
from siamese.training.data import load_parts
from siamese.training.losses import AUXILIARY_LOSSES, METRIC_LOSSES
from siamese.training.sampling import SAMPLERS
from siamese.training.trainer import Trainer, make_fabric
from siamese.training.validation import validate
from tests.training.small import AUGMENTATION, options, write_parts

STEPS = 10  # an epoch: 160 images, 16 of them in a batch


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ferplus")
    write_parts(folder)
    return folder


@pytest.fixture
def config(root: Path, tmp_path: Path) -> TrainingConfig:
    return parse(options(root, tmp_path / "run"))[0]


def curve(config: TrainingConfig) -> list[dict[str, str]]:
    with (Path(config.out) / run_folder.CURVE).open() as file:
        return list(csv.DictReader(file))


def without_time(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def assert_same_run(one: TrainingConfig, other: TrainingConfig) -> None:
    """The same curve, and the same weights to the last bit."""
    assert without_time(curve(one)) == without_time(curve(other))
    for name in (run_folder.LAST, run_folder.BEST):
        first, second = (load_file(Path(each.out) / name) for each in (one, other))
        for weights in first:
            torch.testing.assert_close(second[weights], first[weights], rtol=0, atol=0)


def in_another_folder(config: TrainingConfig, name: str) -> TrainingConfig:
    return dataclasses.replace(config, out=str(Path(config.out).parent / name))


def test_a_run_learns_and_leaves_its_folder(config: TrainingConfig) -> None:
    out = loop.train(dataclasses.replace(config, epochs=6))
    rows = curve(config)
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[-1]["auxiliary_loss"]) < float(rows[0]["auxiliary_loss"])
    assert max(float(row["accuracy"]) for row in rows) > 0.8  # of four classes
    assert load_network(out / run_folder.BEST).config.backbone == "small"
    assert json.loads((out / run_folder.CONFIG).read_text())["epochs"] == 6
    assert (out / run_folder.PICTURE).is_file()


def test_the_best_network_is_that_of_the_epoch_with_the_highest_score(
    config: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, measured = iter([0.5, 0.9, 0.4]), []

    def judged(network: TwinNetwork, *parts: object) -> dict[str, float]:
        measured.append({name: weights.clone() for name, weights in network.state_dict().items()})
        return {**validate(network, *parts), "score": next(scores)}  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "validate", judged)
    out = loop.train(config)
    for name, number in ((run_folder.BEST, 1), (run_folder.LAST, 2)):
        for part, weights in load_file(out / name).items():
            torch.testing.assert_close(weights, measured[number][part], rtol=0, atol=0)


def test_a_saved_networks_batch_norms_are_of_its_final_weights(config: TrainingConfig) -> None:
    """Not of what they ran through while the weights still changed. Without augmentation, batches are plain crops."""
    plain = dataclasses.replace(config, epochs=1, sampler="natural", **dict.fromkeys(AUGMENTATION, 0.0))
    out = loop.train(dataclasses.replace(plain, backbone="resnet18_half"))
    network = load_network(out / run_folder.LAST)
    stem = next(each for each in network.modules() if isinstance(each, nn.Conv2d))
    norm = next(each for each in network.modules() if isinstance(each, nn.BatchNorm2d))
    with torch.no_grad():
        seen = stem(centred(load_parts(config)[0].crops(slice(None))))
    torch.testing.assert_close(norm.running_mean, seen.mean(dim=(0, 2, 3)), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(norm.running_var, seen.var(dim=(0, 2, 3)), rtol=0.05, atol=1e-3)  # mean of batches' own


class Dropping(Backbone):
    """A backbone whose batch norm sees what dropout has left."""

    features = 8

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 8, stride=8), nn.Dropout(0.5), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(6), nn.Flatten()
        )

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return self.layers(centred(crops))


def test_batch_norms_are_settled_alike_whatever_chance_did_before(
    config: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a run is killed while an epoch is measured, and resumed."""
    monkeypatch.setitem(BACKBONES, "dropping", Dropping)
    data, _ = load_parts(config)
    settled = []
    for seed in (1, 2):
        given = dataclasses.replace(config, backbone="dropping")
        trainer = Trainer(given, data, make_fabric(given))
        torch.manual_seed(seed)
        trainer.settle()
        settled.append(trainer.averaged.state_dict())
    assert settled[0].keys() == settled[1].keys() and any("running_var" in name for name in settled[0])
    for name, weights in settled[0].items():
        torch.testing.assert_close(settled[1][name], weights, rtol=0, atol=0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_resumes_exactly(
    config: TrainingConfig, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = in_another_folder(config, "pieces")
    loop.train(config)
    with monkeypatch.context() as patch:
        counted, step = itertools.count(), Trainer._step

        def interrupting(trainer: Trainer, batches: list) -> tuple[float, float]:
            if next(counted) == STEPS + 4:  # in the middle of the second epoch
                os.kill(os.getpid(), number)
            return step(trainer, batches)

        patch.setattr(Trainer, "_step", interrupting)
        with pytest.raises(KeyboardInterrupt):
            loop.train(pieces)
    assert len(curve(pieces)) == 1
    loop.train(pieces, resume=True)
    assert_same_run(pieces, config)


def test_what_started_the_trainer_can_tell_an_interrupted_run_from_a_finished_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "train", interrupted)
    monkeypatch.setattr(sys, "argv", ["train_siamese.py"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(__file__).parents[2] / "train_siamese.py"), run_name="__main__")
    assert ended.value.code == 130


@pytest.fixture
def taught(config: TrainingConfig) -> TrainingConfig:
    """The same, learning from a teacher that reads the crops of every batch."""
    before = loop.train(dataclasses.replace(in_another_folder(config, "teacher"), seed=1, epochs=1))
    return dataclasses.replace(config, teachers=str(before / run_folder.LAST), teacher_view="crop", mix="mixup")


def test_a_teacher_of_crops_counts_for_its_share(taught: TrainingConfig) -> None:
    """Of none it changes nothing; alone it teaches its own reading, and the votes nothing."""
    untaught = dataclasses.replace(in_another_folder(taught, "untaught"), teachers="")
    loop.train(dataclasses.replace(taught, teacher_share=0.0))
    loop.train(untaught)
    assert_same_run(taught, untaught)

    data, _ = load_parts(taught)
    others = dataclasses.replace(data, targets=data.targets.roll(1, dims=1))
    alone = dataclasses.replace(taught, teacher_share=1.0, sampler="natural")  # whose batches need no log prior
    losses = [next(Trainer(alone, each, make_fabric(alone)).epoch()) for each in (data, others)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.stress
@pytest.mark.timeout(600)
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_weights(config: TrainingConfig, root: Path) -> None:
    started = time.monotonic()
    loop.train(config)
    whole_time = time.monotonic() - started
    pieces = in_another_folder(config, "killed")
    words = [sys.executable, "-m", "tests.training.small", *options(root, Path(pieces.out)), "--resume"]
    pauses = random.Random(0)
    starts = Path(pieces.out) / run_folder.ORIGIN
    for _ in range(6):
        before = starts.read_text() if starts.exists() else ""
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        while process.poll() is None and (not starts.exists() or starts.read_text() == before):
            time.sleep(0.01)
        time.sleep(pauses.uniform(0, whole_time / 2))
        process.kill()
        process.wait()
    subprocess.run(words, stderr=subprocess.DEVNULL, check=True)
    assert_same_run(pieces, config)


def test_a_run_that_was_killed_before_its_first_checkpoint_starts_again(config: TrainingConfig) -> None:
    loop.train(dataclasses.replace(config, epochs=1), resume=True)
    assert len(curve(config)) == 1


def test_a_run_that_is_over_stays_as_it_is(config: TrainingConfig) -> None:
    short = dataclasses.replace(config, epochs=1)
    loop.train(short)
    before = curve(short)
    loop.train(short, resume=True)
    assert curve(short) == before


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(("option", "files"), [("initial_weights", "none.npz"), ("teachers", "none.safetensors")])
def test_a_missing_file_is_named_before_any_data_is_read(
    config: TrainingConfig, option: str, files: str, resume: bool, tmp_path: Path
) -> None:
    lost = dataclasses.replace(config, data=str(tmp_path / "no data"), **{option: str(tmp_path / files)})
    with pytest.raises(TrainingError, match=f"--{option.replace('_', '-')}: there is no .*{files}"):
        loop.train(lost, resume)  # which has no checkpoint to go on from
    assert not Path(lost.out).exists()


def test_what_a_run_began_with_may_be_gone_when_it_goes_on(config: TrainingConfig, tmp_path: Path) -> None:
    start = tmp_path / "start.safetensors"
    before = loop.train(dataclasses.replace(in_another_folder(config, "before"), epochs=1))
    shutil.copy(before / run_folder.LAST, start)
    begun = dataclasses.replace(config, initial_weights=str(start), epochs=1)
    loop.train(begun)
    start.unlink()
    loop.train(dataclasses.replace(begun, epochs=2), resume=True)
    assert len(curve(begun)) == 2


def test_a_damaged_checkpoint_is_refused(config: TrainingConfig) -> None:
    out = loop.train(dataclasses.replace(config, epochs=1))
    path = out / run_folder.CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"checkpoint\.pt is damaged"):
        loop.train(config, resume=True)


def test_the_checkpoint_of_another_network_is_refused(config: TrainingConfig) -> None:
    out = loop.train(dataclasses.replace(config, epochs=1))
    content = torch.load(out / run_folder.CHECKPOINT)
    del content["network"]["proxies"]
    torch.save(content, out / run_folder.CHECKPOINT)
    with pytest.raises(TrainingError, match="does not fit this configuration"):
        loop.train(config, resume=True)


CHOICES = [
    *(("auxiliary_loss", name) for name in AUXILIARY_LOSSES),
    *(("sampler", name) for name in SAMPLERS),
    ("class_weights", "balanced"),
    *(("metric_loss", name) for name in METRIC_LOSSES),
    *(("mix", name) for name in MIXES),
    *(("optimizer", name) for name in OPTIMIZERS),
    *(("schedule", name) for name in SCHEDULES),
]


@pytest.mark.parametrize(("option", "name"), CHOICES)
def test_every_choice_trains(config: TrainingConfig, option: str, name: str) -> None:
    enough = 30 if name == "gaussian" else config.samples_per_class
    loop.train(dataclasses.replace(config, epochs=1, samples_per_class=enough, **{option: name}))
    assert np.isfinite([float(curve(config)[0][loss]) for loss in ("auxiliary_loss", "metric_loss")]).all()


def test_frozen_stages_keep_the_weights_that_they_started_with(config: TrainingConfig) -> None:
    started = loop.train(dataclasses.replace(config, epochs=1)) / run_folder.LAST
    frozen = dataclasses.replace(in_another_folder(config, "frozen"), initial_weights=str(started), epochs=1)
    before = load_file(started)
    after = load_file(loop.train(dataclasses.replace(frozen, frozen_stages=2)) / run_folder.LAST)
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept == {name for name in before if name.startswith(("backbone.layers.0.", "backbone.layers.1."))}
    with pytest.raises(TrainingError, match="--frozen-stages is 4, but this backbone has 3 stages"):
        loop.train(dataclasses.replace(in_another_folder(frozen, "too many"), frozen_stages=4))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_compiled_network_learns_what_it_learns_as_it_is(config: TrainingConfig) -> None:
    plain = dataclasses.replace(config, epochs=1, dropout=0.0)  # compiled, dropout draws by itself
    compiled = dataclasses.replace(in_another_folder(plain, "compiled"), compile="yes")
    counters["stats"].clear()
    first, second = (load_file(loop.train(each) / run_folder.LAST) for each in (plain, compiled))
    assert counters["stats"]["unique_graphs"] > 0
    for name, weights in first.items():
        torch.testing.assert_close(second[name], weights, rtol=1e-3, atol=1e-3)


def test_compiling_wants_a_compiler(config: TrainingConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(TrainingError, match=r"--compile yes needs a C\+\+ compiler: g\+\+ or clang\+\+"):
        loop.train(dataclasses.replace(config, compile="yes"))


def test_a_run_without_progress_ends_early(config: TrainingConfig) -> None:
    still = dataclasses.replace(config, epochs=50, patience=2, head_learning_rate=0.0, collapse=1.0)
    loop.train(still)
    assert len(curve(still)) == 3  # the first is the best, and two are no better


def test_steps_of_two_batches_take_the_mean_of_their_gradients(config: TrainingConfig) -> None:
    """Without mining and augmentation the auxiliary loss of two batches of 8 is that of one of 16."""
    still = dict.fromkeys(AUGMENTATION, 0.0)
    recipe = {"optimizer": "sgd", "gradient_clip": 0.0, "dropout": 0.0, "sampler": "natural", "metric_weight": 0.0}
    plain = dataclasses.replace(config, epochs=1, **still, **recipe)
    halves = dataclasses.replace(
        in_another_folder(plain, "halves"), natural_per_batch=plain.natural_per_batch // 2, accumulate=2
    )
    for each in (plain, halves):
        loop.train(each)
    first, second = (load_file(Path(each.out) / run_folder.LAST) for each in (plain, halves))
    for name, weights in first.items():
        torch.testing.assert_close(second[name], weights, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("metric_loss", ["triplet", "arcface"])
def test_no_step_goes_farther_than_the_clipped_gradient(config: TrainingConfig, metric_loss: str) -> None:
    """Plain steps of SGD without momentum or decay are gradients times the rate, the loss's own weights' among them."""
    recipe = {"optimizer": "sgd", "gradient_clip": 0.01, "weight_decay": 0.0, "schedule": "constant", "warmup": 0.0}
    given = dataclasses.replace(config, metric_loss=metric_loss, head_learning_rate=0.5, **recipe)
    data, _ = load_parts(given)
    trainer = Trainer(given, data, make_fabric(given))
    weights = [*trainer.network.parameters(), *trainer._metric.parameters()]
    before = [each.detach().clone() for each in weights]
    next(trainer.epoch())
    moved = math.sqrt(sum(float((after - old).square().sum()) for after, old in zip(weights, before, strict=True)))
    nesterov = 1 + 0.9  # times as far goes the first step
    assert moved == pytest.approx(nesterov * 0.5 * 0.01, rel=1e-3)


def test_a_run_in_bfloat16_learns_what_one_in_single_precision_does(config: TrainingConfig) -> None:
    halves = dataclasses.replace(in_another_folder(config, "halves"), precision="bf16-mixed")
    for each in (config, halves):
        loop.train(each)
    for name in ("auxiliary_loss", "accuracy"):
        whole, half = (float(curve(each)[-1][name]) for each in (config, halves))
        assert half == pytest.approx(whole, abs=0.1)
    exact, rounded = (load_file(Path(each.out) / run_folder.LAST) for each in (config, halves))
    assert all(weights.dtype == torch.float32 for weights in rounded.values() if weights.is_floating_point())
    assert any(not torch.equal(exact[name], rounded[name]) for name in exact)


def test_a_collapse_is_named_and_stops_the_run_and_a_margin_cures_it(config: TrainingConfig) -> None:
    """Without a margin the contrastive loss has nothing to push different expressions apart."""
    metric_alone = dataclasses.replace(config, metric_loss="contrastive", auxiliary_weight=0.0, epochs=12)
    with pytest.raises(CollapseError, match=r"The network has collapsed in epoch \d+: .*effective rank"):
        loop.train(dataclasses.replace(metric_alone, margin=0.0))
    assert len(curve(config)) < 12
    cured = in_another_folder(metric_alone, "cured")
    loop.train(dataclasses.replace(cured, margin=1.0))
    assert float(curve(cured)[-1]["margin"]) > 0.2


def test_a_loss_that_is_no_number_any_more_ends_the_run_with_a_sentence(config: TrainingConfig) -> None:
    with pytest.raises(TrainingError, match=r"is not a finite number any more, in epoch 1, step \d"):
        loop.train(dataclasses.replace(config, optimizer="sgd", head_learning_rate=1e30, gradient_clip=0.0))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("metric_loss", ["triplet", "arcface"])
def test_two_processes_compute_what_one_does_with_the_same_global_batch(
    taught: TrainingConfig, root: Path, metric_loss: str
) -> None:
    """SGD without clipping shows a gradient of another length; arcface has weights of its own."""
    config, together = taught, in_another_folder(taught, "together")
    recipe = {"dropout": 0, "epochs": 2, "optimizer": "sgd", "head_learning_rate": 0.1, "gradient_clip": 0}
    recipe |= {"accumulate": 2, "metric_loss": metric_loss, "teachers": taught.teachers, "teacher_view": "crop"}
    loop.train(parse(options(root, Path(config.out), **recipe))[0])
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = ["-m", "tests.training.small", *options(root, Path(together.out), **recipe, devices=2)]
    finished = subprocess.run([*launch, *run], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr[-2000:]
    for one, other in zip(curve(config), curve(together), strict=True):
        for name in ("auxiliary_loss", "metric_loss"):
            assert float(other[name]) == pytest.approx(float(one[name]), rel=1e-3)
    first, second = (load_file(Path(each.out) / run_folder.LAST) for each in (config, together))
    for name, weights in first.items():
        torch.testing.assert_close(second[name], weights, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hosts_that_share_no_folder_go_on_from_the_first_ones_checkpoint(
    config: TrainingConfig, root: Path, tmp_path: Path
) -> None:
    """As many as each would train a network of its own, if each looked for its own checkpoint."""
    places = [tmp_path / "first", tmp_path / "second"]
    recipe = {"dropout": 0, "optimizer": "sgd", "gradient_clip": 0}
    for epochs, resume in ((1, []), (2, ["--resume"])):
        run_on_hosts(places, [*options(root, Path("run"), **recipe, epochs=epochs, nodes=2), *resume])
        loop.train(*parse([*options(root, Path(config.out), **recipe, epochs=epochs), *resume]))
    assert not (places[1] / "run" / run_folder.CHECKPOINT).exists()
    resumed = load_file(places[0] / "run" / run_folder.LAST)
    for name, weights in load_file(Path(config.out) / run_folder.LAST).items():
        torch.testing.assert_close(resumed[name], weights, rtol=1e-3, atol=1e-4)


def run_on_hosts(places: Sequence[Path], words: Sequence[str]) -> None:
    """The same run on one device of each of some hosts, which are processes in working folders of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    hosts = []
    for number, place in enumerate(places):
        place.mkdir(exist_ok=True)
        named = {"NODE_RANK": str(number), "LOCAL_RANK": "0", "PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, "-m", "tests.training.small", *words]
        hosts.append(subprocess.Popen(command, cwd=place, env={**os.environ, **address, **named}))
    assert [host.wait() for host in hosts] == [0, 0]


def test_as_many_processes_as_were_started_must_be_asked_for(
    config: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(TrainingError, match=r"2 processes were started for --devices 1"):
        loop.train(config)
