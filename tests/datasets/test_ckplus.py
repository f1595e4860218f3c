"""CK+ in each of its three layouts: peak frames, each with its person, whom a fair split keeps in one part."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.model_selection import GroupKFold

from siamese.datasets import ckplus
from siamese.errors import DatasetError
from tests.datasets.made_up import png, summary, write_picture


def write_sequence(root: Path, subject: str, number: str, frames: int, code: str | None) -> None:
    for frame in range(1, frames + 1):
        name = f"{subject}_{number}_{frame:08}.png"
        write_picture(root / "cohn-kanade-images" / subject / number / name, 10 * frame, (64, 49))
    annotations = root / "Emotion" / subject / number
    annotations.mkdir(parents=True)
    if code is not None:
        (annotations / f"{subject}_{number}_{frames:08}_emotion.txt").write_text(code)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two labelled sequences and one without a label."""
    write_sequence(tmp_path, "S005", "001", 5, "   3.0000000e+00\n")
    write_sequence(tmp_path, "S010", "002", 4, "   7.0000000e+00\n")
    write_sequence(tmp_path, "S010", "006", 4, None)
    return tmp_path


def test_the_original_tree_gives_the_last_three_frames_of_labelled_sequences(tree: Path) -> None:
    samples = ckplus.load(tree, "all")
    names = {Path(source).name: emotion for source, emotion in summary(samples).items()}
    disgust = {f"S005_001_{frame:08}.png": "disgust" for frame in (3, 4, 5)}
    surprise = {f"S010_002_{frame:08}.png": "surprise" for frame in (2, 3, 4)}
    assert names == disgust | surprise
    assert samples.images[:, 100, 100].tolist() == [30, 40, 50, 20, 30, 40]
    assert samples.subjects == ("S005",) * 3 + ("S010",) * 3
    assert samples.left_out == {"a whole sequence without an emotion or without frames": 1}


def test_first_frames_are_neutral_where_asked_for(tree: Path) -> None:
    samples = ckplus.load(tree, "all", first_as_neutral=True)
    neutral = [Path(source).name for source, emotion in summary(samples).items() if emotion == "neutral"]
    assert neutral == ["S005_001_00000001.png", "S010_002_00000001.png"]
    assert len(samples) == 8


def test_folders_of_small_faces_name_the_person_in_each_file(tmp_path: Path) -> None:
    write_picture(tmp_path / "contempt" / "S138_008_00000009.png", 1)
    write_picture(tmp_path / "happy" / "S010_006_00000013.png", 2)
    samples = ckplus.load(tmp_path, "all")
    assert list(summary(samples).values()) == ["contempt", "happiness"]
    assert samples.subjects == ("S138", "S010")
    assert samples.images.shape == (2, 48, 48)


def test_parquet_is_read_with_its_subjects(tmp_path: Path) -> None:
    rows = {"image": [{"bytes": png(7), "path": "S1_1_9.png"}], "emotion": ["sadness"], "subject": ["S501"]}
    pq.write_table(pa.table(rows), tmp_path / "all.parquet")
    samples = ckplus.load(tmp_path, "all")
    assert summary(samples) == {"S1_1_9.png": "sadness"}
    assert samples.subjects == ("S501",)


def test_folds_by_subject_never_share_a_sequence(tree: Path) -> None:
    samples = ckplus.load(tree, "all")
    for train, test in GroupKFold(2).split(samples.images, groups=samples.subjects):
        sequences = [{Path(samples.sources[row]).parent for row in rows} for rows in (train, test)]
        assert not sequences[0] & sequences[1]


def test_refusals_say_what_was_expected(tmp_path: Path, tree: Path) -> None:
    with pytest.raises(DatasetError, match=r"Unknown split «test» for ckplus\. Choose one of: all\."):
        ckplus.load(tree, "test")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DatasetError, match=r"anger/.*; or all\.parquet; or cohn-kanade-images/ and Emotion/"):
        ckplus.load(empty, "all")
    write_picture(empty / "anger" / "S010_004_00000017.png")
    with pytest.raises(DatasetError, match=r"No neutral first frames in .*: they need CK\+'s cohn-kanade-images/"):
        ckplus.load(empty, "all", first_as_neutral=True)
