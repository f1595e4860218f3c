"""A graph model as TensorFlow.js publishes it, JSON beside its .bin → its nodes, and its constants as arrays."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# From TensorFlow's axes to PyTorch's: (h, w, in, out) → (out, in, h, w), and (h, w, channels, 1) → (channels, 1, h, w).
DENSE_AXES, DEPTHWISE_AXES = (3, 2, 0, 1), (2, 3, 0, 1)


def read_graph(path: Path) -> tuple[list[dict[str, Any]], dict[str, NDArray[np.float32]]]:
    """The nodes of the graph at `path`, in order, and its constants of 32 bits by name."""
    graph = json.loads(path.read_text())
    return graph["modelTopology"]["node"], _constants(graph["weightsManifest"], path.parent)


def _constants(manifest: list[dict[str, Any]], folder: Path) -> dict[str, NDArray[np.float32]]:
    """They lie one after another in the manifest's files."""
    constants = {}
    for group in manifest:
        content = b"".join((folder / name).read_bytes() for name in group["paths"])
        start = 0
        for entry in group["weights"]:
            count = math.prod(entry["shape"])
            constants[entry["name"]] = np.frombuffer(content, entry["dtype"], count, start).reshape(entry["shape"])
            start += 4 * count
    return constants
