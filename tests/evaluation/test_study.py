"""A study of a whole data set: what it adds to the evidence, where the data set allows it."""

import io
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from siamese.datasets.catalogue import load_dataset
from siamese.datasets.duplicates import THRESHOLD, shrunk
from siamese.errors import MeasurementError
from siamese.evaluation.classifiers import CLASSIFIERS
from siamese.evaluation.datasets import evaluate_samples
from siamese.evaluation.illustrations import draw_figures, draw_nearest
from siamese.evaluation.results import write_results
from siamese.evaluation.study import Study, study_dataset
from siamese.metric.prototypes import Prototypes
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face


def draw(path: Path, label: int, seed: int, size: int = 64) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_face(label, seed, size)).save(path)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of drawings for three parts; the first drawing of each emotion is in train and in test."""
    root = tmp_path_factory.mktemp("drawings")
    for part, seeds in (("train", range(5)), ("validation", range(10, 12)), ("test", (0, 20, 21))):
        for label, emotion in enumerate(EMOTIONS):
            for seed in seeds:
                draw(root / part / emotion / f"{seed}.png", label, seed)
    return root


def test_a_test_part_is_measured_with_and_without_copies_and_by_other_classifiers(
    parts: Path, reference: Path, tmp_path: Path
) -> None:
    study = study_dataset("folder", parts, "test", "majority", reference, tmp_path)
    test, *others = (shrunk(load_dataset("folder", parts, part).images) for part in ("test", "train", "validation"))
    rows = [image.reshape(len(image), -1).astype(float) for image in (test, np.concatenate(others))]
    mirrored = test[:, :, ::-1].reshape(len(test), -1).astype(float)
    closest = np.max(
        [np.corrcoef(each, rows[1])[: len(test), len(test) :] for each in (rows[0], mirrored)], axis=(0, 2)
    )
    copies = int((closest >= THRESHOLD).sum())
    assert len(EMOTIONS) <= copies < len(test)
    assert study.copies == copies
    assert study.without_copies is not None
    assert (study.evidence.images, study.without_copies.images) == (24, 24 - copies)
    assert [each.name for each in study.classifiers] == list(CLASSIFIERS)
    assert study.cross_validation == ()
    figures = json.loads(json.dumps(study.to_dict()))
    assert figures["accuracy"] == study.evidence.accuracy
    assert figures["without_copies"]["images"] == study.without_copies.images

    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "drawings.json").write_text(json.dumps(study.to_dict()))
    (tmp_path / "results" / "backbones.md").write_text("## Backbones\n\n| a | b |\n")
    samples = load_dataset("folder", parts, "test").labelled()
    draw_figures(samples, reference, tmp_path / "figures" / "drawings", tmp_path)
    write_results(tmp_path / "results", tmp_path / "RESULTS.md")
    page = (tmp_path / "RESULTS.md").read_text()
    assert page.endswith("\n\n## Backbones\n\n| a | b |\n")
    links = re.findall(r"!\[\w+\]\((.+)\)", page)
    assert [Path(link).stem for link in links] == ["confusion", "reliability", "roc", "tsne"]
    assert all(Image.open(tmp_path / link).format == "PNG" for link in links)
    assert "## folder, test, by label: 24 images" in page
    assert (
        "evaluate --dataset folder --root data/folder --split test --full --figures docs/figures/drawings --json "
        "> docs/results/drawings.json" in page
    )
    assert f"| accuracy | {study.evidence.accuracy:.3f} | " in page
    assert "own train and validation" not in page
    assert f"without the {copies} images that have a near-copy" in page
    assert all(f"| {name} |" in page for name in CLASSIFIERS)

    (tmp_path / "results" / "drawings.json").write_text(json.dumps({**study.to_dict(), "run": "runs/mine"}))
    write_results(tmp_path / "results", tmp_path / "RESULTS.md")
    page = (tmp_path / "RESULTS.md").read_text()
    assert "--split test --run runs/mine --full" in page
    assert "calibration and threshold of this data set's own train and validation" in page

    mine = {**study.to_dict(), "reference": "my runs/mine/reference"}
    (tmp_path / "results" / "drawings.json").write_text(json.dumps(mine))
    write_results(tmp_path / "results", tmp_path / "RESULTS.md")
    page = (tmp_path / "RESULTS.md").read_text()
    assert "--split test --reference 'my runs/mine/reference' --full" in page


def test_examples_are_drawn_beside_the_five_most_similar(parts: Path, reference: Path, tmp_path: Path) -> None:
    samples = load_dataset("folder", parts, "test").labelled()
    draw_nearest(samples, reference, tmp_path / "run" / "nearest.png", tmp_path)
    with Image.open(tmp_path / "run" / "nearest.png") as picture:
        columns, rows = 6, 2 * len(EMOTIONS)
        assert picture.width / columns == pytest.approx(picture.height / rows, rel=0.3)
        assert len(picture.convert("L").getcolors(256)) > 100


def test_where_people_are_known_they_are_cross_validated(reference: Path, tmp_path: Path) -> None:
    shown = ("anger", "disgust", "happiness", "sadness", "surprise")
    for subject in range(10):
        for number, emotion in enumerate(shown):
            for frame in range(2):
                name = f"S{subject:03}_{number:03}_{frame:08}.png"
                draw(tmp_path / "set" / emotion / name, EMOTIONS.index(emotion), 10 * subject + frame, 48)
    study = study_dataset("ckplus", tmp_path / "set", "all", "majority", reference, tmp_path / "cache")
    assert study.evidence.images == 100
    assert (study.copies, study.without_copies, study.classifiers) == (None, None, ())
    assert [each.split for each in study.cross_validation] == ["by subject", "leaky"]
    assert [len(each.folds) for each in study.cross_validation] == [10, 10]


def draw_parts(root: Path, train: Iterable[int], test: Mapping[str, Sequence[int]]) -> Path:
    """Three parts: drawings of these seeds, in test of each emotion others; validation as train."""
    for part, seeds in (
        ("train", dict.fromkeys(test, train)),
        ("validation", dict.fromkeys(test, train)),
        ("test", test),
    ):
        for emotion in seeds:
            for seed in seeds[emotion]:
                draw(root / part / emotion / f"{seed}.png", EMOTIONS.index(emotion), seed)
    return root


@pytest.mark.parametrize(
    ("new", "images"),
    [
        ({"anger": (), "surprise": ()}, 0),
        ({"anger": (), "surprise": (100,)}, 1),
        ({"anger": (), "surprise": (100, 101)}, 2),
        ({"anger": (100,), "surprise": (101,)}, 2),
    ],
    ids=["none", "one", "one class", "no two of one"],
)
def test_where_too_few_are_left_without_copies_that_part_alone_is_missing(
    new: dict[str, tuple[int, ...]], images: int, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawings of one emotion are much alike: here copies are exact ones only."""
    monkeypatch.setattr(
        "siamese.evaluation.study.copies_of", lambda images, others: (images[:, None] == others).all((2, 3)).any(1)
    )
    root = draw_parts(tmp_path / "photos", range(20), {name: (0, 1, *seeds) for name, seeds in new.items()})
    study = study_dataset("folder", root, "test", "majority", reference, tmp_path / "cache")
    assert (study.evidence.images, study.copies, study.without_copies) == (4 + images, 4, None)
    assert len(study.classifiers) == len(CLASSIFIERS)
    page = page_of(study, tmp_path)
    assert "near-copy" not in page and "| K nearest neighbours |" in page


