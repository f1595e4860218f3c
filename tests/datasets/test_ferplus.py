"""FER+ as parquet, CSV or folders: votes become labels by two published protocols, and a distribution to train on."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from siamese.datasets import ferplus
from siamese.errors import DatasetError
from tests.datasets.made_up import png, write_picture

VOTES = np.array(
    [
        # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face
        [9, 1, 0, 0, 0, 0, 0, 0, 0, 0],  # neutral; the single vote is noise
        [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],  # a draw has no majority; the plurality takes the first
        [0, 4, 3, 3, 0, 0, 0, 0, 0, 0],  # happiness is the most frequent, but not more than half
        [0, 0, 3, 0, 0, 0, 2, 0, 5, 0],  # unknown wins
        [0, 0, 0, 0, 6, 0, 0, 0, 4, 0],  # anger has more than half, unknown among the rest
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],  # nothing but noise
    ]
)


def write_split(folder: Path, split: str, votes: np.ndarray) -> None:
    images = [{"bytes": png(row), "path": f"fer{row:07}.png"} for row in range(len(votes))]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"image": images, "votes": votes.tolist()}), folder / f"{split}.parquet")


def test_majority_wants_more_than_half_of_the_votes_that_are_not_noise() -> None:
    assert ferplus.majority_labels(VOTES).tolist() == [0, -1, -1, -1, 4, -1]


def test_plurality_takes_the_most_frequent_unless_it_is_no_emotion() -> None:
    assert ferplus.plurality_labels(VOTES[:5]).tolist() == [0, 0, 1, -1, 4]


def test_votes_become_a_distribution_over_the_emotions() -> None:
    expected = np.zeros((6, 8))
    expected[0, 0] = 1
    expected[1, :2] = 0.5
    expected[2, 1:4] = 0.4, 0.3, 0.3
    expected[3, [2, 6]] = 0.6, 0.4
    expected[4, 4] = 1
    np.testing.assert_allclose(ferplus.vote_distribution(VOTES), expected, atol=1e-6)


@given(arrays(np.int64, (7, 10), elements=st.integers(0, 10)))
def test_a_majority_is_always_the_plurality(votes: np.ndarray) -> None:
    majority, plurality = ferplus.majority_labels(votes), ferplus.plurality_labels(votes)
    decided = majority >= 0
    np.testing.assert_array_equal(majority[decided], plurality[decided])


def test_rows_without_any_emotion_are_left_out(tmp_path: Path) -> None:
    write_split(tmp_path, "test", VOTES)
    samples = ferplus.load(tmp_path, "test")
    assert samples.images.shape == (5, 48, 48)
    assert samples.images[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert samples.sources[3] == "fer0000003.png"
    assert samples.labelled().labels.tolist() == [0, 4]


def test_rows_that_are_left_out_are_counted(tmp_path: Path) -> None:
    write_split(tmp_path, "test", VOTES)
    samples = ferplus.load(tmp_path, "test")
    assert samples.left_out == {"no vote for an emotion": 1}
    assert samples.labelled().left_out == {"no vote for an emotion": 1, "no label under the majority protocol": 3}


def write_csv(root: Path, votes: np.ndarray, names: list[str], usages: list[str]) -> None:
    """Both files as published: the faces of FER2013, and FER+'s votes in the same order."""
    faces = [f"0,{' '.join([str(row)] * 48 * 48)},{usage}" for row, usage in enumerate(usages)]
    (root / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *faces]))
    heading = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    rows = [f"{usage},{name},{','.join(map(str, row))}" for usage, name, row in zip(usages, names, votes, strict=True)]
    (root / "fer2013new.csv").write_text("\n".join([heading, *rows]))


def test_the_two_csv_files_give_what_parquet_gives(tmp_path: Path) -> None:
    names = [f"fer{row:07}.png" for row in range(6)]
    write_csv(tmp_path, VOTES, names, ["PrivateTest"] * 6)
    from_csv = ferplus.load(tmp_path, "test")
    (tmp_path / "parquet").mkdir()
    write_split(tmp_path / "parquet", "test", VOTES)
    from_parquet = ferplus.load(tmp_path / "parquet", "test")
    for name in ("images", "targets", "labels", "sources", "left_out"):
        np.testing.assert_equal(getattr(from_csv, name), getattr(from_parquet, name))


