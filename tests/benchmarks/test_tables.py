"""Benchmarks end to end on small drawn sets: each prints its table as Markdown, or one JSON object."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import (
    ablations,
    alignment,
    augmentation,
    backbones,
    baselines,
    by_subject,
    collapse,
    initial_weights,
    teaching,
)
from siamese.datasets.catalogue import load_dataset
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.training.config import TrainingConfig, check
from siamese.training.data import LabelledCrops
from siamese.training.guard import spread
from siamese.training.run_folder import CONFIG
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face
from tests.training.small import SMALL

pytestmark = pytest.mark.timeout(600)  # networks are trained, if but for a few steps

SHOWN = ("anger", "disgust", "happiness", "sadness", "surprise")


def draw(path: Path, label: int, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_face(label, seed, 48)).save(path)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("parts")
    for part, seeds in (("train", range(12)), ("validation", range(12, 14)), ("test", range(14, 18))):
        for label, emotion in enumerate(EMOTIONS):
            for seed in seeds:
                draw(root / part / emotion / f"{seed}.png", label, seed)
    return root


@pytest.fixture(scope="module")
def ckplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people, each showing five expressions in two frames."""
    root = tmp_path_factory.mktemp("ckplus")
    for subject in range(6):
        for number, emotion in enumerate(SHOWN):
            for frame in range(2):
                name = f"S{subject:03}_{number:03}_{frame:08}.png"
                draw(root / emotion / name, EMOTIONS.index(emotion), 10 * subject + frame)
    return root