def write_noise(path: Path, seeds: Iterable[int], votes: Mapping[int, Mapping[str, int]]) -> None:
    """A part of FER+, of pictures of noise: no two seeds' are alike. All votes are for anger, but for these."""
    pictures, counts = [], []
    for seed in seeds:
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (48, 48), dtype=np.uint8)).save(file, "PNG")
        pictures.append({"bytes": file.getvalue(), "path": f"{seed}.png"})
        given = votes.get(seed, {"anger": 10})
        counts.append([given.get(emotion, 0) for emotion in (*EMOTIONS, "unknown", "no face")])
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": pictures, "votes": counts}), path)


def test_copies_are_looked_for_among_all_that_a_network_learns_from(reference: Path, tmp_path: Path) -> None:
    """It learns the votes of pictures that have no label too, and of what the reference set does not know."""
    root, drawn, happy = tmp_path / "ferplus", {"anger": 5, "fear": 5}, {"happiness": 10}
    write_noise(root / "train.parquet", range(40), {1: drawn, 2: {"contempt": 10}, 5: happy, 6: happy})
    write_noise(root / "validation.parquet", range(40, 50), {41: drawn, 45: happy, 46: happy})
    tested = (0, 1, 2, 40, 41, *range(50, 60))  # the first five are in the other parts too
    write_noise(root / "test.parquet", tested, {55: happy, 56: happy})
    seven = shutil.copytree(reference, tmp_path / "seven")
    vectors = Prototypes.load(reference / "prototypes.npz").vectors
    Prototypes(EMOTIONS[:-1], vectors[:-1]).save(seven / "prototypes.npz")  # contempt is the last

    study = study_dataset("ferplus", root, "test", "majority", seven, tmp_path / "cache")
    assert (study.evidence.images, study.copies) == (15, 5)
    assert study.without_copies is not None and study.without_copies.images == 10
    assert [each.name for each in study.classifiers] == list(CLASSIFIERS)


