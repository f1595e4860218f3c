"""A twin network → one ONNX file that holds everything from the grey crop to the unit-length embedding."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.jit import TracerWarning

from siamese.faces.align import INPUT_SIZE
from siamese.network.runtime import INPUT, OUTPUT
from siamese.network.twin import TwinNetwork


def export_onnx(network: TwinNetwork, path: str | Path, half: bool = False) -> None:
    """Write the network for ONNX Runtime: `crops` (n, 1, 96, 96) float in 0…1 → `embeddings` (n, embedding_size).

    Crops of other sizes are read too, as the network brings them to its own.

    With `half`, weights are stored in half precision, which halves the file; everything is computed in single.
    """
    example = torch.zeros(2, 1, INPUT_SIZE, INPUT_SIZE)
    with _without_the_exporter_s_warnings():
        torch.onnx.export(
            network.eval(),
            (example,),
            str(path),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "n", 2: "height", 3: "width"}, OUTPUT: {0: "n"}},
            opset_version=17,
            dynamo=False,
            # Folded into its convolution, a batch norm would make weights that half precision cannot hold.
            training=torch.onnx.TrainingMode.PRESERVE if half else torch.onnx.TrainingMode.EVAL,
            do_constant_folding=not half,
        )
    model = onnx.load(path)
    _let_padding_fuse(model)
    if half:
        _halve(model)
    onnx.save(model, path)


@contextmanager
def _without_the_exporter_s_warnings() -> Iterator[None]:
    """What PyTorch says of any network of ours; tests hold that the file gives the same embeddings."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Converting a tensor to a Python boolean", TracerWarning)
        warnings.filterwarnings("ignore", "Constant folding - Only steps=1 can be", UserWarning)
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript-based ONNX export", DeprecationWarning)
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning, r"torch\.onnx\.")
        yield


def _let_padding_fuse(model: onnx.ModelProto) -> None:
    """Leave out padding's empty third input, for which ONNX Runtime would not make it part of the convolution."""
    for node in model.graph.node:
        if node.op_type == "Pad" and list(node.input[2:]) == [""]:
            del node.input[2:]


def _halve(model: onnx.ModelProto) -> None:
    """Store each weight in half precision, before a cast to single; ONNX Runtime does the cast once, when it loads."""
    stored, casts = [], []
    for weights in model.graph.initializer:
        if weights.data_type != TensorProto.FLOAT:
            stored.append(weights)
            continue
        name = f"{weights.name}.half"
        stored.append(numpy_helper.from_array(numpy_helper.to_array(weights).astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [weights.name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(stored)
    model.graph.node.extend(nodes)