def test_baselines_are_a_table_with_their_command(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--dataset", "folder", "--root", str(parts), "--only", "HOG + linear SVM", "nearest pixels"]
    baselines.main(words)
    page = capsys.readouterr().out
    assert page.startswith("## Classical baselines on folder, test: 32 images")
    assert "--only 'HOG + linear SVM' 'nearest pixels' > docs/results/baselines-folder.md" in page
    baselines.main([*words, "--json"])
    for each in json.loads(capsys.readouterr().out)["baselines"]:
        assert f"| {each['name']} | 96 | {each['accuracy']:.3f} |" in page


@pytest.mark.stress  # half a minute; all tests together must end within twenty
def test_kinds_of_crops_are_compared_as_a_page_a_table_and_json(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(alignment.ferplus, "load", lambda root, split: load_dataset("folder", root, split))
    monkeypatch.setattr(alignment, "load_face_weights", lambda *given: torch.manual_seed(0))
    words = [str(parts), "faces.npz", "--limit", "64", "--write", str(tmp_path / "page.md")]
    alignment.main(words)
    shown = capsys.readouterr().out.strip()
    assert shown in (tmp_path / "page.md").read_text()
    alignment.main([*words, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["limit"] == 64 and set(told["crops"]) == {"aligned", "box", "whole"}
    for kind, figures in told["crops"].items():
        assert f"| {kind} | {figures['accuracy']:.1%} | {figures['balanced accuracy']:.1%} |" in shown


def test_backbones_are_compared_by_subject_and_leaky(
    ckplus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--root", str(ckplus), "--backbones", "cnn", "--epochs", "1", "--folds", "2", "--leaky-folds", "3"]
    backbones.main(words)
    page = capsys.readouterr().out
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs" / "backbones").iterdir()}
    assert len(kept) == 2 + 3  # one a fold
    assert all(np.load(path).shape == (60, 128) for path in kept)
    backbones.main([*words, "--json"])
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs" / "backbones").iterdir()}
    by_subject, leaky = json.loads(capsys.readouterr().out)["cnn"]
    for each, name in ((by_subject, "by subject, 2"), (leaky, "leaky, 3")):
        assert f"| `cnn` | nothing | {name} | {each['mean']['accuracy']:.3f} ± " in page
    assert "--backbones cnn --epochs 1 > docs/results/backbones-ckplus.md" in page


def test_training_on_a_fold_makes_its_expressions_come_apart(ckplus: Path, tmp_path: Path) -> None:
    samples = load_dataset("ckplus", ckplus, "all")
    quick = {"learning_rate": 0.01, "head_learning_rate": 0.01, "average_decay": 0.9}
    config = replace(backbones.RECIPE, backbone=SMALL, cache=str(tmp_path), precision="32-true", epochs=80, **quick)
    embeddings = backbones.Comparison(samples, config, tmp_path).embeddings(np.arange(len(samples)))
    assert spread(embeddings, samples.labels)["margin"] > 0.1


def test_people_are_read_by_networks_that_others_trained(
    ckplus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--root", str(ckplus), "--initial", "", "--backbone", "cnn", "--epochs", "1", "--folds", "3"]
    by_subject.main(words)
    page = capsys.readouterr().out
    kept = list((tmp_path / "runs" / "by-subject").iterdir())
    assert len(kept) == 3  # one a fold
    by_subject.main([*words, "--json"])
    told = json.loads(capsys.readouterr().out)
    assert sum(fold["images"] for fold in told["folds"]) == 60
    for number, fold in enumerate(told["folds"], start=1):
        assert f"| {number} | 20 | {fold['accuracy']:.3f} |" in page
    assert f"| mean | 60 | {told['mean']['accuracy']:.3f} ± {told['deviation']['accuracy']:.3f} |" in page
    assert "--backbone cnn --epochs 1 --folds 3 > docs/results/by-subject-ckplus.md" in page


def test_folds_that_were_kept_are_not_taken_for_those_of_other_weights_or_images(ckplus: Path, tmp_path: Path) -> None:
    samples, weights = load_dataset("ckplus", ckplus, "all"), tmp_path / "network.safetensors"
    others = replace(samples, images=255 - samples.images)
    config = replace(backbones.RECIPE, backbone=SMALL, crops="whole", epochs=1, initial_weights=str(weights))
    everyone, kept = np.arange(len(samples)), tmp_path / "folds"
    for count, (seed, each) in enumerate([(0, samples), (0, samples), (1, samples), (1, others)]):
        torch.manual_seed(seed)
        save_network(TwinNetwork(TwinConfig(SMALL)), weights)
        backbones.Comparison(each, config, kept).embeddings(everyone)
        assert len(list(kept.iterdir())) == max(1, count)


def test_a_face_and_its_mirror_image_are_read_alike(ckplus: Path, tmp_path: Path) -> None:
    samples = load_dataset("ckplus", ckplus, "all")
    mirrored = replace(samples, images=np.ascontiguousarray(samples.images[:, :, ::-1]))
    config = replace(backbones.RECIPE, backbone=SMALL, crops="whole", epochs=1)
    network = TwinNetwork(TwinConfig(SMALL))
    read = [backbones.Comparison(each, config, tmp_path, mirror=True)._read(network) for each in (samples, mirrored)]
    np.testing.assert_allclose(*read, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(read[0], axis=1), 1, rtol=1e-5)


def test_ablations_are_runs_that_differ_in_one_choice(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["three convolutions, cross-entropy"]
    words = ["--dataset", "folder", "--root", str(parts), "--epochs", "1", "--only", *names]
    shorter = {names[0]: replace(ablations.ABLATIONS[names[0]], times=3)}
    monkeypatch.setattr(ablations, "ABLATIONS", {**ablations.ABLATIONS, **shorter})
    ablations.main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert list(found) == names
    run = tmp_path / "runs" / "ablations" / "folder" / "three-convolutions-cross-entropy"
    config = json.loads((run / CONFIG).read_text())
    assert (config["backbone"], config["metric_weight"], config["sampler"], config["epochs"]) == (
        "cnn",
        0,
        "natural",
        3,
    )
    ablations.main(words)  # the run is over, and is only measured again
    page = capsys.readouterr().out
    assert f"| {names[0]} | {found[names[0]]['accuracy']:.3f} |" in page
    assert page.startswith("## What each part is worth, on folder, test: 32 images")


def test_a_softmax_is_right_where_the_label_has_the_largest_probability() -> None:
    torch.manual_seed(0)
    network = TwinNetwork(TwinConfig(SMALL)).eval()
    crops, labels = torch.rand(12, 1, 96, 96), np.repeat([0, 2, 5], [6, 4, 2])
    figures = ablations.by_softmax(network, LabelledCrops(crops, labels))
    right: dict[int, list[bool]] = {0: [], 2: [], 5: []}
    for crop, label in zip(crops, labels.tolist(), strict=True):
        with torch.no_grad():
            embedding = network(crop[None])[0]
            similarities = [torch.cosine_similarity(embedding, network.proxies[each], dim=0) for each in right]
        probabilities = (6 * torch.stack(similarities)).softmax(dim=0)
        right[label].append(list(right)[int(probabilities.argmax())] == label)
    assert figures["softmax_accuracy"] == pytest.approx(sum(map(sum, right.values())) / len(labels))
    assert figures["softmax_balanced_accuracy"] == pytest.approx(np.mean([np.mean(each) for each in right.values()]))


def test_every_ablation_is_a_recipe_that_the_trainer_takes() -> None:
    for name in ablations.ABLATIONS:
        check(ablations.run_of(TrainingConfig(), name, ""))


def test_initial_weights_are_compared_with_none(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(initial_weights, "STARTS", {SMALL: ("nothing", "faces")})
    save_network(TwinNetwork(TwinConfig(SMALL)), tmp_path / "known.safetensors")
    words = ["--dataset", "folder", "--root", str(parts), "--epochs", "1"]
    with pytest.raises(SystemExit):
        initial_weights.main(words)
    assert "--weights names the face weights" in capsys.readouterr().err
    initial_weights.main([*words, "--weights", str(tmp_path / "known.safetensors")])
    page = capsys.readouterr().out
    starts = [
        json.loads((tmp_path / "runs" / "initial-weights" / "folder" / f"{SMALL}-from-{start}" / CONFIG).read_text())
        for start in ("nothing", "faces")
    ]
    changed = {name for name in starts[0] if starts[0][name] != starts[1][name]}
    assert changed == {"initial_weights", "out"}
    assert f"| `{SMALL}` | nothing | 0." in page
    assert f"| `{SMALL}` | faces | 0." in page
    assert "--weights known.safetensors --epochs 1" in page


def test_a_collapse_and_its_cures_are_told_from_runs(
    ckplus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collapse, "SETTINGS", {"no margin": {"margin": 0.0}, "as it is": {"collapse": 1.0}})
    quick = {"head_learning_rate": 0.03, "learning_rate": 0.03, "precision": "32-true"}
    monkeypatch.setattr(collapse, "RECIPE", replace(collapse.RECIPE, validation_share=0.5, **quick))
    words = ["--root", str(ckplus), "--backbones", SMALL, "--epochs", "20"]
    collapse.main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)[SMALL]
    assert "has collapsed in epoch" in found["no margin"]["stopped"]
    apart = {name: 1 - each["inter_similarity"] for name, each in found.items()}
    assert apart["as it is"] > 5 * apart["no margin"]  # which the margin pushes
    collapse.main(words)
    page = capsys.readouterr().out
    assert f"| `{SMALL}` | no margin | collapsed, epoch {found['no margin']['epoch']:.0f} |" in page
    assert f"| `{SMALL}` | as it is | – | {found['as it is']['roc_auc']:.3g} |" in page


def test_augmentation_is_told_as_a_share_of_a_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(augmentation, "_RECIPE", replace(TrainingConfig(), backbone="cnn", precision="32-true"))
    augmentation.main(["--json"])
    figures = json.loads(capsys.readouterr().out)
    for each in figures["augmentation"].values():
        assert each["share_of_step"] == pytest.approx(each["milliseconds"] / figures["step_milliseconds"])
    assert "| with MixUp | " in augmentation.page(figures)


@pytest.mark.stress  # some fifteen seconds; all tests together must end within twenty minutes
def test_an_expression_is_taught_to_networks_that_never_saw_it(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--dataset", "folder", "--root", str(parts), "--epochs", "1", "--emotions", "disgust", "--draws", "5"]
    monkeypatch.setattr(teaching, "run_of", lambda *given: replace(ablations.run_of(*given), backbone=SMALL))
    teaching.main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)["outcomes"]
    untaught = [each for each in found if not each["examples"] and each["network"] != "cross-entropy, retrained"]
    assert len(untaught) == 3 and all(each["accuracy"] == 0 for each in untaught)
    assert [each["examples"] for each in found if each["network"] == "twin"] == [0, 1, 3, 5, 10, 12]
    runs = tmp_path / "runs" / "ablations" / "folder"
    assert {path.name for path in runs.glob("*-without-*")} == {
        "both-mixed-(the-recipe)-without-disgust",
        "cross-entropy-as-data-come-without-disgust",
    }
    teaching.main(words)  # the runs are over, and are only measured again
    page = capsys.readouterr().out
    five = next(each for each in found if each["examples"] == 5)
    figures = f"{five['accuracy']:.3f} ± {five['deviation']:.3f} | {five['rest']:.3f} ± {five['rest_deviation']:.3f}"
    assert f"| disgust (4) | twin | prototypes | 5 | {figures} |" in page


def test_the_shares_after_teaching_are_those_of_a_loop_over_the_test_images() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(60, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    labels = np.arange(60) % 3
    seen = teaching.Seen(rows[:40], labels[:40], rows[40:], labels[40:])
    everything = list(teaching.taught(seen, EMOTIONS[2], "made up", 3))[-1]
    means = np.stack([rows[:40][labels[:40] == label].mean(axis=0) for label in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    right = {2: [], 0: []}
    for row, label in zip(rows[40:], labels[40:], strict=True):
        right[2 if label == 2 else 0].append(max(range(3), key=lambda other, row=row: row @ means[other]) == label)
    assert everything.accuracy == pytest.approx(np.mean(right[2]))
    assert everything.rest == pytest.approx(np.mean(right[0]))
