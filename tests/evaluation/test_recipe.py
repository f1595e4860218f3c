"""How a shipped network came about: settings that anybody may read."""

import json
from pathlib import Path

import pytest

from siamese.errors import ReferenceSetError
from siamese.evaluation.recipe import RECIPE, require_recipe, write_recipe
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
    write_recipe([[trained / BEST]], tmp_path)
    assert json.loads((tmp_path / RECIPE).read_text()) == [
        [
            {
                "network": "taught/best.safetensors",
                "epochs": 8,
                "initial_weights": "faces.npz",
                "teachers": ["a/best.safetensors", "b/last.safetensors"],
            }
        ]
    ]
    assert (tmp_path / CURVE).read_text() == "epoch\ntaught\n"


def test_both_networks_that_a_pair_was_joined_of_are_told(tmp_path: Path) -> None:
    both = "/home/me/runs/a/best.safetensors,/home/me/runs/b/last.safetensors"
    write_recipe([[run(tmp_path / "pair", initial_weights=both) / BEST]], tmp_path)
    assert json.loads((tmp_path / RECIPE).read_text()) == [
        [
            {
                "network": "pair/best.safetensors",
                "initial_weights": "a/best.safetensors,b/last.safetensors",
                "teachers": [],
            }
        ]
    ]


def test_of_networks_that_were_averaged_and_joined_each_is_told(tmp_path: Path) -> None:
    a, b, c = (run(tmp_path / name, seed=seed) for seed, name in enumerate("abc"))
    write_recipe([[a / BEST, b / LAST], [c / BEST]], tmp_path)
    recipes = json.loads((tmp_path / RECIPE).read_text())
    names = [[each["network"] for each in averaged] for averaged in recipes]
    assert names == [["a/best.safetensors", "b/last.safetensors"], ["c/best.safetensors"]]
    curves = [(tmp_path / f"epochs-{number}.csv").read_text() for number in (1, 2, 3)]
    assert curves == ["epoch\na\n", "epoch\nb\n", "epoch\nc\n"]


def test_no_curve_of_an_earlier_network_stays(tmp_path: Path) -> None:
    a, b = (run(tmp_path / name) for name in "ab")
    write_recipe([[a / BEST, b / BEST]], tmp_path)
    write_recipe([[b / BEST]], tmp_path)
    assert [path.name for path in tmp_path.glob("epochs*.csv")] == [CURVE]
    assert (tmp_path / CURVE).read_text() == "epoch\nb\n"


def test_a_network_without_its_run_is_refused(tmp_path: Path) -> None:
    trained = run(tmp_path / "trained")
    with pytest.raises(ReferenceSetError, match=r"There is no network .*best\.safetensors\. Give the folder of a run"):
        require_recipe(trained / BEST)
    (trained / BEST).touch()
    require_recipe(trained / BEST)
    (trained / CURVE).unlink()
    with pytest.raises(ReferenceSetError, match=r"There is no epochs\.csv beside .*best\.safetensors"):
        require_recipe(trained / BEST)
