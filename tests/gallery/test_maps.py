"""A gallery's map: kept in its file, followed as examples come and go, and never another network's."""

from pathlib import Path

import numpy as np
import pytest

from siamese.errors import GalleryError
from siamese.gallery import maps
from siamese.gallery.gallery import Gallery
from siamese.gallery.maps import draw_map, map_of
from tests.gallery.made_up import NETWORK, items, made_up_gallery, unit_rows

ALL = 1000


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return made_up_gallery(["fear", "anger"] * 10, folder=tmp_path)


def test_it_is_kept_in_the_file_and_read_where_nothing_may_be_written(gallery: Gallery, tmp_path: Path) -> None:
    drawn = draw_map(gallery, ALL)
    gallery.seal()
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.sqlite"]
    found = map_of(Gallery.open(tmp_path, NETWORK), ALL)
    np.testing.assert_array_equal(found.rows, drawn.rows)
    np.testing.assert_allclose(found.places, drawn.places)
    assert (found.total, found.added) == (20, 0)


def test_drawing_it_leaves_the_examples_as_they_were(gallery: Gallery) -> None:
    before, embeddings, identity = gallery.items, gallery.embeddings, gallery.store.identity
    draw_map(gallery, ALL)
    assert gallery.items == before and gallery.store.identity == identity
    np.testing.assert_array_equal(gallery.embeddings, embeddings)


def test_what_was_added_is_placed_among_the_others_and_told(gallery: Gallery) -> None:
    drawn = draw_map(gallery, ALL)
    copy = gallery.embeddings[3:4]
    gallery.add(items(["fear"], "copy"), copy)
    found = map_of(gallery, ALL)
    assert (found.total, found.added, len(found.rows)) == (21, 1, 21)
    np.testing.assert_allclose(found.places[-1], drawn.places[3], atol=1e-3)
    assert draw_map(gallery, ALL).added == map_of(gallery, ALL).added == 0


def test_what_was_removed_is_gone(gallery: Gallery) -> None:
    draw_map(gallery, ALL)
    gallery.remove(["item3"])
    found = map_of(gallery, ALL)
    assert (found.total, len(found.rows)) == (19, 19) and 4 not in found.rows


def test_of_too_many_an_even_sample_is_drawn_and_the_others_have_places(gallery: Gallery) -> None:
    drawn = draw_map(gallery, 7)
    assert len(drawn.rows) == 7 and drawn.total == 20
    assert set(np.diff(drawn.rows)) <= {3, 4}
    gallery.add(items(["fear"], "late"), unit_rows(1, seed=9))
    assert len(map_of(gallery, 7).rows) == 7 and map_of(gallery, 8).added == 1
    places = map_of(gallery, 7).places_of(np.array([drawn.rows[2], 2]))
    np.testing.assert_allclose(places[0], drawn.places[2])
    assert (places >= 0).all() and (places <= 1).all()
    assert len(map_of(gallery, 3).rows) == 3


@pytest.mark.parametrize("count", [0, 1, 2])
def test_nearly_empty_galleries_have_one(count: int) -> None:
    found = map_of(made_up_gallery(["fear"] * count), ALL)
    assert found.places.shape == (count, 2)
    assert found.place(unit_rows(3)).shape == (3, 2)


def test_a_small_gallery_gets_one_when_asked_and_a_new_one_once_most_is_new(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(map_of(gallery, ALL).rows) == 20
    assert gallery.store.kept_places() is not None
    gallery.add(items(["anger"] * 21, "late"), unit_rows(21, seed=5))
    assert map_of(gallery, ALL).added == 0
    monkeypatch.setattr(maps, "QUICK", 10)
    gallery.add(items(["anger"] * 50, "later"), unit_rows(50, seed=6))
    assert map_of(gallery, ALL).added == 50


def test_a_large_gallery_without_one_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = made_up_gallery(["fear"] * 20, folder=tmp_path / "my faces")
    monkeypatch.setattr(maps, "QUICK", 10)
    with pytest.raises(GalleryError, match=f"has no map yet.*`python -m siamese gallery map '{tmp_path}/my faces'`"):
        map_of(gallery, ALL)


def test_where_nothing_may_be_written_it_is_drawn_and_not_kept(gallery: Gallery, tmp_path: Path) -> None:
    gallery.seal()
    reader = Gallery.open(tmp_path, NETWORK)
    assert len(map_of(reader, ALL).rows) == 20 and reader.store.kept_places() is None
    with pytest.raises(GalleryError, match="cannot be written"):
        draw_map(reader, ALL)


def test_the_map_of_another_network_is_none(gallery: Gallery) -> None:
    draw_map(gallery, ALL)
    gallery.store.replace_embeddings(gallery.store.rows(), unit_rows(20, seed=3), "fedcba987654")
    gallery.store.adopt("fedcba987654")
    assert gallery.store.kept_places() is None


def test_a_copy_in_memory_has_it_too(gallery: Gallery) -> None:
    drawn = draw_map(gallery, ALL)
    np.testing.assert_allclose(map_of(gallery.copied_to_memory(), ALL).places, drawn.places)


def test_labels_are_told_as_they_are_now(gallery: Gallery) -> None:
    gallery.store.relabel(["item1"], "smirk", "teaching")
    gallery.remove(["item2"])
    assert gallery.store.emotions_of(np.array([2, 1, 3])) == ["smirk", "fear", ""]


def test_what_was_removed_while_it_was_drawn_gets_no_place(gallery: Gallery) -> None:
    drawn = draw_map(gallery, ALL)
    gallery.remove(["item0"])
    gallery.store.keep_places(drawn.rows, drawn.places, 20)
    assert map_of(gallery, ALL).rows.tolist() == list(range(2, 21))
