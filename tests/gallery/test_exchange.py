"""A gallery as one file, to hand on and to take in."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery import exchange
from siamese.gallery.exchange import read_archive, write_archive
from siamese.gallery.gallery import Gallery
from siamese.gallery.store import Store
from tests.gallery.made_up import NETWORK, SIZE, items, made_up_gallery, unit_rows


def made(folder: Path) -> Gallery:
    gallery = Gallery.create(folder, "Ünïcode", NETWORK, SIZE)
    several = [
        replace(each, tags=("a", "ü"), box=(1.5, 2, 3, 4), notes={"x": 0.5}) for each in items(["fear", "smirk"])
    ]
    gallery.add([*several, *items(["anger"], "plain")], unit_rows(3), [b"crop", None, b"another"])
    return gallery


def test_what_is_exported_is_imported(tmp_path: Path) -> None:
    gallery = made(tmp_path / "one")
    assert write_archive(gallery, tmp_path / "gallery.zip") == 3
    imported, added = read_archive(tmp_path / "gallery.zip", tmp_path / "two", NETWORK)
    assert (imported.title, imported.items, added) == (gallery.title, gallery.items, 3)
    np.testing.assert_array_equal(imported.embeddings, gallery.embeddings)
    assert imported.store.crops("none", 9) == gallery.store.crops("none", 9)


def test_it_is_added_to_a_gallery_that_is_there(tmp_path: Path) -> None:
    write_archive(made(tmp_path / "one"), tmp_path / "gallery.zip")
    made_up_gallery(["surprise"], folder=tmp_path / "two").close()  # has an «item0» already
    gallery, added = read_archive(tmp_path / "gallery.zip", tmp_path / "two", NETWORK)
    assert (added, len(gallery), gallery.item("item0").emotion) == (2, 3, "surprise")


def test_another_networks_is_refused(tmp_path: Path) -> None:
    write_archive(made(tmp_path / "one"), tmp_path / "gallery.zip")
    with pytest.raises(GalleryError, match=f"made by the network {NETWORK}, but the network in use is another"):
        read_archive(tmp_path / "gallery.zip", tmp_path / "two", "another")
    assert not (tmp_path / "two").exists()


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.zip").write_text("Dear reader")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as packed:
        packed.writestr("a.jpg", b"a photo")
    for name in ("letter.zip", "photos.zip"):
        with pytest.raises(GalleryError, match=f"{name} is not what `gallery export` wrote"):
            read_archive(tmp_path / name, tmp_path / "two", NETWORK)


@pytest.mark.parametrize("name", ["embeddings.npy", "thumbnails/2.webp"])
def test_of_a_damaged_export_nothing_is_added(tmp_path: Path, name: str) -> None:
    write_archive(made(tmp_path / "one"), tmp_path / "gallery.zip")
    content = bytearray((tmp_path / "gallery.zip").read_bytes())
    start = content.index(name.encode()) + len(name)
    content[start : start + 3] = b"\xff" * 3
    (tmp_path / "gallery.zip").write_bytes(content)
    with pytest.raises(GalleryError, match=r"gallery\.zip is .*damaged"):
        read_archive(tmp_path / "gallery.zip", tmp_path / "two", NETWORK)
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("harm", ["no thumbnail", "no label", "not of length one"])
def test_of_an_incomplete_export_nothing_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    """Though the fault is in the last batch."""
    monkeypatch.setattr(exchange, "_BATCH", 2)
    write_archive(made(tmp_path / "one"), tmp_path / "whole.zip")
    with zipfile.ZipFile(tmp_path / "whole.zip") as whole, zipfile.ZipFile(tmp_path / "gallery.zip", "w") as packed:
        content = {name: whole.read(name) for name in whole.namelist()}
        about = json.loads(content["gallery.json"])
        if harm == "no thumbnail":
            del content["thumbnails/2.webp"]
        elif harm == "no label":
            del about["items"][2]["emotion"]
        else:
            buffer = io.BytesIO()
            np.save(buffer, unit_rows(3) * np.float32([[1], [1], [2]]))
            content["embeddings.npy"] = buffer.getvalue()
        for name, each in {**content, "gallery.json": json.dumps(about)}.items():
            packed.writestr(name, each)
    with pytest.raises(GalleryError, match=r"gallery\.zip is not what"):
        read_archive(tmp_path / "gallery.zip", tmp_path / "two", NETWORK)
    assert not (tmp_path / "two").exists()


def test_an_export_that_fails_leaves_nothing_and_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = made(tmp_path / "one")
    (tmp_path / "gallery.zip").write_text("of before")
    monkeypatch.setattr(exchange, "_npy", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(GalleryError, match=r"cannot be written to .*: No space left on device"):
        write_archive(gallery, tmp_path / "gallery.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gallery.zip", "one"]
    assert (tmp_path / "gallery.zip").read_text() == "of before"


def test_an_export_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process removes an example while the export is written."""
    gallery, embeddings = made(tmp_path / "one"), Store.embeddings
    other = Gallery.open(tmp_path / "one", NETWORK, writable=True)

    def meanwhile(store: Store, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        other.remove([gallery.items[0].id])
        return embeddings(store, rows)

    monkeypatch.setattr(Store, "embeddings", meanwhile)
    assert write_archive(gallery, tmp_path / "gallery.zip") == 3
    assert len(gallery) == 2


def test_a_file_that_is_not_there_is_named_and_a_folder_tells_the_order(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"^There is no file .*gone\.zip\. Check its name and folder\.$"):
        read_archive(tmp_path / "gone.zip", tmp_path / "two", NETWORK)
    with pytest.raises(
        GalleryError, match=r"is a folder\. Name first the \.zip file, and then the gallery's folder\.$"
    ):
        read_archive(tmp_path, tmp_path / "gallery.zip", NETWORK)
    assert not list(tmp_path.iterdir())


def test_a_label_by_nobody_known_is_refused(tmp_path: Path) -> None:
    gallery = made_up_gallery(["surprise"], folder=tmp_path / "one")
    gallery.store.relabel(["item0"], "surprise", "magic")
    write_archive(gallery, tmp_path / "gallery.zip")
    with pytest.raises(GalleryError, match="labelled by «magic», which is none of"):
        read_archive(tmp_path / "gallery.zip", tmp_path / "two", NETWORK)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    gallery = made(tmp_path / "one")
    with pytest.raises(GalleryError, match=r"cannot be written to .*gallery\.zip: there is no folder .*nowhere\. Name"):
        write_archive(gallery, tmp_path / "nowhere" / "gallery.zip")
    with pytest.raises(GalleryError, match=r"cannot be written to .*one: it is a folder\. Name"):
        write_archive(gallery, tmp_path / "one")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
