"""An exported network, and crops to calibrate on → the same network in eight-bit integers, as one more ONNX file."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from siamese.network.runtime import FINGERPRINT, INPUT, Embedder

_BATCH = 32
_SEVEN_BITS = {"quant_type": QuantType.QInt8, "symmetric": True, "reduce_range": True, "axis": 0}


def quantise(
    source: str | Path,
    target: str | Path,
    crops: NDArray[np.uint8],
    float_convolutions: int = 2,
    seven_bits: Literal["none", "dense", "all"] = "dense",
    **changes: Any,
) -> None:
    """Write the network in the file `source` to `target`, in integers, with ranges as on the crops (n, 96, 96) uint8.

    Weights have a scale for each output channel. Those of dense convolutions have `seven_bits`: processors without VNNI
    add two products in 16 bits, which eight bits overflow. Depthwise convolutions are computed otherwise, and need all
    eight. The first `float_convolutions` stay in single precision: their depthwise weights are large and cancel out, so
    that rounding them costs most of what quantisation costs at all. `changes` are further arguments of ONNX Runtime's
    `quantize_static`, for experiments.

    The new file has the fingerprint of the source: their embeddings compare. Raises ReferenceSetError when the source
    is not a network that Semblance exported.
    """
    fingerprint = Embedder(source).fingerprint
    with TemporaryDirectory() as folder:
        fused = Path(folder) / "fused.onnx"
        _fuse(source, fused)
        convolutions = [node for node in onnx.load(fused).graph.node if node.op_type == "Conv"]
        narrow = [node.input[1] for node in convolutions[float_convolutions:] if _is_narrow(node, seven_bits)]
        options: dict[str, Any] = {
            "quant_format": QuantFormat.QDQ,
            "activation_type": QuantType.QUInt8,
            "weight_type": QuantType.QInt8,
            "per_channel": True,
            "op_types_to_quantize": ["Conv", "Gemm", "Clip"],
            "nodes_to_exclude": [node.name for node in convolutions[:float_convolutions]],
            "extra_options": {"TensorQuantOverrides": {name: [_SEVEN_BITS] for name in narrow}} if narrow else {},
        }
        quantize_static(fused, target, _Crops(crops), **options | changes)
    model = onnx.load(target)
    onnx.helper.set_model_props(model, {FINGERPRINT: fingerprint})
    onnx.save(model, target)


def _is_narrow(convolution: onnx.NodeProto, seven_bits: str) -> bool:
    depthwise = any(each.name == "group" and each.i > 1 for each in convolution.attribute)
    return seven_bits == "all" or (seven_bits == "dense" and not depthwise)


def _fuse(source: str | Path, target: Path) -> None:
    """Write the network with its batch norms and padding made part of the convolutions, as ONNX Runtime loads it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    model = onnx.load(target)
    add_pre_process_metadata(model)  # or `quantize_static` asks for it
    onnx.save(model, target)


class _Crops(CalibrationDataReader):
    """Crops (n, 96, 96) uint8, batch by batch, as the network takes them."""

    def __init__(self, crops: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = (
            crops[start : start + _BATCH] for start in range(0, len(crops), _BATCH)
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next batch by the name of the network's input, or None after the last."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch[:, None].astype(np.float32) / np.float32(255)}
