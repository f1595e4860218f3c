"""A folder of photos: what its files and sub-folders say."""

from pathlib import Path

import pytest

from siamese.datasets.folder import scan
from siamese.errors import DatasetError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_sub_folders_label_their_photos_in_any_spelling(tmp_path: Path) -> None:
    touch(tmp_path, "Happy/a.jpg", "scared/deeper/b.PNG", "sadness/c.webp", "Smirk/d.jpeg")
    labels = {path.name: label for path, label in scan(tmp_path).photos}
    assert labels == {"a.jpg": "happiness", "b.PNG": "fear", "c.webp": "sadness", "d.jpeg": "Smirk"}


def test_photos_in_no_sub_folder_have_no_label(tmp_path: Path) -> None:
    touch(tmp_path, "b.jpg", "a.tif")
    assert scan(tmp_path).photos == ((tmp_path / "a.tif", None), (tmp_path / "b.jpg", None))


def test_other_files_are_listed_with_the_reason_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "notes.txt", "fear/list.csv", ".hidden.jpg", ".git/b.jpg")
    folder = scan(tmp_path)
    assert [path.name for path, _ in folder.photos] == ["a.jpg"]
    assert set(folder.skipped) == {tmp_path / "notes.txt", tmp_path / "fear" / "list.csv"}
    assert all("Not a photo" in reason for reason in folder.skipped.values())


def test_a_folder_that_is_missing_or_without_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        scan(tmp_path / "missing")
    with pytest.raises(DatasetError, match="There is no photo in"):
        scan(tmp_path)