def test_csv_rows_without_a_name_are_no_faces_and_usage_is_the_split(tmp_path: Path) -> None:
    names = ["fer0000000.png", "", "fer0000002.png", "fer0000003.png", "fer0000004.png", "fer0000005.png"]
    write_csv(tmp_path, VOTES, names, ["Training", "Training", "Training", "PublicTest", "PrivateTest", "Training"])
    train = ferplus.load(tmp_path, "train")
    assert train.sources == ("fer0000000.png", "fer0000002.png")
    assert train.images[:, 0, 0].tolist() == [0, 2]
    assert train.left_out == {
        "without an image name, as FER+ marks what is no face": 1,
        "no vote for an emotion": 1,
    }
    assert ferplus.load(tmp_path, "validation").sources == ("fer0000003.png",)


def test_csv_files_that_do_not_line_up_are_refused(tmp_path: Path) -> None:
    names = [f"fer{row:07}.png" for row in range(6)]
    write_csv(tmp_path, VOTES, names, ["Training"] * 6)
    lines = (tmp_path / "fer2013new.csv").read_text().splitlines()
    for damaged in (lines[:-1], [lines[0], lines[1].replace("Training", "PublicTest"), *lines[2:]]):
        (tmp_path / "fer2013new.csv").write_text("\n".join(damaged))
        with pytest.raises(DatasetError, match="do not line up row by row"):
            ferplus.load(tmp_path, "train")


@pytest.mark.parametrize("lost", ["0", ",0,0", ",0,4,3,3,0,0,0,0,0,0", "ng,0,4,3,3,0,0,0,0,0,0"])
@pytest.mark.parametrize("split", ferplus.SPLITS)
def test_votes_that_are_cut_off_are_refused_with_file_and_line(lost: str, split: str, tmp_path: Path) -> None:
    """Whichever part is asked for: of a file that was not fetched as a whole, none is to be trusted."""
    write_csv(tmp_path, VOTES[:3], ["a.png", "b.png", "c.png"], ["Training", "PublicTest", "PrivateTest"])
    path = tmp_path / "fer2013new.csv"
    path.write_text(path.read_text().removesuffix(lost))
    with pytest.raises(DatasetError, match=r"fer2013new\.csv is cut off .* line 4, which should end in ten counts of"):
        ferplus.load(tmp_path, split)


@pytest.mark.parametrize("lost", ["Test", ",PrivateTest", " 1 1 1,PrivateTest"])
def test_faces_that_are_cut_off_are_refused_with_file_and_line(lost: str, tmp_path: Path) -> None:
    write_csv(tmp_path, VOTES[:2], ["a.png", "b.png"], ["Training", "PrivateTest"])
    path = tmp_path / "fer2013.csv"
    path.write_text(path.read_text().removesuffix(lost))
    with pytest.raises(DatasetError, match=r"fer2013\.csv is cut off .* line 3, which should end in one of Training"):
        ferplus.load(tmp_path, "train")


def write_folder(folder: Path, votes: np.ndarray, first: int = 0, box: str | None = "(0, 0, 48, 48)") -> None:
    """A part as published: pictures named by numbers from the first one, beside a list of their votes, without heading.

    The list has a box for each picture, or has none where FER+'s script wrote it anew.
    """
    names = [f"fer{first + row:07}.png" for row in range(len(votes))]
    for row, name in enumerate(names):
        write_picture(folder / name, row)
    with (folder / "label.csv").open("w", newline="") as file:
        boxes = [] if box is None else [box]
        csv.writer(file).writerows([name, *boxes, *row] for name, row in zip(names, votes.tolist(), strict=True))


@pytest.mark.parametrize("box", ["(0, 0, 48, 48)", None])
@pytest.mark.parametrize("protocol", ferplus.PROTOCOLS)
def test_the_published_folders_give_what_parquet_gives(box: str | None, protocol: str, tmp_path: Path) -> None:
    write_folder(tmp_path / "FER2013Test", VOTES, box=box)
    if box:
        first, *_ = (tmp_path / "FER2013Test" / "label.csv").read_text().splitlines()
        assert first == 'fer0000000.png,"(0, 0, 48, 48)",9,1,0,0,0,0,0,0,0,0'  # as in FER+'s repository
    from_folder = ferplus.load(tmp_path, "test", protocol)
    (tmp_path / "parquet").mkdir()
    write_split(tmp_path / "parquet", "test", VOTES)
    from_parquet = ferplus.load(tmp_path / "parquet", "test", protocol)
    for name in ("images", "targets", "labels", "sources", "left_out", "split", "protocol"):
        np.testing.assert_equal(getattr(from_folder, name), getattr(from_parquet, name))


