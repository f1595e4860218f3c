"""How a shipped network came about: settings that anybody may read."""

import json
from pathlib import Path

from siamese.evaluation.recipe import RECIPE, write_recipe
from siamese.training.run_folder import BEST, CONFIG, CURVE, LAST


def run(folder: Path, **config: object) -> Path:
    folder.mkdir()
    (folder / CONFIG).write_text(json.dumps(config))
    (folder / CURVE).write_text(f"epoch\n{folder.name}\n")
    return folder


def test_files_are_named_without_the_folders_of_whoever_trained(tmp_path: Path) -> None:
    teachers = "runs/a/best.safetensors,/home/me/runs/b/last.safetensors"
    given = {"data": "/home/me/ferplus", "initial_weights": "/home/me/weights/faces.npz", "teachers": teachers}
    trained = run(tmp_path / "taught", epochs=8, **given)
    write_recipe([trained / BEST], tmp_path)
    assert json.loads((tmp_path / RECIPE).read_text()) == [
        {
            "network": "taught/best.safetensors",
            "epochs": 8,
            "initial_weights": "faces.npz",
            "teachers": ["a/best.safetensors", "b/last.safetensors"],
        }
    ]
    assert (tmp_path / CURVE).read_text() == "epoch\ntaught\n"


def test_of_two_networks_that_were_joined_both_are_told(tmp_path: Path) -> None:
    networks = [run(tmp_path / "a", seed=1) / BEST, run(tmp_path / "b", seed=2) / LAST]
    write_recipe(networks, tmp_path)
    recipes = json.loads((tmp_path / RECIPE).read_text())
    assert [(each["network"], each["seed"]) for each in recipes] == [
        ("a/best.safetensors", 1),
        ("b/last.safetensors", 2),
    ]
    assert [(tmp_path / f"epochs-{number}.csv").read_text() for number in (1, 2)] == ["epoch\na\n", "epoch\nb\n"]
