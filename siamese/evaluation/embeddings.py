"""A network and a data set → the embeddings of its images, as the service would make them, kept in a cache."""

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from siamese.datasets.crops import crops, fingerprint
from siamese.datasets.samples import Samples
from siamese.errors import MeasurementError
from siamese.faces.align import INPUT_SIZE
from siamese.network.runtime import Embedder

ALIGNED = "aligned"  # as the service cuts faces
_CROPS = "crops.json"  # in a folder of what judges a network that was trained on other crops


def embeddings(samples: Samples, embedder: Embedder, cache: str | Path, kind: str = ALIGNED) -> NDArray[np.float32]:
    """The unit-length embeddings (n, embedding_size) of the samples' crops of a kind; computed once per network.

    Raises MeasurementError when there is no sample, and DatasetError when there is no such kind.
    """
    if not len(samples):
        raise MeasurementError(f"No image of {samples.dataset}, {samples.split}, is left to measure.")
    suffix = f"{INPUT_SIZE}" if kind == ALIGNED else f"{INPUT_SIZE}-{kind}"
    path = Path(cache) / f"embeddings-{embedder.fingerprint}-{fingerprint(samples.images)}-{suffix}.npy"
    if not path.is_file():
        inputs = crops(samples, kind, cache)
        starts = range(0, len(inputs), embedder.batch_size)
        progress = track(starts, f"Embedding {samples.dataset} {samples.split}", console=Console(stderr=True))
        answer = np.concatenate([embedder.embed(inputs[start : start + embedder.batch_size]) for start in progress])
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        np.save(unfinished, answer, allow_pickle=False)
        unfinished.replace(path)
    return np.load(path, allow_pickle=False)


def embedded(samples: Samples, reference: Path, cache: str | Path) -> NDArray[np.float32]:
    """The same by the network of a reference set, of crops of the kind that it judges."""
    return embeddings(samples, Embedder(reference / "network.onnx"), cache, kind_of(reference))


def kind_of(reference: Path) -> str:
    """The kind of crops that the reference set in a folder judges."""
    path = reference / _CROPS
    return str(json.loads(path.read_text())["kind"]) if path.is_file() else ALIGNED


def write_kind(kind: str, reference: Path) -> None:
    """Note in a folder which kind of crops is judged there."""
    (reference / _CROPS).write_text(json.dumps({"kind": kind}) + "\n")
