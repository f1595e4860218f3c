"""Pictures of any size become grey squares with an emotion's label; those that cannot are counted with the reason."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.datasets.pictures import Row, label_of, read, square
from siamese.errors import DatasetError
from tests.datasets.made_up import png, summary, write_picture


def random_photo(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_photo_is_shrunk_by_averaging_areas_of_its_grey_levels() -> None:
    photo = random_photo(96, 96)
    luma = np.rint(photo @ np.array([0.299, 0.587, 0.114]))
    averages = luma.reshape(24, 4, 24, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(square(photo, 24), averages, atol=1)


def test_a_small_square_of_the_wanted_side_keeps_every_pixel() -> None:
    grey = random_photo(48, 48)[..., :1].repeat(3, axis=2)
    np.testing.assert_array_equal(square(grey, 48), grey[..., 0])


def test_a_wide_photo_is_kept_whole_and_its_border_repeated() -> None:
    photo = random_photo(20, 40)
    fitted = square(photo, 40)
    luma = np.rint(photo @ np.array([0.299, 0.587, 0.114]))
    np.testing.assert_allclose(fitted[10:30], luma, atol=1)
    assert (fitted[:10] == fitted[10]).all()
    assert (fitted[30:] == fitted[29]).all()


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 64))
def test_every_shape_becomes_a_square_within_its_own_range(height: int, width: int, side: int) -> None:
    photo = np.full((height, width, 3), 100, np.uint8)
    photo[: height // 2] = 160
    fitted = square(photo, side)
    assert fitted.shape == (side, side)
    assert fitted.min() >= 100
    assert fitted.max() <= 160


@pytest.mark.parametrize(
    ("code", "label"),
    [("0", "a"), ("1", "b"), (" 1.0000000e+00\n", "b"), ("2", "2"), ("-1", "-1"), ("none", "none"), ("inf", "inf")],
)
def test_a_number_stands_for_a_label_or_for_itself(code: str, label: str) -> None:
    assert label_of(code, ("a", "b")) == label


def test_numbers_may_count_from_one() -> None:
    assert [label_of(code, ("a", "b"), first=1) for code in ("0", "1", "2", "3")] == ["0", "a", "b", "3"]


def test_what_cannot_be_used_is_counted_by_reason(tmp_path: Path) -> None:
    write_picture(tmp_path / "good.png", 70)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(png(3)[:60])
    files = [tmp_path / name for name in ("good.png", "text.png", "cut.png", "missing.png", "gone.png")]
    rows = [Row(path, "Joy", path.name) for path in files] + [Row(png(9), "smirk", "unknown")]
    samples = read("made", "all", rows, 48, Counter({"hidden": 2}))
    assert summary(samples) == {"good.png": "happiness"}
    assert (samples.images == 70).all()
    assert samples.left_out["hidden"] == 2
    assert samples.left_out["labelled «smirk», which is none of our emotions"] == 1
    assert samples.left_out["a file that cannot be read: No such file or directory"] == 2
    assert any("not an image" in reason for reason in samples.left_out)
    assert any("truncated or damaged" in reason for reason in samples.left_out)
    assert sum(samples.left_out.values()) == 2 + len(rows) - len(samples)


def test_a_set_of_which_nothing_can_be_used_is_refused_with_the_reasons() -> None:
    with pytest.raises(DatasetError, match="«smirk», which is none of our emotions: 1"):
        read("made", "all", [Row(png(1), "smirk", "a")], 48)
    with pytest.raises(DatasetError, match="there is none"):
        read("made", "all", [], 48)
