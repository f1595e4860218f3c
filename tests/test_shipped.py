"""The reference set that ships: whole, small enough, consistent with itself, and showing no single person."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from siamese.datasets import ferplus
from siamese.datasets.crops import transforms
from siamese.evaluation.datasets import evaluate_dataset
from siamese.evaluation.protocols import Evidence
from siamese.evaluation.results import write_results
from siamese.faces.align import face_crop, warp, whole_picture
from siamese.gallery import thumbnails
from siamese.gallery.closeness import SAME_PICTURE, closest_others, closest_source, patterns
from siamese.gallery.composites import FEWEST_PICTURES
from siamese.network.runtime import Embedder
from siamese.network.twin import load_network
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.vocabulary import EMOTIONS

PROTOTYPES = Path(__file__).parent.parent / "prototypes"
RESULTS = PROTOTYPES.parent / "docs" / "results"
LARGEST = 32e6  # bytes in all
FERPLUS = os.environ.get("SEMBLANCE_FERPLUS")


def on_ferplus(test: Callable[..., None]) -> Callable[..., None]:
    """Marks what needs the real data, and minutes."""
    missing = pytest.mark.skipif(not FERPLUS, reason="SEMBLANCE_FERPLUS does not name the folder of FER+.")
    return pytest.mark.slow(pytest.mark.timeout(1800)(missing(test)))


@pytest.fixture(scope="module")
def training_faces() -> NDArray[np.float32]:
    """The patterns of FER+'s labelled training images, aligned."""
    train = ferplus.load(str(FERPLUS), "train").labelled()
    return patterns(np.stack([*map(warp, train.images, transforms(train, cache="cache"))]))


@pytest.fixture(scope="module")
def service() -> ExpressionService:
    return ExpressionService.load(PROTOTYPES)


@pytest.fixture(scope="module")
def portraits(service: ExpressionService) -> NDArray[np.uint8]:
    """The gallery's pictures, grey."""
    return np.stack([thumbnails.decode(item.thumbnail)[..., 0] for item in service.gallery.items])


