"""The gallery: nearest examples against brute force, pages, adding, and a store that is never half written."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese.errors import GalleryError
from siamese.gallery import gallery as store
from siamese.gallery.gallery import Gallery, Item
from tests.gallery.made_up import NETWORK, SIZE, items, unit_rows

Make = Callable[..., Gallery]
EMOTIONS = st.lists(st.sampled_from(["happiness", "fear", "smirk"]), min_size=1, max_size=40)


@settings(deadline=None)
@given(emotions=EMOTIONS, k=st.integers(1, 50), wanted=st.sampled_from([None, "happiness", "fear"]))
def test_search_gives_the_k_most_similar_items_of_the_emotion(emotions: list[str], k: int, wanted: str | None) -> None:
    rows, query = unit_rows(len(emotions)), unit_rows(1, seed=1)[0]
    gallery = Gallery(items(emotions), rows, "A test", NETWORK)
    matches = gallery.search(query, k, wanted)
    allowed = [row for row, emotion in enumerate(emotions) if wanted in (None, emotion)]
    expected = sorted(allowed, key=lambda row: -float(rows[row] @ query))[:k]
    assert [match.item.id for match in matches] == [f"item{row}" for row in expected]
    assert [match.similarity for match in matches] == pytest.approx(
        [float(rows[row] @ query) for row in expected], abs=1e-5
    )


def test_a_filter_finds_k_even_when_all_of_them_are_far_away() -> None:
    query = unit_rows(1)[0]
    rows = np.concatenate([np.repeat(query[None], 100, axis=0), np.repeat(-query[None], 5, axis=0)])
    gallery = Gallery(items(["happiness"] * 100 + ["fear"] * 5), rows, "A test", NETWORK)
    assert [match.item.emotion for match in gallery.search(query, 5, "fear")] == ["fear"] * 5


def test_an_emotion_that_no_item_has_finds_nothing(make_gallery: Make) -> None:
    assert make_gallery(["fear"]).search(unit_rows(1)[0], 3, "surprise") == []


def test_its_emotions_come_in_the_vocabularys_order_then_others_by_name(make_gallery: Make) -> None:
    gallery = make_gallery(["smirk", "fear", "boredom", "neutral", "fear"])
    assert gallery.emotions == ("neutral", "fear", "boredom", "smirk")


def test_near_leaves_the_item_itself_out(make_gallery: Make) -> None:
    gallery = make_gallery(["fear", "fear", "happiness", "fear"])
    assert {match.item.id for match in gallery.near("item1", 10)} == {"item0", "item2", "item3"}
    assert {match.item.id for match in gallery.near("item1", 10, "fear")} == {"item0", "item3"}
    assert len(gallery.near("item2", 3, "fear")) == 3


def test_asking_for_what_cannot_be_is_refused(make_gallery: Make) -> None:
    gallery = make_gallery(["fear"])
    with pytest.raises(GalleryError, match="no example «nobody»"):
        gallery.near("nobody", 3)
    with pytest.raises(GalleryError, match="at least 1, not 0"):
        gallery.search(unit_rows(1)[0], 0)
    with pytest.raises(GalleryError, match=f"embeddings of {SIZE} numbers"):
        gallery.search(np.ones(SIZE + 1, np.float32), 1)


@given(count=st.integers(0, 30), size=st.integers(1, 12))
def test_pages_laid_end_to_end_are_the_whole_gallery(count: int, size: int) -> None:
    gallery = Gallery(items(["fear"] * count), unit_rows(count), "A test", NETWORK)
    pages = [gallery.page(number, size) for number in range(1, count // size + 3)]
    assert tuple(item for page in pages for item in page) == gallery.items
    assert pages[-1] == []
    assert all(len(page) <= size for page in pages)


def test_a_page_shows_one_emotion_where_asked(make_gallery: Make) -> None:
    gallery = make_gallery(["fear", "happiness", "fear", "fear"])
    assert [item.id for item in gallery.page(1, 2, "fear")] == ["item0", "item2"]
    assert [item.id for item in gallery.page(2, 2, "fear")] == ["item3"]


def test_adding_is_searched_at_once_and_leaves_out_what_is_there(make_gallery: Make) -> None:
    gallery, more = make_gallery(["fear", "fear"]), unit_rows(3, seed=7)
    added = items(["surprise"] * 3, "new")
    assert gallery.add(added, more) == 3
    assert gallery.add([*added, *items(["surprise"], "other")], np.concatenate([more, unit_rows(1, 9)])) == 1
    assert len(gallery) == 6
    assert gallery.search(more[2], 1)[0].item.id == "new2"
    assert gallery.item("other0").emotion == "surprise"
    assert "new0" in gallery
    assert "new9" not in gallery


def test_items_need_one_unit_length_embedding_each() -> None:
    with pytest.raises(GalleryError, match=r"shape \(2, 8\), not \(3, 8\)"):
        Gallery(items(["fear"] * 2), unit_rows(3), "A test", NETWORK)
    with pytest.raises(GalleryError, match="length one"):
        Gallery(items(["fear"]), unit_rows(1) * 2, "A test", NETWORK)
    with pytest.raises(GalleryError, match="length one"):
        Gallery(items(["fear"]), unit_rows(1) * np.nan, "A test", NETWORK)
    with pytest.raises(GalleryError, match="same id"):
        Gallery(items(["fear"]) * 2, unit_rows(2), "A test", NETWORK)


@settings(deadline=None)
@given(texts=st.lists(st.tuples(st.text(min_size=1), st.text(), st.binary(max_size=20)), max_size=8), title=st.text())
def test_what_is_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, texts: list, title: str) -> None:
    folder = tmp_path_factory.mktemp("gallery")
    several = [
        Item(f"id{number}", emotion, source, "data set", thumbnail, {"pictures": 16.0})
        for number, (emotion, source, thumbnail) in enumerate(texts)
    ]
    gallery = Gallery(several, unit_rows(len(texts)), title, NETWORK)
    gallery.save(folder)
    loaded = Gallery.load(folder, NETWORK)
    assert (loaded.items, loaded.title, loaded.fingerprint) == (gallery.items, title, NETWORK)
    np.testing.assert_array_equal(loaded.embeddings, gallery.embeddings)


def test_a_gallery_of_another_network_is_refused_by_both_names(make_gallery: Make, tmp_path: Path) -> None:
    make_gallery(["fear"]).save(tmp_path)
    with pytest.raises(GalleryError, match=f"made by the network {NETWORK}, but the network in use is fedcba987654"):
        Gallery.load(tmp_path, "fedcba987654")


def test_a_folder_without_a_gallery_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="There is no gallery in"):
        Gallery.load(tmp_path / "nowhere", NETWORK)


@pytest.mark.parametrize("file", ["gallery.json", "arrays-*.npz"])
@pytest.mark.parametrize("harm", ["cut", "emptied", "flipped"])
def test_a_damaged_file_is_refused(make_gallery: Make, tmp_path: Path, file: str, harm: str) -> None:
    make_gallery(["fear"] * 20).save(tmp_path)
    path = next(tmp_path.glob(file))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    harmed = {
        "cut": content[:middle],
        "emptied": b"",
        "flipped": content[:middle] + b"\x00\xff" + content[middle + 2 :],
    }
    path.write_bytes(harmed[harm])
    with pytest.raises(GalleryError, match="damaged"):
        Gallery.load(tmp_path, NETWORK)


@pytest.mark.parametrize(
    "change", [{"arrays": "gone.npz"}, {"items": []}, {"items": [{"id": "only"}]}, {"items": None}]
)
def test_an_index_that_does_not_fit_its_arrays_is_refused(make_gallery: Make, tmp_path: Path, change: dict) -> None:
    make_gallery(["fear"] * 2).save(tmp_path)
    index = json.loads((tmp_path / "gallery.json").read_text())
    (tmp_path / "gallery.json").write_text(json.dumps({**index, **change}))
    with pytest.raises(GalleryError, match="damaged"):
        Gallery.load(tmp_path, NETWORK)


def test_saving_again_replaces_and_leaves_no_old_file(make_gallery: Make, tmp_path: Path) -> None:
    make_gallery(["fear"]).save(tmp_path)
    make_gallery(["fear", "surprise"], seed=4).save(tmp_path)
    assert len(Gallery.load(tmp_path, NETWORK)) == 2
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("writes_before_the_crash", [0, 1])
def test_a_save_that_is_cut_short_leaves_the_gallery_as_it_was(
    make_gallery: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes_before_the_crash: int
) -> None:
    make_gallery(["fear"]).save(tmp_path)
    write, written = store._replace, []

    def failing(path: Path, content: bytes) -> None:
        if len(written) == writes_before_the_crash:
            raise KeyboardInterrupt
        written.append(path)
        write(path, content)

    monkeypatch.setattr(store, "_replace", failing)
    with pytest.raises(KeyboardInterrupt):
        make_gallery(["fear", "surprise"], seed=4).save(tmp_path)
    assert [item.emotion for item in Gallery.load(tmp_path, NETWORK).items] == ["fear"]


def test_a_place_that_cannot_be_written_is_refused(make_gallery: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GalleryError, match="cannot be written"):
        make_gallery(["fear"]).save(tmp_path / "file")
