"""A network and a data set → the embeddings of its images, as the service would make them, kept in a cache."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from siamese.datasets.crops import crops, fingerprint
from siamese.datasets.samples import Samples
from siamese.errors import MeasurementError
from siamese.network.runtime import Embedder


def embeddings(samples: Samples, embedder: Embedder, cache: str | Path) -> NDArray[np.float32]:
    """The unit-length embeddings (n, embedding_size) of the samples' aligned crops; computed once per network.

    Raises MeasurementError when there is no sample.
    """
    if not len(samples):
        raise MeasurementError(f"No image of {samples.dataset}, {samples.split}, is left to measure.")
    path = Path(cache) / f"embeddings-{embedder.fingerprint}-{fingerprint(samples.images)}.npy"
    if not path.is_file():
        inputs = crops(samples, "aligned", cache)
        starts = range(0, len(inputs), embedder.batch_size)
        progress = track(starts, f"Embedding {samples.dataset} {samples.split}", console=Console(stderr=True))
        answer = np.concatenate([embedder.embed(inputs[start : start + embedder.batch_size]) for start in progress])
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        np.save(unfinished, answer, allow_pickle=False)
        unfinished.replace(path)
    return np.load(path, allow_pickle=False)