def test_of_a_test_part_without_the_others_there_is_the_evidence(reference: Path, tmp_path: Path) -> None:
    """As where FER+ was fetched to be measured on alone."""
    write_noise(tmp_path / "test.parquet", range(6), {4: {"happiness": 10}, 5: {"happiness": 10}})
    study = study_dataset("ferplus", tmp_path, "test", "majority", reference, tmp_path / "cache")
    assert study.evidence.images == 6
    assert (study.copies, study.without_copies, study.classifiers) == (None, None, ())


def test_where_there_are_too_few_to_fit_classifiers_on_they_alone_are_missing(reference: Path, tmp_path: Path) -> None:
    root = draw_parts(tmp_path / "photos", range(4), {"anger": (100, 101), "surprise": (102, 103)})
    study = study_dataset("folder", root, "test", "majority", reference, tmp_path / "cache")
    assert study.evidence.images == 4 and study.classifiers == ()
    assert "on frozen embeddings" not in page_of(study, tmp_path)


def test_where_folds_lack_pairs_cross_validation_alone_is_missing(reference: Path, tmp_path: Path) -> None:
    """Each person shows one expression once, so that no fold has two images of one."""
    for subject in range(10):
        emotion = ("anger", "surprise")[subject % 2]
        draw(tmp_path / "set" / emotion / f"S{subject:03}_001_00000001.png", EMOTIONS.index(emotion), subject, 48)
    study = study_dataset("ckplus", tmp_path / "set", "all", "majority", reference, tmp_path / "cache")
    assert study.evidence.images == 10 and study.cross_validation == ()


def test_a_part_without_an_image_is_refused_with_a_sentence(reference: Path, tmp_path: Path) -> None:
    draw(tmp_path / "photos" / "anger" / "1.png", EMOTIONS.index("anger"), 1)
    nothing = load_dataset("folder", tmp_path / "photos", "all").take([])
    with pytest.raises(MeasurementError, match=r"No image of folder, all, is left to measure\."):
        evaluate_samples(nothing, reference, tmp_path)


def page_of(study: Study, folder: Path) -> str:
    (folder / "results").mkdir()
    (folder / "results" / "study.json").write_text(json.dumps(study.to_dict()))
    write_results(folder / "results", folder / "RESULTS.md")
    return (folder / "RESULTS.md").read_text()


def test_a_page_of_results_needs_studies(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="There is no study in"):
        write_results(tmp_path, tmp_path / "RESULTS.md")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(MeasurementError, match=r"other\.json is not what `evaluate --full --json` printed"):
        write_results(tmp_path, tmp_path / "RESULTS.md")
    (tmp_path / "other.json").unlink()
    (tmp_path / "ferplus-test-majority.json").write_text("{")
    with pytest.raises(MeasurementError, match=r"ferplus-test-majority\.json is not what"):
        write_results(tmp_path, tmp_path / "RESULTS.md")


def test_a_study_without_times_is_reported_without_them(parts: Path, reference: Path, tmp_path: Path) -> None:
    """Those of FER+ are aimed at: of a run they are not measured."""
    study = study_dataset("folder", parts, "test", "majority", reference, tmp_path).to_dict()
    assert study["timing"] is None
    (tmp_path / "results" / "benchmarks").mkdir(parents=True)
    (tmp_path / "results" / "ferplus-test-majority.json").write_text(json.dumps(study))
    write_results(tmp_path / "results", tmp_path / "RESULTS.md")
    (aim,) = re.findall(r"\| milliseconds for an aligned crop .*", (tmp_path / "RESULTS.md").read_text())
    assert aim.endswith("| not measured | – |")
    (tmp_path / "results" / "benchmarks" / "backbones-ckplus.json").write_text("{")
    with pytest.raises(MeasurementError, match=r"aimed at, in .*results, is not JSON"):
        write_results(tmp_path / "results", tmp_path / "RESULTS.md")
