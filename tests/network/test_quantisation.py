"""A network in integers: nearly the same embeddings, under the same fingerprint, from a smaller file."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnxruntime.quantization import QuantType

from siamese.errors import ReferenceSetError
from siamese.network.quantisation import quantise
from siamese.network.runtime import Embedder
from tests.tiny import draw_face

CROPS = np.stack([draw_face(label, seed, 48).mean(axis=2) for label in range(8) for seed in range(5)]).astype(np.uint8)


def weights(path: Path) -> list[np.ndarray]:
    """What is stored in eight bits and has a row for each output channel."""
    stored = [numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer]
    return [each for each in stored if each.dtype == np.int8 and each.ndim > 1]


def test_embeddings_stay_nearly_what_they_are(reference: Path, tmp_path: Path) -> None:
    source, target = reference / "network.onnx", tmp_path / "network.int8.onnx"
    quantise(source, target, CROPS[::2], float_convolutions=0)
    single, integers = Embedder(source), Embedder(target)
    assert integers.fingerprint == single.fingerprint
    assert (single.embed(CROPS) * integers.embed(CROPS)).sum(axis=1).min() > 0.98
    assert target.stat().st_size < 0.5 * source.stat().st_size


def test_dense_convolutions_have_seven_bits_and_the_first_ones_none(reference: Path, tmp_path: Path) -> None:
    source, target = reference / "network.onnx", tmp_path / "network.int8.onnx"
    expected = {"none": Counter({127: 3}), "dense": Counter({64: 2, 127: 1}), "all": Counter({64: 2, 127: 1})}
    for bits, largest in expected.items():
        quantise(source, target, CROPS, float_convolutions=0, seven_bits=bits)
        assert Counter(int(np.abs(each.astype(int)).max()) for each in weights(target)) == largest
    quantise(source, target, CROPS)
    assert [each.ndim for each in weights(target)] == [2]  # the linear head


def test_other_ways_can_be_tried(reference: Path, tmp_path: Path) -> None:
    quantise(reference / "network.onnx", tmp_path / "other.onnx", CROPS, 0, "none", weight_type=QuantType.QUInt8)
    assert not weights(tmp_path / "other.onnx")


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReferenceSetError, match="is not a network that Semblance exported"):
        quantise(tmp_path / "missing.onnx", tmp_path / "network.int8.onnx", CROPS)
