"""A twin network → one ONNX file that holds everything from the grey crop to the unit-length embedding."""

from pathlib import Path

import torch

from siamese.faces.align import CROP_SIZE
from siamese.network.twin import TwinNetwork

INPUT, OUTPUT = "crops", "embeddings"


def export_onnx(network: TwinNetwork, path: str | Path) -> None:
    """Write the network for ONNX Runtime: `crops` (n, 1, 48, 48) float in 0…1 → `embeddings` (n, embedding_size)."""
    example = torch.zeros(2, 1, CROP_SIZE, CROP_SIZE)
    torch.onnx.export(
        network.eval(),
        (example,),
        str(path),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: {0: "n"}, OUTPUT: {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
