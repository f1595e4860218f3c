"""From faces to a gallery: labels, readings, repeats and photos that had to be left out."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery import thumbnails
from siamese.gallery.build import (
    Entry,
    add_entries,
    build_gallery,
    entries_from_composites,
    entries_from_crops,
    entries_of_photo,
)
from siamese.gallery.composites import Composite
from siamese.gallery.thumbnails import decode
from tests.gallery.made_up import NETWORK, PixelEmbedder

EMBEDDER = PixelEmbedder()


def crops(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def test_every_entry_becomes_an_item_with_its_embedding() -> None:
    faces = crops(150)
    sources = [f"image {number}" for number in range(150)]
    progress: list[int] = []
    entries = entries_from_crops(faces, ["fear"] * 150, sources)
    gallery = build_gallery(entries, EMBEDDER, "Faces", progress=progress.append)
    assert (gallery.title, gallery.fingerprint, len(gallery)) == ("Faces", NETWORK, 150)
    assert [item.source for item in gallery.items] == sources
    assert {(item.emotion, item.labelled_by) for item in gallery.items} == {("fear", "data set")}
    np.testing.assert_allclose(gallery.embeddings, EMBEDDER.embed(faces), atol=1e-6)
    assert progress[-1] == 150
    assert progress == sorted(set(progress))


def test_without_a_label_the_networks_reading_is_taken_and_marked() -> None:
    entries = entries_from_crops(crops(3), ["fear", None, None], ["a", "b", "c"], labelled_by="folder")
    gallery = build_gallery(entries, EMBEDDER, "Faces", read=lambda embeddings: ["surprise"] * len(embeddings))
    assert [(item.emotion, item.labelled_by) for item in gallery.items] == [
        ("fear", "folder"),
        ("surprise", "reading"),
        ("surprise", "reading"),
    ]


def test_a_face_without_label_or_reader_is_refused() -> None:
    with pytest.raises(GalleryError, match="nameless has no label"):
        build_gallery(entries_from_crops(crops(1), [None], ["nameless"]), EMBEDDER, "Faces")


def test_no_face_at_all_is_refused() -> None:
    with pytest.raises(GalleryError, match="no face to build a gallery from"):
        build_gallery([], EMBEDDER, "Faces")


def test_ids_depend_on_the_face_alone_and_repeats_are_left_out() -> None:
    faces = crops(2)
    twice = np.concatenate([faces, faces])
    gallery = build_gallery(entries_from_crops(twice, ["fear"] * 4, list("abcd")), EMBEDDER, "Faces")
    reversed_order = build_gallery(entries_from_crops(faces[::-1], ["anger"] * 2, list("ef")), EMBEDDER, "Others")
    assert [item.source for item in gallery.items] == ["a", "b"]
    assert [item.id for item in gallery.items] == [item.id for item in reversed_order.items][::-1]


def test_the_thumbnail_shows_the_portrait() -> None:
    portrait = np.full((100, 100, 3), (200, 40, 40), np.uint8)
    gallery = build_gallery([Entry(crops(1)[0], portrait, "fear", "a", "folder")], EMBEDDER, "Faces")
    shown = decode(gallery.items[0].thumbnail)
    assert shown.shape == (100, 100, 3)
    assert np.abs(shown.astype(int) - portrait).max() < 12


def test_a_label_speaks_of_the_largest_face_and_without_one_all_are_taken() -> None:
    faces = [
        SimpleNamespace(crop=crop, portrait=crop, box=np.array([1, 2, 3, number]))
        for number, crop in enumerate(crops(3))
    ]
    labelled = entries_of_photo("fear/a.jpg", "fear", faces, "hash", ("mine",))
    assert [(entry.source, entry.emotion, entry.content, entry.tags) for entry in labelled] == [
        ("fear/a.jpg", "fear", "hash", ("mine",))
    ]
    assert labelled[0].crop is faces[0].crop
    group = entries_of_photo("group.jpg", None, faces)
    assert [(entry.source, entry.emotion, entry.box) for entry in group] == [
        ("group.jpg", None, (1, 2, 3, n)) for n in range(3)
    ]
    (elsewhere,) = entries_of_photo("a.jpg", "caf\udce9", faces)  # in Latin-1, on the disk
    assert elsewhere.emotion == "caf\ufffd"


def test_what_is_there_already_is_not_embedded_again() -> None:
    seen: list[int] = []

    class Counting(PixelEmbedder):
        def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
            seen.append(len(crops))
            return super().embed(crops)

    faces = crops(5)
    gallery = build_gallery(entries_from_crops(faces[:3], ["fear"] * 3, list("abc")), EMBEDDER, "Faces")
    assert add_entries(gallery, entries_from_crops(faces, ["fear"] * 5, list("abcde")), Counting()) == 2
    assert seen == [2]
    assert [item.source for item in gallery.items] == list("abcde")


def test_the_networks_input_is_kept_as_it_was() -> None:
    faces = crops(3)
    gallery = build_gallery(entries_from_crops(faces, ["fear"] * 3, list("abc")), EMBEDDER, "Faces")
    kept = [thumbnails.unpack(crop) for _, crop in gallery.store.crops("another network", 9) if crop]
    np.testing.assert_array_equal(kept, faces)


def test_a_composite_keeps_what_vouches_for_it() -> None:
    crop = crops(1)[0]
    composite = Composite("fear", np.zeros((160, 160), np.uint8), crop, np.arange(20), 0.8)
    gallery = build_gallery(entries_from_composites([composite], "drawings"), EMBEDDER, "Composites")
    (item,) = gallery.items
    assert (item.emotion, item.labelled_by, item.source) == ("fear", "composite", "average of 20 drawings")
    assert item.notes == {"pictures": 20.0, "closest_source_correlation": 0.8}
