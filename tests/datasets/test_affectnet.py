"""AffectNet in both published layouts, with eight classes or seven, and its balanced selection."""

from pathlib import Path

import numpy as np
import pytest

from siamese.datasets import affectnet
from siamese.errors import DatasetError
from tests.datasets.made_up import summary, write_picture

EIGHT = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
HEADING = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"


@pytest.fixture
def published_in_2021(tmp_path: Path) -> Path:
    """One face for each of the eight numbers, as NumPy strings, in train_set and the first two in val_set."""
    for part, count in (("train_set", 8), ("val_set", 2)):
        (tmp_path / part / "annotations").mkdir(parents=True)
        for number in range(count):
            write_picture(tmp_path / part / "images" / f"{number}.jpg", 20 * number, (224, 224))
            np.save(tmp_path / part / "annotations" / f"{number}_exp.npy", np.array(str(number)))
            np.save(tmp_path / part / "annotations" / f"{number}_val.npy", np.array("0.5"))
    return tmp_path


def write_lists(root: Path) -> None:
    """The lists of 2017, of which only that for training has a heading."""
    lists = root / "Manually_Annotated_file_lists"
    lists.mkdir()
    rows = [f"1/{number}.jpg,1,1,9,9,1;2,{number},0.1,0.2" for number in (1, 7, 8, 9, 10)]
    (lists / "training.csv").write_text("\n".join([HEADING, *rows]))
    (lists / "validation.csv").write_text(rows[0])
    for number in (1, 7, 8, 9, 10):
        write_picture(root / "Manually_Annotated_Images" / "1" / f"{number}.jpg", 10 * number, (300, 200))


def test_annotations_beside_images_name_eight_emotions(published_in_2021: Path) -> None:
    train = affectnet.load(published_in_2021, "train")
    assert tuple(summary(train).values()) == EIGHT
    assert train.images.shape == (8, 112, 112)
    np.testing.assert_allclose(train.images[:, 50, 50], range(0, 160, 20), atol=2)  # JPEG
    assert tuple(summary(affectnet.load(published_in_2021, "validation")).values()) == EIGHT[:2]


def test_the_seven_classes_leave_contempt_out(published_in_2021: Path) -> None:
    seven = affectnet.load(published_in_2021, "train", with_contempt=False)
    assert tuple(summary(seven).values()) == EIGHT[:7]
    assert seven.left_out == {"labelled «contempt», which the seven classes lack": 1}


def test_a_damaged_annotation_or_a_missing_image_is_left_out(published_in_2021: Path) -> None:
    (published_in_2021 / "val_set" / "annotations" / "0_exp.npy").write_bytes(b"")
    (published_in_2021 / "train_set" / "images" / "3.jpg").unlink()
    assert tuple(summary(affectnet.load(published_in_2021, "validation")).values()) == EIGHT[1:2]
    train = affectnet.load(published_in_2021, "train")
    assert len(train) == 7
    assert train.left_out == {"a file that cannot be read: No such file or directory": 1}


def test_lists_of_files_are_read_with_and_without_a_heading(tmp_path: Path) -> None:
    write_lists(tmp_path)
    train = affectnet.load(tmp_path, "train")
    assert summary(train) == {"1/1.jpg": "happiness", "1/7.jpg": "contempt"}
    assert train.left_out == {
        f"labelled «{label}», which is none of our emotions": 1 for label in ("none", "uncertain", "no face")
    }
    assert summary(affectnet.load(tmp_path, "validation")) == {"1/1.jpg": "happiness"}


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("Train", "Validation", "Test")])
def test_the_balanced_selection_has_three_parts_of_folders(tmp_path: Path, parts: tuple[str, ...]) -> None:
    for part, folder in zip(parts, ("Anger", "Happy", "Sad"), strict=True):
        write_picture(tmp_path / part / folder / "1.png", 5, (75, 75))
    loaded = {split: affectnet.load_balanced(tmp_path, split) for split in ("train", "validation", "test")}
    assert [list(summary(samples).values()) for samples in loaded.values()] == [["anger"], ["happiness"], ["sadness"]]
    assert loaded["test"].images.shape == (1, 75, 75)


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"train_set/ with images/ and annotations/; or Manually_Annotated_file_li"):
        affectnet.load(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"Unknown split «test» for affectnet\. Choose one of: train, validation\."):
        affectnet.load(tmp_path, "test")
    with pytest.raises(DatasetError, match="train/, val/ and test/, each with a folder per emotion"):
        affectnet.load_balanced(tmp_path, "train")
