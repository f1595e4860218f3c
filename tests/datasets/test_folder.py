"""A folder of photos: what its files and sub-folders say."""

from pathlib import Path

import pytest

from siamese.datasets.folder import load, scan, splits
from siamese.errors import DatasetError
from tests.datasets.made_up import summary, write_picture


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_sub_folders_label_their_photos_in_any_spelling(tmp_path: Path) -> None:
    touch(tmp_path, "Happy/a.jpg", "scared/deeper/b.PNG", "sadness/c.webp", "Smirk/d.jpeg")
    labels = {path.name: label for path, label in scan(tmp_path).photos}
    assert labels == {"a.jpg": "happiness", "b.PNG": "fear", "c.webp": "sadness", "d.jpeg": "Smirk"}


def test_an_emotion_further_below_is_a_label_too(tmp_path: Path) -> None:
    touch(tmp_path, "photos/happy/a.jpg", "photos/b.jpg", "fear/SA/c.jpg")  # SA: whose initials, not sadness
    labels = {path.name: label for path, label in scan(tmp_path).photos}
    assert labels == {"a.jpg": "happiness", "b.jpg": "photos", "c.jpg": "fear"}


def test_photos_in_no_sub_folder_have_no_label(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a.tif")
    assert scan(tmp_path).photos == ((tmp_path / "a.tif", None), (tmp_path / "b.jpg", None))


def test_other_files_are_listed_with_the_reason_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "notes.txt", "fear/list.csv", ".hidden.jpg", ".git/b.jpg")
    folder = scan(tmp_path)
    assert [path.name for path, _ in folder.photos] == ["a.jpg"]
    assert set(folder.skipped) == {tmp_path / "notes.txt", tmp_path / "fear" / "list.csv"}
    assert all("Not a photo" in reason for reason in folder.skipped.values())


def test_a_folder_that_is_missing_or_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        scan(tmp_path / "missing")
    with pytest.raises(DatasetError, match="There is no photo in"):
        scan(tmp_path)


def test_a_labelled_folder_is_a_data_set(tmp_path: Path) -> None:
    write_picture(tmp_path / "Joy" / "a.png", 10, (300, 150))
    write_picture(tmp_path / "scared" / "deeper" / "b.png", 20, (30, 40))
    write_picture(tmp_path / "smirk" / "c.png")
    write_picture(tmp_path / "loose.png")
    touch(tmp_path, "list.csv")
    samples = load(tmp_path, "all")
    assert summary(samples) == {"Joy/a.png": "happiness", "scared/deeper/b.png": "fear"}
    assert samples.images.shape == (2, 224, 224)
    assert sorted(samples.left_out.values()) == [1, 1, 1]
    assert {"in no sub-folder named after an emotion", "labelled «smirk», which is none of our emotions"} < set(
        samples.left_out
    )


def test_folders_for_the_parts_are_its_splits(tmp_path: Path) -> None:
    for part, emotion in (("train", "anger"), ("val", "joy"), ("test", "fear")):
        write_picture(tmp_path / part / emotion / "a.png")
    assert splits(tmp_path) == ("train", "validation", "test")
    loaded = {split: list(summary(load(tmp_path, split)).values()) for split in splits(tmp_path)}
    assert loaded == {"train": ["anger"], "validation": ["happiness"], "test": ["fear"]}
    with pytest.raises(
        DatasetError, match=r"Unknown split «all» for folder\. Choose one of: train, validation, test\."
    ):
        load(tmp_path, "all")


@pytest.mark.parametrize(
    "names",
    [("Train", "Validation", "Test"), ("TRAINING", "Val", "TESTING"), ("training", "VALID", "Testing")],
    ids=str,
)
def test_parts_are_known_by_their_names_in_any_case(names: tuple[str, ...], tmp_path: Path) -> None:
    for part, emotion in zip(names, ("Anger", "JOY", "fear"), strict=True):
        write_picture(tmp_path / part / emotion / "a.png")
    assert splits(tmp_path) == ("train", "validation", "test")
    loaded = {split: summary(load(tmp_path, split)) for split in splits(tmp_path)}
    assert loaded == {
        "train": {"Anger/a.png": "anger"},
        "validation": {"JOY/a.png": "happiness"},
        "test": {"fear/a.png": "fear"},
    }


@pytest.mark.parametrize(
    ("one", "other", "part"),
    [("val", "validation", "validation"), ("Train", "training", "train"), ("test", "testing", "test")],
)
def test_two_folders_for_one_part_are_refused_by_name(one: str, other: str, part: str, tmp_path: Path) -> None:
    """Neither may be passed over in silence."""
    for name in (one, other):
        write_picture(tmp_path / name / "joy" / "a.png")
    said = rf"holds {one}/ and {other}/, which all name its {part} part\. Keep one"
    with pytest.raises(DatasetError, match=said):
        splits(tmp_path)
    with pytest.raises(DatasetError, match=said):
        load(tmp_path, part)


def test_a_file_that_is_called_like_a_part_is_none(tmp_path: Path) -> None:
    write_picture(tmp_path / "joy" / "a.png")
    touch(tmp_path, "Test")
    assert splits(tmp_path) == ("all",)


def test_a_folder_none_of_whose_labels_is_an_emotion_is_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "cats" / "a.png")
    with pytest.raises(DatasetError, match="labelled «cats», which is none of our emotions: 1"):
        load(tmp_path, "all")
