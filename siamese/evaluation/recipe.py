"""Training runs → how the network of a reference set came about: settings and curves, without whose machine it was."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from siamese.errors import ReferenceSetError
from siamese.training.run_folder import CONFIG, CURVE

RECIPE = "recipe.json"

_PATHS = ("data", "cache", "out")


def require_recipe(network: Path) -> None:
    """Raise ReferenceSetError unless there is this file, and the settings and the curve of its run lie beside it."""
    if not network.is_file():
        raise ReferenceSetError(f"There is no network {network}. Give the folder of a run, or a network in one.")
    missing = [name for name in (CONFIG, CURVE) if not (network.parent / name).is_file()]
    if missing:
        raise ReferenceSetError(
            f"There is no {' and no '.join(missing)} beside {network}, which tell how it was trained. Give the folder "
            "of a run, or a network in one."
        )


def write_recipe(networks: Sequence[Sequence[Path]], out: Path) -> None:
    """Write the settings of the runs that these networks are of, as they were averaged and joined, and their curves,
    in place of earlier ones."""
    recipes = [[_recipe(path) for path in paths] for paths in networks]
    (out / RECIPE).write_text(json.dumps(recipes, indent=2) + "\n")
    everything = [path for paths in networks for path in paths]
    numbered = [CURVE] if len(everything) == 1 else [f"epochs-{number + 1}.csv" for number in range(len(everything))]
    for name, network in zip(numbered, everything, strict=True):
        shutil.copyfile(network.parent / CURVE, out / name)
    for earlier in out.glob("epochs*.csv"):
        if earlier.name not in numbered:
            earlier.unlink()


def _recipe(network: Path) -> dict[str, Any]:
    recipe = json.loads((network.parent / CONFIG).read_text())
    recipe["initial_weights"] = ",".join(_places(recipe.get("initial_weights", "")))  # a pair has two
    recipe["teachers"] = _places(recipe.get("teachers", ""))
    return {"network": _place(str(network)), **{n: value for n, value in recipe.items() if n not in _PATHS}}


def _places(paths: str) -> list[str]:
    return [_place(path) for path in paths.split(",") if path]


def _place(path: str) -> str:
    """A network of a run by the run's name and its own, another file by its name."""
    parts = Path(path).parts
    return "/".join(parts[-2:] if path.endswith(".safetensors") else parts[-1:])
