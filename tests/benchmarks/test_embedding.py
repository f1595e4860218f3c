"""The benchmark of embeddings on a small network and drawn faces: its page and its JSON tell the same."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from benchmarks import embedding
from siamese.datasets.catalogue import load_dataset
from siamese.evaluation import datasets
from siamese.network.export import export_onnx
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face
from tests.training.small import SMALL


@pytest.fixture
def trained(reference: Path, tmp_path: Path) -> Path:
    """A small network as PyTorch and as ONNX, with the tiny set's prototypes."""
    torch.manual_seed(0)
    network = TwinNetwork(TwinConfig(backbone=SMALL)).eval()
    folder = tmp_path / "trained"
    folder.mkdir()
    save_network(network, folder / "network.safetensors")
    export_onnx(network, folder / "network.onnx")
    (folder / "prototypes.npz").write_bytes((reference / "prototypes.npz").read_bytes())
    return folder


@pytest.mark.stress  # some fifteen seconds; all tests together must end within twenty minutes
def test_the_roofline_and_ways_to_integers_are_a_page_and_json(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, emotion in enumerate(EMOTIONS):
        (tmp_path / "faces" / "validation" / emotion).mkdir(parents=True)
        for seed in range(4):
            Image.fromarray(draw_face(label, seed, 48)).save(
                tmp_path / "faces" / "validation" / emotion / f"{seed}.png"
            )
    monkeypatch.setattr(
        datasets, "load_dataset", lambda name, root, *part: load_dataset("folder", tmp_path / "faces", *part[:1])
    )
    monkeypatch.setattr(embedding, "_SIDE", 64)
    monkeypatch.setattr(embedding, "_BATCHES", (1, 2))
    monkeypatch.setattr(embedding, "_COMPARED", (1,))
    ways = ("what `reference quantise` makes", "the same, but eight bits everywhere")
    monkeypatch.setattr(embedding, "VARIANTS", {name: embedding.VARIANTS[name] for name in ways})
    words = ["--reference", str(trained), "--repeats", "2", "--cache", str(tmp_path / "cache")]
    embedding.main([*words, "--root", str(tmp_path / "faces"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["integers"]["calibrated"] == found["integers"]["images"] == 16
    for each in found["integers"]["ways"].values():
        assert each["points"] == pytest.approx(100 * (each["accuracy"] - found["integers"]["accuracy"]))
        assert each["times_as_fast"]["1"] > 0
    embedding.main([*words, "--root", str(tmp_path / "faces")])
    shown = capsys.readouterr().out
    assert "python -m benchmarks.embedding --root data/ferplus > docs/results/embedding.md" in shown
    assert all(f"| {name} | {each['accuracy']:.2%} |" in shown for name, each in found["integers"]["ways"].items())
    embedding.main(words)
    assert "integers" not in capsys.readouterr().out
