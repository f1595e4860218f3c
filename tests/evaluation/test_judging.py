"""A run is measured where nothing that judges it was fitted, and on people whom it has not seen."""

import io
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from siamese.cli import USER_ERROR, main
from siamese.datasets.catalogue import DATASETS, load_dataset, part_to_measure
from siamese.datasets.crops import crops
from siamese.errors import DatasetError, MeasurementError
from siamese.evaluation.fitting import fit_reference, fit_run
from siamese.evaluation.judging import judge_run
from siamese.evaluation.results import write_results
from siamese.evaluation.study import study_dataset
from siamese.metric.prototypes import Prototypes
from siamese.network.runtime import Embedder
from siamese.network.twin import TwinConfig, TwinNetwork, load_network, save_network
from siamese.training.config import TrainingConfig
from siamese.training.data import split
from siamese.training.run_folder import BEST, CONFIG
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face
from tests.training.small import SMALL

SHOWN = ("neutral", "happiness", "anger")  # in the vocabulary's order
PARTS = {"train": range(6), "validation": range(10, 13), "test": range(20, 23)}


def draw(root: Path, *parts: str) -> Path:
    """A folder of drawings of three expressions, in these parts."""
    for part in parts:
        for emotion in SHOWN:
            for seed in PARTS[part]:
                path = root / part / emotion / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_face(EMOTIONS.index(emotion), seed, 48)).save(path)
    return root


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with a network, which need not have learned."""
    (tmp_path / "run").mkdir()
    save_network(TwinNetwork(TwinConfig(SMALL)), tmp_path / "run" / BEST)
    return tmp_path / "run"


def learned_from(run: Path, dataset: str, data: Path, **options: object) -> Path:
    """The run, saying that it was trained on this."""
    (run / CONFIG).write_text(json.dumps({"dataset": dataset, "data": str(data), **options}))
    return run


def draw_people(root: Path, shown: Sequence[str] = SHOWN, subjects: int = 4) -> Path:
    """A folder as CK+ is published: two frames of each person and expression, in no parts."""
    for subject, (number, emotion), frame in product(range(subjects), enumerate(shown), range(2)):
        path = root / emotion / f"S{subject:03}_{number:03}_{frame:08}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_face(EMOTIONS.index(emotion), 10 * subject + frame, 48)).save(path)
    return root


def test_a_test_part_is_judged_by_the_others(run: Path, tmp_path: Path) -> None:
    root = draw(tmp_path / "photos", "train", "validation", "test")
    judged = judge_run(run, "folder", root, "test", "majority", tmp_path / "cache")
    assert judged.by is None
    assert Prototypes.load(judged.folder / "prototypes.npz").names == SHOWN


@pytest.mark.parametrize("part", ["train", "validation"])
def test_what_was_fitted_on_is_not_measured(part: str, run: Path, tmp_path: Path) -> None:
    root = draw(tmp_path / "photos", "train", "validation", "test")
    with pytest.raises(MeasurementError, match=rf"figures on {part} would be too good\. Measure --split test\."):
        judge_run(run, "folder", root, part, "majority", tmp_path / "cache")
    assert not list(run.glob("reference*"))


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name.startswith("affectnet")])
def test_of_a_set_without_a_test_part_it_is_said_to_hold_one_out(
    dataset: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --split, its last part would be measured, which is validation."""
    root = draw(tmp_path / "photos", "train", "validation")
    words = ("evaluate", "--dataset", dataset, "--root", root, "--run", run, "--cache", tmp_path / "cache")
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == USER_ERROR
    assert "There is no test part: hold some pictures out" in capsys.readouterr().err


def test_an_unknown_part_is_refused_before_anything_is_fitted(run: Path, tmp_path: Path) -> None:
    root = draw(tmp_path / "photos", "train", "validation", "test")
    with pytest.raises(DatasetError, match=r"Unknown split «holiday» .* Choose one of: train, validation, test\."):
        judge_run(run, "folder", root, "holiday", "majority", tmp_path / "cache")
    assert not list(run.glob("reference*"))