def test_each_published_folder_is_a_split(tmp_path: Path) -> None:
    for first, folder in ((0, "FER2013Train"), (10, "FER2013Valid"), (20, "FER2013Test")):
        write_folder(tmp_path / folder, VOTES[:2], first)
    sources = [ferplus.load(tmp_path, split).sources for split in ("train", "validation", "test")]
    assert sources == [(f"fer{first:07}.png", f"fer{first + 1:07}.png") for first in (0, 10, 20)]
    (tmp_path / "FER2013Valid" / "label.csv").unlink()
    with pytest.raises(DatasetError, match=r"There is no file .*FER2013Valid/label\.csv\. Put that part of ferplus"):
        ferplus.load(tmp_path, "validation")


@pytest.mark.parametrize("part", ferplus.SPLITS)
def test_the_parts_are_those_that_there_are_files_of(part: str, tmp_path: Path) -> None:
    write_split(tmp_path / "parquet", part, VOTES)
    write_folder(tmp_path / "folders" / ferplus.FOLDERS[part], VOTES)
    for root in (tmp_path / "parquet", tmp_path / "folders"):
        assert ferplus.splits(root) == (part,)
        assert len(ferplus.load(root, part)) == 5
    assert ferplus.splits(tmp_path) == ("train", "validation", "test")  # there is none


def test_the_csv_files_hold_every_part(tmp_path: Path) -> None:
    write_csv(tmp_path, VOTES[:1], ["a.png"], ["PrivateTest"])
    write_split(tmp_path, "test", VOTES)
    assert ferplus.splits(tmp_path) == ("train", "validation", "test")


def test_listed_pictures_that_are_missing_are_left_out_unless_all_are(tmp_path: Path) -> None:
    """FER+'s repository holds the lists alone: its script writes the pictures beside them."""
    write_folder(tmp_path / "FER2013Train", VOTES[:2])
    (tmp_path / "FER2013Train" / "fer0000000.png").unlink()
    samples = ferplus.load(tmp_path, "train")
    assert samples.sources == ("fer0000001.png",)
    assert samples.left_out["a file that cannot be read: No such file or directory"] == 1
    (tmp_path / "FER2013Train" / "fer0000001.png").unlink()
    with pytest.raises(
        DatasetError, match=r"No picture of ferplus .*\(a file that .*: No such file or directory: 2\)\."
    ):
        ferplus.load(tmp_path, "train")


@pytest.mark.parametrize("box", ["(0, 0, 48, 48)", None])
@pytest.mark.parametrize("lost", ["0\r\n", ",0\r\n", ",5,5,0,0,0,0,0,0,0,0\r\n"])
def test_a_list_that_is_cut_off_is_refused_with_file_and_line(lost: str, box: str | None, tmp_path: Path) -> None:
    write_folder(tmp_path / "FER2013Train", VOTES[:2], box=box)
    path = tmp_path / "FER2013Train" / "label.csv"
    path.write_bytes(path.read_bytes().removesuffix(lost.encode()))
    with pytest.raises(
        DatasetError, match=r"label\.csv is cut off or damaged in line 2, which should end in ten counts"
    ):
        ferplus.load(tmp_path, "train")


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"must be a folder that holds train\.parquet.*; or fer2013\.csv and .*; or FER2013Train/"
    ):
        ferplus.load(tmp_path, "train")
    pq.write_table(pa.table({"other": [1]}), tmp_path / "train.parquet")
    with pytest.raises(DatasetError, match="not ferplus as parquet with the columns image, votes"):
        ferplus.load(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"Unknown split «dev».*train, validation, test"):
        ferplus.load(tmp_path, "dev")
    with pytest.raises(DatasetError, match=r"Unknown protocol «best».*majority, plurality"):
        ferplus.load(tmp_path, "test", "best")
