"""What judges a network's embeddings is fitted on train and validation, for the expressions that there are."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese.datasets.catalogue import load_dataset
from siamese.datasets.crops import crops
from siamese.datasets.samples import Samples
from siamese.errors import DatasetError
from siamese.evaluation.datasets import evaluate_dataset, load_for
from siamese.evaluation.fitting import fit_run, typical_prototypes
from siamese.metric.prototypes import Prototypes, fit_prototypes
from siamese.network.runtime import Embedder
from siamese.network.twin import TwinConfig, TwinNetwork, save_network
from siamese.training.run_folder import BEST
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face
from tests.training.small import SMALL

CLASSES = len(EMOTIONS)
TRAINED = tuple(name for name in EMOTIONS if name not in ("fear", "contempt"))


def samples(labels: np.ndarray, agreement: np.ndarray) -> Samples:
    targets = np.repeat(((1 - agreement) / (CLASSES - 1))[:, None], CLASSES, axis=1)
    targets[np.arange(len(labels)), labels] = agreement
    images = np.zeros((len(labels), 48, 48), np.uint8)
    sources = tuple(map(str, range(len(labels))))
    return Samples("made", "train", "majority", images, targets.astype(np.float32), labels, sources)


def test_ambiguous_images_do_not_draw_classes_together_where_validation_says_so() -> None:
    """Each class has one clear image and three that lie with the next class, on which few votes agree."""
    corners = np.eye(CLASSES, dtype=np.float32)
    labels = np.repeat(np.arange(CLASSES), 4)
    embeddings = np.concatenate([corners[[label] + 3 * [(label + 1) % CLASSES]] for label in range(CLASSES)])
    train = samples(labels, np.tile([1.0, 0.55, 0.55, 0.55], CLASSES))
    validation = samples(np.arange(CLASSES), np.ones(CLASSES))
    plain = fit_prototypes(embeddings, labels, EMOTIONS)
    assert (plain.nearest(corners) != validation.labels).all()
    chosen = typical_prototypes(train, embeddings, validation, corners)
    np.testing.assert_array_equal(chosen.nearest(corners), validation.labels)


def test_where_weighting_gains_nothing_prototypes_are_plain_means() -> None:
    labels = np.arange(CLASSES)
    embeddings = np.eye(CLASSES, dtype=np.float32)
    everything = samples(labels, np.linspace(0.6, 1, CLASSES))
    chosen = typical_prototypes(everything, embeddings, everything, embeddings)
    np.testing.assert_array_equal(chosen.vectors, fit_prototypes(embeddings, labels, EMOTIONS).vectors)


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three parts, of which only test has fear and contempt."""
    root = tmp_path_factory.mktemp("drawings")
    parts = (("train", range(6), TRAINED), ("validation", range(10, 13), TRAINED), ("test", range(20, 24), EMOTIONS))
    for part, seeds, emotions in parts:
        for emotion in emotions:
            for seed in seeds:
                path = root / part / emotion / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_face(EMOTIONS.index(emotion), seed, 48)).save(path)
    return root


def test_calibration_and_threshold_are_fitted_on_validation(drawings: Path, run: Path, tmp_path: Path) -> None:
    """No other sharpness makes its labels likelier; at the threshold its two kinds of error are as frequent."""
    reference = fit_run(run, "folder", drawings, "majority", tmp_path)
    validation = load_dataset("folder", drawings, "validation", "majority")
    rows = Embedder(reference / "network.onnx").embed(crops(validation, cache=tmp_path))
    prototypes = Prototypes.load(reference / "prototypes.npz")
    labels = np.array([prototypes.names.index(EMOTIONS[label]) for label in validation.labels])
    distance = 1 - rows.astype(np.float64) @ prototypes.vectors.T
    fitted = json.loads((reference / "calibration.json").read_text())

    def surprise(temperature: float) -> float:
        logits = -(distance ** fitted["exponent"]) / temperature
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]))

    least = surprise(fitted["temperature"])
    assert all(surprise(fitted["temperature"] * factor) > least for factor in (0.97, 1.03))

    first, second = np.triu_indices(len(rows), k=1)
    similarity, same = (rows[first] * rows[second]).sum(axis=1), labels[first] == labels[second]
    accepted = similarity >= json.loads((reference / "verification.json").read_text())["threshold"]
    assert accepted[~same].mean() == pytest.approx((~accepted[same]).mean(), abs=1 / same.sum())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with a network, which need not have learned."""
    folder = tmp_path_factory.mktemp("run")
    save_network(TwinNetwork(TwinConfig(SMALL)), folder / BEST)
    return folder


def test_a_run_is_judged_on_the_expressions_that_its_data_set_trains(drawings: Path, run: Path, tmp_path: Path) -> None:
    reference = fit_run(run, "folder", drawings, "majority", tmp_path)
    prototypes = Prototypes.load(reference / "prototypes.npz")
    assert prototypes.names == TRAINED
    test = load_for("folder", drawings, "test", "majority", reference)
    assert {EMOTIONS[label] for label in test.labels} == set(TRAINED)
    assert test.left_out["an expression that the reference set does not know"] == 2 * 4

    embedded = Embedder(reference / "network.onnx").embed(crops(test, cache=tmp_path))
    answers = [TRAINED[row] for row in (embedded @ prototypes.vectors.T).argmax(axis=1)]
    right = np.mean([answer == EMOTIONS[label] for answer, label in zip(answers, test.labels, strict=True)])
    evidence = evaluate_dataset("folder", drawings, "test", "majority", reference, tmp_path)
    assert (evidence.images, evidence.classes) == (4 * len(TRAINED), TRAINED)
    assert evidence.accuracy == pytest.approx(right)


def test_a_network_s_file_is_judged_as_its_run_is(drawings: Path, run: Path, tmp_path: Path) -> None:
    of_run, of_file = (fit_run(each, "folder", drawings, "majority", tmp_path) for each in (run, run / BEST))
    assert of_file.parent == tmp_path
    for name in ("prototypes.npz", "shades.npz", "calibration.json", "verification.json"):
        assert (of_file / name).read_bytes() == (of_run / name).read_bytes()


def test_each_network_s_file_and_each_protocol_has_a_folder_of_its_own(
    drawings: Path, run: Path, tmp_path: Path
) -> None:
    """Else two that are measured at once would write over each other's files."""
    save_network(TwinNetwork(TwinConfig(SMALL)), tmp_path / "other.safetensors")
    fitted = [
        fit_run(network, "folder", drawings, protocol, tmp_path)
        for network in (run / BEST, tmp_path / "other.safetensors")
        for protocol in ("majority", "plurality")
    ]
    assert len(set(fitted)) == 4
    again = fit_run(run / BEST, "folder", drawings, "majority", tmp_path)
    assert again == fitted[0]


def test_a_run_needs_parts_to_be_judged_by(drawings: Path, run: Path) -> None:
    with pytest.raises(DatasetError, match=r"no train and validation part .* Put its folders into train/"):
        fit_run(run, "folder", drawings / "train", "majority")


def test_a_reference_set_that_knows_all_leaves_nothing_out(drawings: Path, reference: Path) -> None:
    loaded = load_for("folder", drawings, "test", "majority", reference)
    assert len(loaded) == len(load_dataset("folder", drawings, "test")) and not loaded.left_out
