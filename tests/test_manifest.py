"""A manifest: whatever happens to a file that it names, the file is named; and what it does not name is free."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from siamese import ExpressionService, manifest, service
from siamese.errors import ReferenceSetError
from siamese.faces import cascade
from siamese.manifest import MANIFEST, check_manifest, write_manifest

FILES = {
    "network.onnx": b"weights",
    "gallery/gallery.sqlite": b"examples",
    "examples/fear 2.webp": b"",
    "CARD.md": b"a",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    write_manifest(tmp_path)
    return tmp_path


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def alter(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def test_it_holds_sha256_sums(folder: Path):
    sums = json.loads((folder / MANIFEST).read_text())["sha256"]
    assert sums["examples/fear 2.webp"] == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert set(sums) == set(FILES) - {"CARD.md"}


def test_a_folder_as_it_was_is_fine_and_so_is_one_without_a_manifest(folder: Path):
    check_manifest(folder)
    (folder / "CARD.md").write_text("changed by hand")
    (folder / "gallery" / "gallery.sqlite-wal").write_text("new")
    check_manifest(folder)
    (folder / MANIFEST).unlink()
    (folder / "network.onnx").unlink()
    check_manifest(folder)


def test_a_folder_that_may_change_is_left_out(folder: Path):
    write_manifest(folder, without="gallery")
    alter(folder / "gallery" / "gallery.sqlite")
    check_manifest(folder)


@pytest.mark.parametrize("harm", [truncate, alter, Path.unlink], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("name", ["network.onnx", "gallery/gallery.sqlite"])
def test_a_file_that_came_to_harm_is_named(folder: Path, name: str, harm: Callable[[Path], None]):
    harm(folder / name)
    with pytest.raises(ReferenceSetError, match=rf"{name} .*(altered or damaged|cannot be read).*git checkout"):
        check_manifest(folder)


@pytest.mark.parametrize("content", ["", "[]", '{"sha256": 3}', "{"])
def test_a_damaged_manifest_is_named(folder: Path, content: str):
    (folder / MANIFEST).write_text(content)
    with pytest.raises(ReferenceSetError, match=rf"{MANIFEST} is damaged"):
        check_manifest(folder)


def test_where_a_manifest_is_required_it_has_to_be_there_and_to_name_something(folder: Path):
    check_manifest(folder, required=True)
    check_manifest(folder, below="gallery", required=True)
    with pytest.raises(ReferenceSetError, match="names no file of"):
        check_manifest(folder, below="detector", required=True)
    (folder / MANIFEST).unlink()
    with pytest.raises(ReferenceSetError, match=rf"There is no .*{MANIFEST}.*git checkout"):
        check_manifest(folder, required=True)


def test_files_elsewhere_are_not_compared(folder: Path):
    alter(folder / "network.onnx")
    check_manifest(folder, below="gallery")
    with pytest.raises(ReferenceSetError, match=r"network\.onnx was altered"):
        check_manifest(folder)


def test_the_set_that_ships_does_not_go_without_its_manifest(
    reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    copy = Path(shutil.copytree(reference, tmp_path / "prototypes"))
    ExpressionService.load(copy)  # a set of one's own may go without
    monkeypatch.setattr(service, "SHIPPED", copy)
    with pytest.raises(ReferenceSetError, match=r"There is no .*manifest\.json"):
        ExpressionService.load(copy)
    write_manifest(copy)
    ExpressionService.load(copy)


def test_the_detector_that_ships_is_compared_whatever_the_reference_set(
    reference: Path, monkeypatch: pytest.MonkeyPatch
):
    ExpressionService.load(reference)
    checksum = manifest._checksum
    altered = cascade.FOLDER / "output.onnx"
    monkeypatch.setattr(manifest, "_checksum", lambda path: "another" if path == altered else checksum(path))
    with pytest.raises(ReferenceSetError, match=r"detector/output\.onnx was altered"):
        ExpressionService.load(reference)
    with pytest.raises(ReferenceSetError, match=r"detector/output\.onnx was altered"):
        cascade.Cascade()


def test_the_service_does_not_start_on_a_set_that_came_to_harm(reference: Path, tmp_path: Path):
    copy = tmp_path / "reference"
    copy.mkdir()
    for path in reference.rglob("*"):
        if path.is_file():
            (copy / path.relative_to(reference)).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(reference)).write_bytes(path.read_bytes())
    write_manifest(copy)
    ExpressionService.load(copy)
    alter(copy / "calibration.json")
    with pytest.raises(ReferenceSetError, match=r"calibration\.json was altered"):
        ExpressionService.load(copy)