def test_a_set_without_parts_is_judged_by_the_data_that_the_run_learned_from(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As those of a reference set, classes that the measured set lacks are answers all the same."""
    photos = draw(tmp_path / "photos", "train", "validation")
    people = draw_people(tmp_path / "people", SHOWN[1:])
    learned_from(run, "folder", photos)
    expected = fit_run(run, "folder", photos, "majority", tmp_path / "cache")
    judged = judge_run(run, "ckplus", people, "all", "majority", tmp_path / "cache")
    assert judged.by == "folder photos"
    for name in ("network.onnx", "prototypes.npz", "shades.npz", "calibration.json", "verification.json"):
        assert (judged.folder / name).read_bytes() == (expected / name).read_bytes()

    words = ("evaluate", "--dataset", "ckplus", "--root", people, "--cache", tmp_path / "cache", "--full", "--json")
    studies = []
    for judge in (("--run", run), ("--reference", expected)):
        with pytest.raises(SystemExit):
            main([str(word) for word in (*words, *judge)])
        studies.append(json.loads(capsys.readouterr().out))
    by_run, by_reference = studies
    assert by_run["images"] == 16 and by_run["classes"] == list(SHOWN) and "neutral" not in by_run["per_class"]
    assert by_run.pop("judged_by") == "folder photos" and by_reference.pop("judged_by") is None
    assert {**by_run, "run": None, "reference": str(expected)} == by_reference

    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "people.json").write_text(json.dumps({**by_run, "judged_by": "ferplus"}))
    write_results(tmp_path / "results", tmp_path / "RESULTS.md")
    page = (tmp_path / "RESULTS.md").read_text()
    assert "prototypes, calibration and threshold of train and validation of ferplus, from which it learned." in page


def test_expressions_that_a_run_was_trained_without_do_not_judge_it(run: Path, tmp_path: Path) -> None:
    learned_from(run, "folder", draw(tmp_path / "photos", "train", "validation"), leave_out="anger")
    judged = judge_run(run, "jaffe", tmp_path, "all", "majority", tmp_path / "cache")
    assert Prototypes.load(judged.folder / "prototypes.npz").names == SHOWN[:2]


def test_a_run_that_held_people_out_is_judged_by_the_others_and_them(run: Path, tmp_path: Path) -> None:
    """CK+ has no parts: those that the training made are made again."""
    config = {"dataset": "ckplus", "data": str(draw_people(tmp_path / "people")), "validation_share": 0.5}
    train, validation = split(TrainingConfig(**config))
    learned_from(run, **config)
    judged = judge_run(run, "jaffe", tmp_path, "all", "majority", tmp_path / "cache")
    expected = fit_reference(load_network(run / BEST), train, validation, tmp_path / "expected", tmp_path / "cache")
    assert judged.by == "ckplus"
    np.testing.assert_array_equal(Prototypes.load(judged.folder / "prototypes.npz").vectors, expected.vectors)


@pytest.mark.parametrize("dataset", ["ckplus", "ckplus-neutral"])
def test_a_run_is_not_measured_on_people_whom_it_has_seen(dataset: str, run: Path, tmp_path: Path) -> None:
    """A published set is the same wherever it lies, and whichever of its pictures are taken."""
    learned_from(run, "ckplus", tmp_path / "elsewhere")
    with pytest.raises(
        MeasurementError, match=r"has seen the people in .*benchmarks\.by_subject.*benchmarks\.backbones"
    ):
        judge_run(run, dataset, draw_people(tmp_path / "people"), "all", "majority", tmp_path / "cache")


def test_folders_are_the_same_where_they_lie_at_one_place(run: Path, tmp_path: Path) -> None:
    mine, others = draw_people(tmp_path / "mine"), draw_people(tmp_path / "others")
    learned_from(run, "folder", mine, validation_share=0.4)
    with pytest.raises(MeasurementError, match="has seen the people in"):
        judge_run(run, "folder", mine, "all", "majority", tmp_path / "cache")
    assert judge_run(run, "folder", others, "all", "majority", tmp_path / "cache").by == "folder mine"


def test_the_test_part_of_a_run_s_own_data_is_measured_also_where_there_is_no_validation(
    run: Path, tmp_path: Path
) -> None:
    """As RAF-DB is published: of train, the training held a share out."""
    photos = draw(tmp_path / "photos", "train", "test")
    learned_from(run, "folder", photos, validation_share=0.4)
    assert judge_run(run, "folder", photos, "test", "majority", tmp_path / "cache").by == "folder photos"
    with pytest.raises(MeasurementError, match=r"has seen the people in .* Measure --split test\."):
        judge_run(run, "folder", photos, "train", "majority", tmp_path / "cache")


def write_ferplus(root: Path) -> Path:
    """The drawings as parquet, with FER+'s votes and FER2013's labels."""
    root.mkdir()
    for part, seeds in PARTS.items():
        shown = [(emotion, seed) for emotion in SHOWN for seed in seeds]
        drawn = []
        for emotion, seed in shown:
            file = io.BytesIO()
            Image.fromarray(draw_face(EMOTIONS.index(emotion), seed, 48)).save(file, "PNG")
            drawn.append({"bytes": file.getvalue(), "path": f"{emotion}{seed}.png"})
        votes = [[10 * (name == emotion) for name in (*EMOTIONS, "unknown", "no face")] for emotion, _ in shown]
        labels = [emotion for emotion, _ in shown]
        pq.write_table(pa.table({"image": drawn, "votes": votes, "fer2013": labels}), root / f"{part}.parquet")
    return root


@pytest.mark.parametrize("dataset", ["ferplus", "fer2013"])
@pytest.mark.parametrize("given", ["run", "file"])
def test_the_published_test_part_is_measured_by_either_s_labels(
    dataset: str, given: str, run: Path, tmp_path: Path
) -> None:
    """A run that learned from FER+ on FER+ and on FER2013, and a network whose run is not there."""
    root = write_ferplus(tmp_path / "ferplus")
    if given == "run":
        learned_from(run, "ferplus", root)
    judged = judge_run(run if given == "run" else run / BEST, dataset, root, "test", "majority", tmp_path / "cache")
    assert judged.by is None
    assert Prototypes.load(judged.folder / "prototypes.npz").names == SHOWN


@pytest.mark.parametrize("learned", ["ferplus", "fer2013"])
def test_of_fer2013_as_folders_the_test_part_is_not_new_to_whom_validated_on_half_of_it(
    learned: str, run: Path, tmp_path: Path
) -> None:
    learned_from(run, learned, write_ferplus(tmp_path / "ferplus"))
    folders = draw(tmp_path / "folders", "train")
    for emotion, seed in product(SHOWN, (*PARTS["validation"], *PARTS["test"])):  # as it was published
        path = folders / "test" / emotion / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_face(EMOTIONS.index(emotion), seed, 48)).save(path)
    seen = {image.tobytes() for image in load_dataset(learned, tmp_path / "ferplus", "validation").images}
    tested = [image.tobytes() for image in load_dataset("fer2013", folders, "test").images]
    assert sum(image in seen for image in tested) == len(seen) == 9 and len(tested) == 18
    with pytest.raises(MeasurementError, match=r"has seen the people in .* none of its pictures, or from those of its"):
        judge_run(run, "fer2013", folders, "test", "majority", tmp_path / "cache")

    learned_from(run, "fer2013", folders, validation_share=0.2)
    assert judge_run(run, "fer2013", folders, "test", "majority", tmp_path / "cache").by == "fer2013"


@pytest.mark.parametrize("other", ["affectnet", "affectnet7"])
def test_a_selection_with_parts_of_its_own_is_of_people_whom_the_run_has_seen(
    other: str, run: Path, tmp_path: Path
) -> None:
    """What Balanced AffectNet calls test is of AffectNet's train."""
    balanced = draw(tmp_path / "balanced", "train", "validation", "test")
    learned_from(run, other, tmp_path / "elsewhere")
    with pytest.raises(MeasurementError, match=rf"was trained on {other}: it has seen the people in .*balanced"):
        judge_run(run, "affectnet-balanced", balanced, "test", "majority", tmp_path / "cache")
    assert not list(run.glob("reference*"))
    learned_from(run, "affectnet-balanced", tmp_path / "elsewhere")
    assert judge_run(run, "affectnet-balanced", balanced, "test", "majority", tmp_path / "cache").by is None


@pytest.mark.parametrize("option", ["initial_weights", "teachers"])
@pytest.mark.parametrize("links", [1, 2])
def test_a_run_has_seen_the_people_of_those_that_it_learned_from(
    option: str, links: int, run: Path, tmp_path: Path
) -> None:
    """Directly or by way of others, and beside what is of no run's folder or not there any more."""
    photos, people = draw(tmp_path / "photos", "train", "validation"), draw_people(tmp_path / "people")
    (tmp_path / "first").mkdir()
    learned_from(tmp_path / "first", "ckplus", tmp_path / "elsewhere")
    before = tmp_path / "first" / BEST
    if links == 2:
        (tmp_path / "second").mkdir()
        both = f"{tmp_path / 'gone' / BEST},{before}"
        before = learned_from(tmp_path / "second", "folder", photos, initial_weights=both) / "last.safetensors"
    learned_from(run, "folder", photos, **{option: f"{tmp_path / 'loose.safetensors'},{before}"})
    said = r"run learned from a network in .*first, which was trained on ckplus: it has seen the people in .*people\."
    with pytest.raises(MeasurementError, match=said):
        judge_run(run, "ckplus", people, "all", "majority", tmp_path / "cache")

    learned_from(tmp_path / "first", "ferplus", tmp_path / "elsewhere")
    assert judge_run(run, "ckplus", people, "all", "majority", tmp_path / "cache").by == "folder photos"


def test_what_a_run_began_with_may_be_of_no_run(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside «imagenet», which is no file, and beside face weights lies whatever lies there; a resumed run is told of
    itself."""
    photos, people = draw(tmp_path / "photos", "train", "validation"), draw_people(tmp_path / "people")
    (tmp_path / CONFIG).write_text("{}")
    monkeypatch.chdir(tmp_path)
    for began in ("imagenet", "faces.npz", str(run / BEST)):
        learned_from(run, "folder", photos, initial_weights=began)
        assert judge_run(run, "ckplus", people, "all", "majority", tmp_path / "cache").by == "folder photos"


def test_of_a_network_alone_nobody_knows_what_it_learned_from(run: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no config\.json beside the network tells .* give --reference instead"):
        judge_run(run / BEST, "jaffe", tmp_path, "all", "majority", tmp_path / "cache")


def test_data_that_are_not_where_they_were_are_asked_for(run: Path, tmp_path: Path) -> None:
    learned_from(run, "ferplus", tmp_path / "gone")
    with pytest.raises(DatasetError, match=r"judged by the data that it learned from, in .*gone\. There is no folder"):
        judge_run(run, "jaffe", tmp_path, "all", "majority", tmp_path / "cache")


@pytest.mark.parametrize("own", [True, False], ids=["its own parts", "what it learned from"])
def test_a_run_is_measured_on_faces_cut_as_in_its_training(
    own: bool, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = draw(tmp_path / "photos", "train", "validation", *(["test"] if own else []))
    learned_from(run, "folder", photos, crops="whole")
    dataset, root = ("folder", photos) if own else ("ckplus", draw_people(tmp_path / "people"))
    words = ("evaluate", "--dataset", dataset, "--root", root, "--run", run, "--cache", tmp_path / "cache", "--json")
    with pytest.raises(SystemExit):
        main([str(word) for word in words])
    figures = json.loads(capsys.readouterr().out)
    assert figures["crops"] == "whole"

    judged = judge_run(run, dataset, root, part_to_measure(dataset, root), "majority", tmp_path / "cache")
    embedder, prototypes = Embedder(judged.folder / "network.onnx"), Prototypes.load(judged.folder / "prototypes.npz")
    train, measured = load_dataset("folder", photos, "train"), load_dataset(dataset, root, "test" if own else "all")
    rows = embedder.embed(crops(train, "whole"))
    means = np.stack([rows[train.labels == EMOTIONS.index(name)].mean(axis=0) for name in prototypes.names])
    np.testing.assert_allclose(prototypes.vectors, means / np.linalg.norm(means, axis=1, keepdims=True), atol=1e-6)
    answers = prototypes.nearest(embedder.embed(crops(measured, "whole")))
    right = [prototypes.names[row] == EMOTIONS[label] for row, label in zip(answers, measured.labels, strict=True)]
    assert figures["accuracy"] == pytest.approx(np.mean(right))


def test_the_page_says_how_faces_were_cut_where_that_is_another_way(run: Path, reference: Path, tmp_path: Path) -> None:
    people = draw_people(tmp_path / "people")
    study = study_dataset("ckplus", people, "all", "majority", reference, tmp_path / "cache").to_dict()
    (tmp_path / "results").mkdir()
    for kind, expected in (("whole", True), ("aligned", False)):
        stored = {**study, "run": "runs/mine", "judged_by": "ferplus", "crops": kind}
        (tmp_path / "results" / "people.json").write_text(json.dumps(stored))
        write_results(tmp_path / "results", tmp_path / "RESULTS.md")
        assert ("faces cut as in its training («whole»)" in (tmp_path / "RESULTS.md").read_text()) is expected
