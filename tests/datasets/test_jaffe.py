"""JAFFE: a photo's name says who poses what."""

from pathlib import Path

import pytest

from siamese.datasets import jaffe
from siamese.errors import DatasetError
from tests.datasets.made_up import summary, write_picture

EXPRESSIONS = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}


def test_every_code_names_its_emotion_and_the_initials_the_person(tmp_path: Path) -> None:
    for number, code in enumerate(EXPRESSIONS):
        write_picture(tmp_path / f"KA.{code}1.{number}.tiff", 30 * number, (256, 256))
    write_picture(tmp_path / "YM.HA2.53.tiff", 99, (256, 256))
    (tmp_path / "README").write_text("about")
    samples = jaffe.load(tmp_path, "all")
    codes = {source.split(".")[1][:2]: emotion for source, emotion in summary(samples).items()}
    assert codes == EXPRESSIONS
    assert samples.subjects == ("KA",) * 7 + ("YM",)
    assert samples.images[:, 0, 0].tolist() == [*range(0, 210, 30), 99]


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    write_picture(tmp_path / "holiday.tiff")
    with pytest.raises(DatasetError, match=r"does not look like jaffe.*files like KA\.AN1\.39\.tiff"):
        jaffe.load(tmp_path, "all")
    with pytest.raises(DatasetError, match=r"Unknown split «train» for jaffe\. Choose one of: all\."):
        jaffe.load(tmp_path, "train")