@pytest.fixture(scope="module")
def composites(portraits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same as the network's inputs."""
    return np.stack([face_crop(portrait, whole_picture(*portrait.shape)) for portrait in portraits])


def test_it_is_small_enough() -> None:
    assert sum(path.stat().st_size for path in PROTOTYPES.rglob("*") if path.is_file()) <= LARGEST


def test_onnx_equals_the_reference_network(service: ExpressionService, composites: NDArray[np.uint8]) -> None:
    network = load_network(PROTOTYPES / "network.safetensors")
    random = np.random.default_rng(0).integers(0, 256, (8, *composites.shape[1:]), dtype=np.uint8)
    crops = np.concatenate([composites[:24], random])
    with torch.no_grad():
        expected = network(torch.from_numpy(crops)[:, None].float() / 255).numpy()
    np.testing.assert_allclose(service.embedder.embed(crops, mirror=False), expected, atol=1e-4)


def test_the_network_in_integers_is_the_same_network(service: ExpressionService, composites: NDArray[np.uint8]) -> None:
    integers = ExpressionService.load(PROTOTYPES, settings=Settings(precision="int8"))
    assert integers.embedder.fingerprint == service.embedder.fingerprint
    ours, theirs = service.embedder.embed(composites), integers.embedder.embed(composites)
    assert (ours * theirs).sum(axis=1).mean() > 0.995
    assert (service.prototypes.nearest(ours) == service.prototypes.nearest(theirs)).mean() > 0.95


def test_the_page_reacts_without_the_libraries_that_take_seconds_to_import() -> None:
    code = (
        "import sys; from siamese import ExpressionService; service = ExpressionService.load(); service.warm_up(); "
        "service.shades('happiness'); service.map(); print({'torch', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_every_emotion_has_a_prototype_and_composites(service: ExpressionService) -> None:
    assert service.prototypes.names == EMOTIONS
    assert {item.emotion for item in service.gallery.items} == set(EMOTIONS)
    assert len(service.gallery) >= 200


def test_every_emotion_opens_into_shades_that_share_its_composites(service: ExpressionService) -> None:
    for emotion in EMOTIONS:
        shades = service.shades(emotion)
        assert 1 <= len(shades) <= 5
        assert sum(shade.share for shade in shades) == pytest.approx(1)


def test_the_map_of_the_gallery_comes_with_it(service: ExpressionService) -> None:
    kept = service.gallery.store.kept_places()
    assert kept is not None and len(kept[0]) == len(service.gallery)


def test_the_gallery_shows_no_single_person(service: ExpressionService) -> None:
    for item in service.gallery.items:
        assert item.labelled_by == "composite"
        assert item.notes["pictures"] >= FEWEST_PICTURES
        assert item.notes["closest_source_correlation"] < SAME_PICTURE


def test_composites_are_recognised_as_what_they_show(service: ExpressionService, composites: NDArray[np.uint8]) -> None:
    read = service.emotions(service.embedder.embed(composites))
    right = [answer == item.emotion for answer, item in zip(read, service.gallery.items, strict=True)]
    assert np.mean(right) > 0.9


def test_each_example_to_click_is_read_as_its_name_says(service: ExpressionService) -> None:
    examples = sorted((PROTOTYPES / "examples").glob("*.webp"))
    assert {path.stem.split()[0] for path in examples} == set(EMOTIONS)
    for path in examples:
        assert [reading.emotion for reading in service.recognise(path)] == [path.stem.split()[0]]


def test_a_smile_is_happiness(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    (reading,) = service.recognise(astronaut)
    assert reading.emotion == "happiness"
    assert reading.confidence > 0.5


def test_the_model_card_speaks_of_this_network(service: ExpressionService) -> None:
    card = (PROTOTYPES / "MODEL_CARD.md").read_text()
    assert service.embedder.fingerprint in card
    for topic in ("Recall per class", "calibration error", "Limits", "Not to be used for", "AI Act", "Licences"):
        assert topic in card


def test_the_reference_set_holds_no_pickle() -> None:
    for path in PROTOTYPES.rglob("*.npz"):
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)
    for path in PROTOTYPES.rglob("*.json"):
        json.loads(path.read_text())


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """The shipped set on FER+'s test part, majority protocol."""
    return evaluate_dataset("ferplus", str(FERPLUS), "test", "majority", PROTOTYPES)


@on_ferplus
def test_it_is_as_good_as_promised_on_ferplus(evidence: Evidence) -> None:
    assert evidence.images == 3137
    assert evidence.accuracy >= 0.88
    assert evidence.balanced_accuracy >= 0.73
    assert evidence.roc_auc >= 0.96
    assert evidence.ece <= 0.03


@on_ferplus
def test_the_model_card_says_what_is_measured(evidence: Evidence) -> None:
    card = (PROTOTYPES / "MODEL_CARD.md").read_text()
    for figure in (evidence.accuracy, evidence.balanced_accuracy, evidence.macro_f1, evidence.recall_at_1):
        assert f"{100 * figure:.1f} %" in card
    assert f"{evidence.roc_auc:.3f}" in card


@on_ferplus
def test_no_composite_is_close_to_a_training_image(
    training_faces: NDArray[np.float32], service: ExpressionService, portraits: NDArray[np.uint8]
) -> None:
    """Measured again from the thumbnails; fading and WebP change the builder's figures a little."""
    seen = [warp(portrait, whole_picture(*portrait.shape)) for portrait in portraits]
    closest = [closest_source(crop, training_faces)[1] for crop in seen]
    assert max(closest) < SAME_PICTURE + 0.01
    assert closest == pytest.approx(
        [item.notes["closest_source_correlation"] for item in service.gallery.items], abs=0.02
    )


@on_ferplus
def test_the_bound_lies_between_different_pictures_and_repeats(training_faces: NDArray[np.float32]) -> None:
    rows = np.random.default_rng(0).choice(len(training_faces), 3000, replace=False)
    closest = closest_others(training_faces, rows)

    def share(low: float, high: float) -> float:
        return float(((closest >= low) & (closest < high)).mean())

    valley = share(SAME_PICTURE - 0.01, SAME_PICTURE + 0.03)
    assert share(0.78, 0.82) > 2 * valley  # different pictures
    assert share(0.96, 1.01) > 2 * valley  # the same one again


def test_the_page_of_results_is_of_this_network_and_of_the_stored_studies(tmp_path: Path) -> None:
    studies = [json.loads(file.read_text()) for file in RESULTS.glob("*.json")]
    shipped = {study["network"] for study in studies if not study.get("run")}  # a run's network is exported anew
    assert shipped == {Embedder(PROTOTYPES / "network.onnx").fingerprint}
    write_results(RESULTS, tmp_path / "RESULTS.md")
    assert (tmp_path / "RESULTS.md").read_text() == (RESULTS.parent / "RESULTS.md").read_text()
