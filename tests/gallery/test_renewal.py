"""A gallery of another network, read again by the one in use."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.faces.align import CROP_SIZE, INPUT_SIZE, as_input
from siamese.gallery import renewal
from siamese.gallery.build import add_entries, build_gallery, entries_from_crops
from siamese.gallery.gallery import Gallery
from siamese.gallery.renewal import renew
from tests.gallery.made_up import NETWORK, PixelEmbedder, made_up_gallery

CROPS = np.random.default_rng(0).integers(0, 256, (150, INPUT_SIZE, INPUT_SIZE), dtype=np.uint8)


class Another(PixelEmbedder):
    fingerprint = "another"

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return -super().embed(crops)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    entries = entries_from_crops(CROPS, ["fear"] * 150, [str(number) for number in range(150)])
    build_gallery(entries, PixelEmbedder(), "A test", tmp_path / "gallery").close()
    return tmp_path / "gallery"


def test_every_example_is_embedded_by_the_network_in_use(folder: Path) -> None:
    told: list[tuple[int, int]] = []
    assert renew(folder, Another(), lambda done, total: told.append((done, total))) == 150
    gallery = Gallery.open(folder, "another")
    np.testing.assert_allclose(gallery.embeddings, Another().embed(CROPS), atol=1e-6)
    assert gallery.search(Another().embed(CROPS[7:8])[0], 1)[0].item.source == "7"
    assert told[-1] == (150, 150)
    assert renew(folder, Another()) == 0


def test_cut_short_it_goes_on_and_until_then_the_old_network_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(renewal, "BATCH", 100)
    with pytest.raises(KeyboardInterrupt):
        renew(folder, Another(), stop)
    with pytest.raises(GalleryError, match=f"made by the network {NETWORK}"):
        Gallery.open(folder, "another")
    assert renew(folder, Another()) == 50
    np.testing.assert_allclose(Gallery.open(folder, "another").embeddings, Another().embed(CROPS), atol=1e-6)


def test_no_network_uses_a_gallery_that_is_of_two(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(renewal, "BATCH", 100)
    with pytest.raises(KeyboardInterrupt):
        renew(folder, Another(), stop)
    for network in (NETWORK, "another"):
        with pytest.raises(
            GalleryError, match=f"made by the network {NETWORK}, and was begun to be read again by another"
        ):
            Gallery.open(folder, network)
    assert renew(folder, PixelEmbedder()) == 100  # back to what it was
    np.testing.assert_allclose(Gallery.open(folder, NETWORK).embeddings, PixelEmbedder().embed(CROPS), atol=1e-6)


@pytest.mark.parametrize("when", ["meanwhile", "before"])
def test_who_has_it_open_adds_nothing_of_the_old_network(folder: Path, when: str) -> None:
    """Another process, which opened the gallery before it was read again."""
    old = Gallery.open(folder, NETWORK, writable=True)
    entries = list(entries_from_crops(CROPS[:1] // 2, ["fear"], ["late"]))

    def add(done: int = 0, total: int = 0) -> None:
        with pytest.raises(GalleryError, match="read again by another network, another, since it was opened"):
            add_entries(old, entries, PixelEmbedder())

    renew(folder, Another(), *([add] if when == "meanwhile" else []))
    add()
    assert len(Gallery.open(folder, "another")) == 150


def test_crops_kept_at_half_the_size_are_read_beside_those_of_today(tmp_path: Path) -> None:
    small = np.random.default_rng(1).integers(0, 256, (3, CROP_SIZE, CROP_SIZE), dtype=np.uint8)
    gallery = build_gallery(entries_from_crops(small, ["fear"] * 3, "abc"), PixelEmbedder(), "A test", tmp_path / "old")
    add_entries(gallery, entries_from_crops(CROPS[:1], ["fear"], "d"), PixelEmbedder())
    gallery.close()
    assert renew(tmp_path / "old", Another()) == 4
    expected = Another().embed(np.stack([*map(as_input, small), CROPS[0]]))
    np.testing.assert_allclose(Gallery.open(tmp_path / "old", "another").embeddings, expected, atol=1e-6)


def test_without_crops_it_has_to_be_built_again(tmp_path: Path) -> None:
    made_up_gallery(["fear"], folder=tmp_path).close()
    with pytest.raises(GalleryError, match="came without the crop"):
        renew(tmp_path, Another())
