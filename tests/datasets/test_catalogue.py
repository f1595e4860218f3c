"""The catalogue: every data set by its name, through one interface."""

from pathlib import Path

import pytest

from siamese.datasets import affectnet, ckplus, fer2013, mmi, rafdb
from siamese.datasets.catalogue import (
    DATASETS,
    holds_out_test,
    load_dataset,
    part_to_measure,
    parts_of,
    same_pictures,
)
from siamese.errors import DatasetError
from siamese.vocabulary import index_of
from tests.datasets.made_up import summary, write_picture


@pytest.mark.parametrize("name", DATASETS)
def test_every_set_refuses_a_wrong_root_and_a_wrong_split_with_a_sentence(name: str, tmp_path: Path) -> None:
    """The root has no data; what is refused first, the root or the split, is the set's own matter."""
    split = DATASETS[name].splits(tmp_path)[0]
    with pytest.raises(DatasetError, match=str(tmp_path)):
        load_dataset(name, tmp_path, split)
    with pytest.raises(DatasetError, match=r"Choose one of: |must be a folder that holds"):
        load_dataset(name, tmp_path, "holiday")


@pytest.mark.parametrize("labels", [fer2013.LABELS, ckplus.LABELS, rafdb.LABELS, affectnet.LABELS[:8], mmi.LABELS[:6]])
def test_every_numbered_label_is_an_emotion_of_its_own(labels: tuple[str, ...]) -> None:
    indices = [index_of(label) for label in labels]
    assert None not in indices
    assert len(set(indices)) == len(labels)


def test_a_set_with_one_label_a_picture_is_the_same_under_each_protocol(tmp_path: Path) -> None:
    write_picture(tmp_path / "happy" / "a.png")
    loaded = [load_dataset("folder", tmp_path, "all", protocol) for protocol in ("majority", "plurality")]
    assert [summary(samples) for samples in loaded] == [{"happy/a.png": "happiness"}] * 2
    assert {samples.protocol for samples in loaded} == {"label"}


def test_unknown_names_are_refused_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no data set «holiday» here\. Choose: ferplus, fer2013, ckplus"):
        load_dataset("holiday", tmp_path, "all")
    with pytest.raises(DatasetError, match=r"Unknown protocol «best» for jaffe\. Choose one of: majority, plurality\."):
        load_dataset("jaffe", tmp_path, "all", "best")


@pytest.mark.parametrize(("name", "part"), [("ferplus", "test"), ("ckplus", "all"), ("affectnet", "validation")])
def test_measured_is_the_test_part_or_what_stands_for_it(name: str, part: str, tmp_path: Path) -> None:
    assert part_to_measure(name, tmp_path) == part


@pytest.mark.parametrize("name", ["ferplus", "fer2013"])
def test_a_part_whose_file_is_not_there_is_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "validation.parquet").touch()
    assert parts_of(name, tmp_path) == ("validation",)
    assert part_to_measure(name, tmp_path) == "validation"


@pytest.mark.parametrize(
    ("dataset", "root", "other", "other_root", "same"),
    [
        ("ckplus", "a", "ckplus", "b", True),
        ("ckplus", "a", "ckplus-neutral", "a", True),
        ("fer2013", "a", "ferplus", "b", True),
        ("ckplus", "a", "jaffe", "a", False),
        ("folder", "a", "folder", "b/../a", True),
        ("folder", "a/train", "folder", "a", True),
        ("folder", "a", "folder", "a/train", True),
        ("folder", "a", "folder", "ab", False),
        ("folder", "a", "folder", "b", False),
    ],
)
def test_published_sets_are_the_same_wherever_they_lie_and_folders_at_one_place(
    dataset: str, root: str, other: str, other_root: str, same: bool
) -> None:
    assert same_pictures(dataset, root, other, other_root) is same


@pytest.fixture
def fer2013_layouts(tmp_path: Path) -> Path:
    """A root in each layout; no picture is read to tell them apart."""
    for name in ("csv/fer2013.csv", "parquet/train.parquet", "parquet/validation.parquet", "parquet/test.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "tested").mkdir()
    (tmp_path / "tested" / "test.parquet").touch()
    for name in ("folders/Train", "folders/Test", "others/train", "others/test", "cut/train", "cut/val", "cut/test"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("dataset", "root", "other", "other_root", "held_out"),
    [
        ("ferplus", "parquet", "ferplus", "parquet", True),
        ("fer2013", "parquet", "ferplus", "parquet", True),
        ("ferplus", "tested", "fer2013", "csv", True),
        ("fer2013", "csv", "ferplus", "gone", True),
        ("fer2013", "folders", "fer2013", "csv", False),  # whose validation is in test/
        ("fer2013", "folders", "ferplus", "parquet", False),
        ("fer2013", "folders", "ferplus", "tested", False),  # and was elsewhere when it was learned
        ("fer2013", "folders", "fer2013", "folders", True),
        ("fer2013", "folders", "fer2013", "others", True),
        ("ferplus", "parquet", "fer2013", "folders", True),  # train/ holds no test picture
        ("fer2013", "cut", "fer2013", "cut", True),
        ("fer2013", "cut", "fer2013", "folders", False),
        ("fer2013", "csv", "fer2013", "cut", False),
    ],
)
def test_fer2013_as_folders_has_what_others_validate_on_in_its_test_part(
    dataset: str, root: str, other: str, other_root: str, held_out: bool, fer2013_layouts: Path
) -> None:
    assert holds_out_test(dataset, fer2013_layouts / root, other, fer2013_layouts / other_root) is held_out


@pytest.mark.parametrize(
    ("root", "other", "held_out"),
    [
        ("photos", "photos", True),
        ("photos", "link", True),
        ("photos", "photos/train", True),
        ("photos", "photos/Test", False),
        ("photos", ".", False),
        ("photos/train", "photos/train", False),  # it has no test part
    ],
)
def test_a_folder_holds_its_test_part_out_wherever_that_is_not_below_the_others(
    root: str, other: str, held_out: bool, tmp_path: Path
) -> None:
    for part in ("train", "validation", "Test"):
        (tmp_path / "photos" / part).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    assert holds_out_test("folder", tmp_path / root, "folder", tmp_path / other) is held_out


def test_other_published_sets_hold_their_own_test_part_out_alone(tmp_path: Path) -> None:
    assert holds_out_test("rafdb", tmp_path / "a", "rafdb", tmp_path / "b")
    assert holds_out_test("affectnet-balanced", tmp_path / "a", "affectnet-balanced", tmp_path / "b")
    assert not holds_out_test("affectnet-balanced", tmp_path / "a", "affectnet", tmp_path / "b")
