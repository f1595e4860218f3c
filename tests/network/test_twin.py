"""A twin network: equal crops, equal embeddings of unit length; and the same network from file, in PyTorch and ONNX."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from siamese.errors import ReferenceSetError
from siamese.faces.align import INPUT_SIZE
from siamese.network.export import export_onnx
from siamese.network.runtime import FINGERPRINT, Embedder
from siamese.network.twin import TwinConfig, TwinNetwork, fits, load_network, rounded, save_network


@pytest.fixture(scope="module")
def network() -> TwinNetwork:
    torch.manual_seed(0)
    return TwinNetwork(TwinConfig()).eval()


@pytest.fixture(scope="module")
def embedder(network: TwinNetwork, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    path = tmp_path_factory.mktemp("network") / "network.onnx"
    export_onnx(network, path)
    return Embedder(path, batch_size=4)


def some_crops(count: int, size: int = INPUT_SIZE) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size), dtype=np.uint8)


@torch.no_grad()
def by_pytorch(network: TwinNetwork, crops: np.ndarray) -> np.ndarray:
    return network(torch.from_numpy(crops.copy())[:, None].float() / 255).numpy()


def test_both_twins_are_one_network(network: TwinNetwork) -> None:
    crops = some_crops(2)
    pair = np.concatenate([crops, crops])
    first, second = np.split(by_pytorch(network, pair), 2)
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_embeddings_have_unit_length(network: TwinNetwork) -> None:
    np.testing.assert_allclose(np.linalg.norm(by_pytorch(network, some_crops(3)), axis=1), 1, atol=1e-5)


@given(count=st.integers(1, 9))
def test_onnx_equals_pytorch_whatever_the_batch(network: TwinNetwork, embedder: Embedder, count: int) -> None:
    crops = some_crops(count)
    np.testing.assert_allclose(embedder.embed(crops, mirror=False), by_pytorch(network, crops), atol=1e-4)


def test_mirroring_averages_both_views(network: TwinNetwork, embedder: Embedder) -> None:
    crops = some_crops(3)
    mean = by_pytorch(network, crops) + by_pytorch(network, crops[:, :, ::-1])
    np.testing.assert_allclose(embedder.embed(crops), mean / np.linalg.norm(mean, axis=1, keepdims=True), atol=1e-4)


def test_a_face_and_its_mirror_image_embed_alike(embedder: Embedder) -> None:
    crops = some_crops(2)
    np.testing.assert_allclose(embedder.embed(crops), embedder.embed(crops[:, :, ::-1]), atol=1e-5)


def test_an_exported_network_reads_crops_of_any_size(network: TwinNetwork, embedder: Embedder) -> None:
    crops = some_crops(2, size=48)
    np.testing.assert_allclose(embedder.embed(crops, mirror=False), by_pytorch(network, crops), atol=1e-4)


def test_one_that_was_exported_for_crops_of_half_the_size_reads_their_mean(tmp_path: Path) -> None:
    small = nn.Sequential(nn.AvgPool2d(16), nn.Flatten())  # as many numbers as nine blocks of a crop of 48 pixels
    axes = {"crops": {0: "n"}, "embeddings": {0: "n"}}
    torch.onnx.export(
        small,
        (torch.zeros(2, 1, 48, 48),),
        str(tmp_path / "small.onnx"),
        input_names=["crops"],
        output_names=["embeddings"],
        dynamic_axes=axes,
        dynamo=False,
    )
    crops = some_crops(3)
    means = crops.reshape(3, 3, 32, 3, 32).mean(axis=(2, 4)).reshape(3, 9)
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(Embedder(tmp_path / "small.onnx").embed(crops, mirror=False), expected, atol=1e-5)


def test_no_crop_gives_no_embedding(embedder: Embedder) -> None:
    assert embedder.embed(some_crops(0)).shape == (0, 128)


def test_a_saved_network_comes_back(network: TwinNetwork, tmp_path: Path) -> None:
    save_network(network, tmp_path / "network.safetensors")
    again = load_network(tmp_path / "network.safetensors")
    assert fits(tmp_path / "network.safetensors", network.config.backbone, network.config.embedding_size)
    assert not fits(tmp_path / "network.safetensors", "vgg", network.config.embedding_size)
    assert not fits(tmp_path / "missing.safetensors", network.config.backbone, network.config.embedding_size)
    assert again.config == network.config
    np.testing.assert_array_equal(by_pytorch(again, some_crops(2)), by_pytorch(network, some_crops(2)))


def test_in_half_precision_a_rounded_network_is_stored_as_it_is_in_half_the_space(tmp_path: Path) -> None:
    torch.manual_seed(1)
    given = TwinNetwork(TwinConfig()).eval()
    save_network(given, tmp_path / "full.safetensors")
    before = by_pytorch(given, some_crops(3))
    network = rounded(given)
    np.testing.assert_allclose(by_pytorch(network, some_crops(3)), before, atol=0.01)
    save_network(network, tmp_path / "half.safetensors", half=True)
    again = load_network(tmp_path / "half.safetensors")
    np.testing.assert_array_equal(by_pytorch(again, some_crops(3)), by_pytorch(network, some_crops(3)))
    export_onnx(network, tmp_path / "half.onnx", half=True)
    found = Embedder(tmp_path / "half.onnx").embed(some_crops(3), mirror=False)
    np.testing.assert_allclose(found, by_pytorch(network, some_crops(3)), atol=1e-4)
    full, *halves = ((tmp_path / name).stat().st_size for name in ("full.safetensors", "half.safetensors", "half.onnx"))
    assert all(half < 0.53 * full for half in halves)


@pytest.mark.parametrize("half", [False, True])
def test_padding_becomes_part_of_its_convolution(half: bool, network: TwinNetwork, tmp_path: Path) -> None:
    export_onnx(network, tmp_path / "network.onnx", half)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(tmp_path / "network.onnx", options, providers=["CPUExecutionProvider"])
    found = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert "Conv" in found and not found & {"Pad", "BatchNormalization"}


@pytest.mark.parametrize("half", [False, True])
def test_the_export_is_quiet_and_leaves_other_warnings_be(half: bool, network: TwinNetwork, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        export_onnx(network, tmp_path / "network.onnx", half)
        assert not [str(each.message) for each in heard]
        warnings.warn("Another one.", UserWarning, stacklevel=1)
    assert [str(each.message) for each in heard] == ["Another one."]


def test_another_form_of_a_network_goes_by_its_fingerprint(network: TwinNetwork, tmp_path: Path) -> None:
    export_onnx(network, tmp_path / "network.onnx")
    model = onnx.load(tmp_path / "network.onnx")
    onnx.helper.set_model_props(model, {FINGERPRINT: "0123456789ab"})
    onnx.save(model, tmp_path / "other.onnx")
    assert Embedder(tmp_path / "other.onnx").fingerprint == "0123456789ab"
    assert Embedder(tmp_path / "network.onnx").fingerprint != "0123456789ab"


@pytest.mark.parametrize("content", [b"", b"not a network", None])
def test_another_file_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "network"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ReferenceSetError, match="is not a network that Semblance saved"):
        load_network(path)
    with pytest.raises(ReferenceSetError, match="is not a network that Semblance exported"):
        Embedder(path)
