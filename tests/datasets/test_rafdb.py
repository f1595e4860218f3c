"""RAF-DB in both layouts: seven numbers, counted from one, are seven emotions."""

from pathlib import Path

import pytest

from siamese.datasets import rafdb
from siamese.errors import DatasetError
from tests.datasets.made_up import summary, write_picture

SEVEN = ["surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"]


def test_the_list_says_part_and_emotion_of_each_aligned_face(tmp_path: Path) -> None:
    lines = []
    for part in ("train", "test"):
        for number in range(1, 8):
            write_picture(tmp_path / "Image" / "aligned" / f"{part}_{number:05}_aligned.jpg", 9, (100, 100))
            lines.append(f"{part}_{number:05}.jpg {number}")
    (tmp_path / "EmoLabel").mkdir()
    (tmp_path / "EmoLabel" / "list_patition_label.txt").write_text("\n".join(lines) + "\n")
    for part in ("train", "test"):
        samples = rafdb.load(tmp_path, part)
        assert list(summary(samples).values()) == SEVEN
        assert samples.sources[0] == f"Image/aligned/{part}_00001_aligned.jpg"
        assert samples.images.shape == (7, 100, 100)


@pytest.mark.parametrize("part", ["train", "Train"])
def test_numbered_folders_are_read(tmp_path: Path, part: str) -> None:
    for number in range(1, 9):
        write_picture(tmp_path / "DATASET" / part / str(number) / f"train_{number}_aligned.jpg", 9, (100, 100))
    samples = rafdb.load(tmp_path, "train")
    assert list(summary(samples).values()) == SEVEN
    assert samples.left_out == {"labelled «8», which is none of our emotions": 1}


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"EmoLabel/list_patition_label\.txt beside Image/aligned/; or DATASET/"):
        rafdb.load(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"Unknown split «validation» for rafdb\. Choose one of: train, test\."):
        rafdb.load(tmp_path, "validation")
