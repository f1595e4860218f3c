"""FER2013 in each of its three layouts: seven labels of its own on 48×48 faces."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from siamese.datasets import fer2013
from siamese.errors import DatasetError
from siamese.vocabulary import EMOTIONS
from tests.datasets.made_up import png, summary, write_picture

USAGES = ("Training", "Training", "PublicTest", "PrivateTest", "Training")


def write_csv(root: Path, emotions: tuple[int, ...], usages: tuple[str, ...], name: str = "fer2013.csv") -> None:
    lines = [
        f"{emotion},{' '.join([str(row)] * 48 * 48)},{usage}"
        for row, (emotion, usage) in enumerate(zip(emotions, usages, strict=True))
    ]
    (root / name).write_text("\n".join(["emotion,pixels,Usage", *lines]))


def test_the_csv_file_is_cut_by_usage_and_its_rows_named_by_their_number(tmp_path: Path) -> None:
    write_csv(tmp_path, (0, 3, 6, 5, 1), USAGES)
    train = fer2013.load(tmp_path, "train")
    assert summary(train) == {"fer0000000.png": "anger", "fer0000001.png": "happiness", "fer0000004.png": "disgust"}
    assert train.images.shape == (3, 48, 48)
    assert train.images[:, 0, 0].tolist() == [0, 1, 4]
    assert list(summary(fer2013.load(tmp_path, "validation")).values()) == ["neutral"]
    assert list(summary(fer2013.load(tmp_path, "test")).values()) == ["surprise"]


def test_its_seven_numbers_are_seven_emotions(tmp_path: Path) -> None:
    write_csv(tmp_path, tuple(range(8)), ("Training",) * 8)
    samples = fer2013.load(tmp_path, "train")
    assert sorted(summary(samples).values()) == sorted(set(EMOTIONS) - {"contempt"})
    assert samples.left_out == {"labelled «7», which is none of our emotions": 1}


@pytest.mark.parametrize(
    "lost",
    ["vateTest", ",PrivateTest", " 3 3 3,PrivateTest", f",{' '.join('3' * 48 * 48)},PrivateTest"],
    ids=["within its usage", "before it", "within its pixels", "before those"],
)
def test_a_row_that_is_cut_off_is_counted_among_what_is_left_out(lost: str, tmp_path: Path) -> None:
    """By every part: to which of them it belonged is not known any more."""
    write_csv(tmp_path, (0, 3, 6, 5), ("Training", "PublicTest", "PrivateTest", "PrivateTest"))
    path = tmp_path / "fer2013.csv"
    path.write_text(path.read_text().removesuffix(lost))
    for split, name in (("train", "fer0000000.png"), ("validation", "fer0000001.png"), ("test", "fer0000002.png")):
        samples = fer2013.load(tmp_path, split)
        assert samples.sources == (name,)
        assert samples.left_out == {
            "a row of fer2013.csv that is cut off, or whose Usage is none of Training, PublicTest, PrivateTest": 1
        }


def test_the_column_beside_ferplus_votes_is_read(tmp_path: Path) -> None:
    images = [{"bytes": png(shade), "path": f"{shade}.png"} for shade in (10, 20)]
    pq.write_table(pa.table({"image": images, "fer2013": ["sad", "angry"]}), tmp_path / "test.parquet")
    samples = fer2013.load(tmp_path, "test")
    assert summary(samples) == {"10.png": "sadness", "20.png": "anger"}
    assert samples.images[:, 5, 5].tolist() == [10, 20]
    with pytest.raises(DatasetError, match=r"There is no file .*train\.parquet"):
        fer2013.load(tmp_path, "train")


def test_folders_have_no_validation_part_and_say_so(tmp_path: Path) -> None:
    write_picture(tmp_path / "train" / "happy" / "a.jpg", 50)
    write_picture(tmp_path / "test" / "fear" / "b.png", 60)
    assert summary(fer2013.load(tmp_path, "train")) == {"happy/a.jpg": "happiness"}
    assert summary(fer2013.load(tmp_path, "test")) == {"fear/b.png": "fear"}
    assert fer2013.splits(tmp_path) == ("train", "test")
    with pytest.raises(DatasetError, match=r"Unknown split «validation» for fer2013\. Choose one of: train, test\."):
        fer2013.load(tmp_path, "validation")


def test_folders_are_known_in_any_case(tmp_path: Path) -> None:
    write_picture(tmp_path / "Train" / "happy" / "a.jpg", 50)
    write_picture(tmp_path / "Test" / "fear" / "b.png", 60)
    assert fer2013.splits(tmp_path) == ("train", "test")
    assert summary(fer2013.load(tmp_path, "test")) == {"fear/b.png": "fear"}


def test_the_parts_in_parquet_are_those_that_there_are_files_of(tmp_path: Path) -> None:
    for split in ("test", "train"):
        table = pa.table({"image": [{"bytes": png(10), "path": "10.png"}], "fer2013": ["sad"]})
        pq.write_table(table, tmp_path / f"{split}.parquet")
    assert fer2013.splits(tmp_path) == ("train", "test")
    assert all(len(fer2013.load(tmp_path, split)) == 1 for split in fer2013.splits(tmp_path))


def test_a_file_comes_before_folders_beside_it(tmp_path: Path) -> None:
    write_picture(tmp_path / "train" / "happy" / "a.jpg")
    write_csv(tmp_path, (2,), ("PublicTest",))
    assert fer2013.splits(tmp_path) == ("train", "validation", "test")
    assert summary(fer2013.load(tmp_path, "validation")) == {"fer0000000.png": "fear"}


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"does not look like fer2013.*fer2013\.csv; or train\.parquet.*; or train/"):
        fer2013.load(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"There is no folder .*missing\. The root of fer2013 must be"):
        fer2013.load(tmp_path / "missing", "train")
    (tmp_path / "fer2013.csv").write_text("emotion,pixels\n0,1 2 3\n")
    with pytest.raises(DatasetError, match="lacks the column Usage"):
        fer2013.load(tmp_path, "train")
    for pixels in ("1 2 3", "a b c", " ".join(["300"] * 48 * 48)):
        (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n0,{pixels},Training\n")
        with pytest.raises(DatasetError, match="are not 48×48 grey levels"):
            fer2013.load(tmp_path, "train")
