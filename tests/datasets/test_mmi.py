"""MMI: sessions with an emotion in their XML, of whose frames the middle ones show it."""

from pathlib import Path

import pytest

from siamese.datasets import mmi
from siamese.errors import DatasetError
from tests.datasets.made_up import summary, write_picture


def write_session(root: Path, number: int, name: str, emotion: int | None, frames: int, view: int = 0) -> None:
    folder = root / "Sessions" / str(number)
    folder.mkdir(parents=True)
    (folder / "session.xml").write_text(f'<session><track filename="{name}.avi" view="{view}" /></session>')
    tag = "" if emotion is None else f'<Metatag Name="Emotion" Value="{emotion}" />'
    (folder / f"{name}.xml").write_text(f'<annotation><Metatag Name="Coder" Value="x" />{tag}</annotation>')
    (folder / f"{name}-oao_aucs.xml").write_text('<ActionUnits><ActionUnit Number="12" /></ActionUnits>')
    for frame in range(1, frames + 1):
        write_picture(folder / name / f"{name}_{frame:05}.jpg", 10 * frame, (72, 57))


def test_the_three_middle_frames_show_the_emotion(tmp_path: Path) -> None:
    write_session(tmp_path, 224, "S002-106", 4, frames=9)
    samples = mmi.load(tmp_path, "all")
    assert [Path(source).stem for source in summary(samples)] == [f"S002-106_0000{frame}" for frame in (4, 5, 6)]
    assert set(summary(samples).values()) == {"happiness"}
    assert samples.subjects == ("S002",) * 3
    assert samples.images.shape == (3, 224, 224)


def test_its_six_numbers_are_six_emotions_and_others_are_left_out(tmp_path: Path) -> None:
    for emotion in range(1, 8):
        write_session(tmp_path, emotion, f"S00{emotion}-001", emotion, frames=1)
    samples = mmi.load(tmp_path, "all")
    assert list(summary(samples).values()) == ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]
    assert samples.left_out == {"labelled «scream», which is none of our emotions": 1}


def test_whole_sessions_are_left_out_and_counted(tmp_path: Path) -> None:
    write_session(tmp_path, 1, "S001-001", 5, frames=3)
    write_session(tmp_path, 2, "S001-002", None, frames=3)
    write_session(tmp_path, 3, "S001-003", 5, frames=0)
    write_session(tmp_path, 4, "S001-004", 5, frames=3, view=1)
    samples = mmi.load(tmp_path, "all")
    assert len(samples) == 3
    assert samples.left_out == {
        "a whole session without an emotion or without frames": 2,
        "a whole session in profile": 1,
    }


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"does not look like mmi.*Sessions/<n>/ with session\.xml"):
        mmi.load(tmp_path, "all")
    write_session(tmp_path, 1, "S001-001", 5, frames=1)
    with pytest.raises(DatasetError, match=r"Unknown split «train» for mmi\. Choose one of: all\."):
        mmi.load(tmp_path, "train")
    (tmp_path / "Sessions" / "1" / "S001-001.xml").write_text("<annotation>")
    with pytest.raises(DatasetError, match=r"S001-001\.xml cannot be read as XML"):
        mmi.load(tmp_path, "all")
