"""From faces to a gallery: labels, readings, repeats and photos that had to be left out."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.errors import GalleryError, ImageError, NoFaceError
from siamese.gallery.build import (
    Entry,
    build_gallery,
    entries_from_composites,
    entries_from_crops,
    entries_from_photos,
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


def test_photos_give_the_labelled_face_or_all_faces_and_report_what_was_skipped() -> None:
    faces = {
        "labelled.jpg": [SimpleNamespace(crop=crop, portrait=crop) for crop in crops(3, seed=1)],
        "group.jpg": [SimpleNamespace(crop=crop, portrait=crop) for crop in crops(2, seed=2)],
    }

    def look(path: Path) -> list[SimpleNamespace]:
        if path.name == "broken.jpg":
            raise ImageError("This file is cut short.")
        if path.name == "wall.jpg":
            raise NoFaceError("No face was found.")
        return faces[path.name]

    photos = [
        (Path("fear/labelled.jpg"), "fear"),
        (Path("broken.jpg"), None),
        (Path("wall.jpg"), None),
        (Path("group.jpg"), None),
    ]
    skipped: dict[Path, str] = {}
    entries = list(entries_from_photos(photos, look, skipped))
    assert [(entry.source, entry.emotion) for entry in entries] == [
        ("labelled.jpg", "fear"),
        ("group.jpg", None),
        ("group.jpg", None),
    ]
    assert entries[0].crop is faces["labelled.jpg"][0].crop
    assert skipped == {Path("broken.jpg"): "This file is cut short.", Path("wall.jpg"): "No face was found."}


def test_a_composite_keeps_what_vouches_for_it() -> None:
    crop = crops(1)[0]
    composite = Composite("fear", np.zeros((160, 160), np.uint8), crop, np.arange(20), 0.8)
    gallery = build_gallery(entries_from_composites([composite], "drawings"), EMBEDDER, "Composites")
    (item,) = gallery.items
    assert (item.emotion, item.labelled_by, item.source) == ("fear", "composite", "average of 20 drawings")
    assert item.notes == {"pictures": 20.0, "closest_source_correlation": 0.8}
