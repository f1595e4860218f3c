"""BU-3DFE: a photo's name says who poses what, and how strongly."""

from pathlib import Path

import pytest

from siamese.datasets import bu3dfe
from siamese.errors import DatasetError
from tests.datasets.made_up import summary, write_picture


def test_frontal_photos_are_read_and_other_views_passed_over(tmp_path: Path) -> None:
    for name in ("AN01WH_F2D", "AN04WH_F2D", "NE00WH_F2D", "SU03WH_F2D", "SU03WH_L2D", "SU03WH_F3D"):
        write_picture(tmp_path / "F0001" / f"F0001_{name}.bmp", 80, (64, 64))
    write_picture(tmp_path / "M0044" / "M0044_DI02BL_F2D.bmp", 90, (64, 64))
    samples = bu3dfe.load(tmp_path, "all")
    assert summary(samples) == {
        "F0001/F0001_AN01WH_F2D.bmp": "anger",
        "F0001/F0001_AN04WH_F2D.bmp": "anger",
        "F0001/F0001_NE00WH_F2D.bmp": "neutral",
        "F0001/F0001_SU03WH_F2D.bmp": "surprise",
        "M0044/M0044_DI02BL_F2D.bmp": "disgust",
    }
    assert samples.subjects == ("F0001",) * 4 + ("M0044",)


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"does not look like bu3dfe.*F0001/F0001_AN01WH_F2D\.bmp"):
        bu3dfe.load(tmp_path, "all")
    with pytest.raises(DatasetError, match=r"Unknown split «test» for bu3dfe\. Choose one of: all\."):
        bu3dfe.load(tmp_path, "test")
