"""`python -m siamese album`: a folder's photos summed up, as a table, as JSON and as a sheet."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from siamese.album_cli import _write
from siamese.cli import USER_ERROR
from siamese.errors import AlbumError
from tests.test_cli import run
from tests.tiny import draw_face


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four photos in two folders, one that cannot be read, one without a face, and a letter."""
    folder = tmp_path / "photos"
    for number, label in enumerate((1, 1, 4, 2)):
        path = folder / f"day {number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_face(label, number, size=96)).save(path)
    (folder / "broken.jpg").write_bytes(b"no image")
    (folder / "letter.txt").write_text("Dear reader")
    Image.new("RGB", (400, 300)).save(folder / "wall.png")
    return folder


def test_the_best_photos_are_named_and_drawn_and_the_rest_is_accounted_for(
    photos: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sheet.png"
    assert run("album", photos, "--count", 2, "--out", out, "--json", "--reference", reference) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["photos"], len(told["highlights"]), told["sheet"]) == (4, 2, str(out))
    assert sum(each["stands_for"] for each in told["highlights"]) == 4
    assert all(Path(each["photo"]).is_file() for each in told["highlights"])
    assert {each["face"] for each in told["highlights"]} == {1}  # counted as `recognise` and its --face do
    assert {Path(name).name for name in told["left_out"]} == {"broken.jpg", "letter.txt", "wall.png"}
    assert Image.open(out).size == (2 * 216 + 16, 262 + 16)


def test_without_json_it_speaks_to_people(photos: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("album", photos, "--reference", reference) == 0
    out, err = capsys.readouterr()
    assert "4 photos with a face" in " ".join(out.split()) and "--out sheet.png" in out
    assert f"Left out {photos / 'wall.png'}: No face was found" in err


@pytest.mark.parametrize(
    ("out", "sentence"), [("sheet.txt", "ends in .png, .jpg or .webp"), ("nowhere/sheet.png", "there is no folder")]
)
def test_a_sheet_that_cannot_be_drawn_is_refused_before_photos_are_read(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, sentence: str
) -> None:
    assert run("album", photos, "--out", tmp_path / out, "--reference", tmp_path / "none") == USER_ERROR
    assert sentence in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("album", tmp_path / "nowhere") == USER_ERROR
    assert "There is no folder" in capsys.readouterr().err


def test_a_sheet_too_large_for_its_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AlbumError, match="cannot be drawn to"):
        _write(Image.new("RGB", (20_000, 8)), tmp_path / "sheet.webp")


def test_names_need_not_be_utf_8(photos: Path, reference: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = photos.rename(os.fsdecode(os.fsencode(photos) + b"\xe9"))
    assert run("album", folder, "--count", 4, "--json", "--reference", reference) == 0
    told = json.loads(capsys.readouterr().out)
    names = [*(each["photo"] for each in told["highlights"]), *told["left_out"]]
    assert len(names) == 7 and all("photos\ufffd/" in name for name in names)
    assert run("album", folder, "--reference", reference) == 0
