"""The gallery: nearest examples against brute force, pages, adding and removing, and the index that follows."""

import json
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese.errors import GalleryError
from siamese.gallery.engines import choice
from siamese.gallery.gallery import INDEX_FILE, INDEX_NOTE, Gallery
from siamese.gallery.items import Wanted
from siamese.gallery.renewal import renew
from siamese.manifest import check_manifest, write_manifest
from tests.gallery.made_up import NETWORK, SIZE, PixelEmbedder, items, made_up_gallery, unit_rows

Make = Callable[..., Gallery]
EMOTIONS = st.lists(st.sampled_from(["happiness", "fear", "smirk"]), min_size=1, max_size=40)


@settings(deadline=None)
@given(emotions=EMOTIONS, k=st.integers(1, 50), wanted=st.sampled_from([None, "happiness", "fear"]))
def test_search_gives_the_k_most_similar_items_of_the_emotion(emotions: list[str], k: int, wanted: str | None) -> None:
    rows, query = unit_rows(len(emotions)), unit_rows(1, seed=1)[0]
    gallery = made_up_gallery(emotions, rows=rows)
    matches = gallery.search(query, k, Wanted(emotion=wanted))
    allowed = [row for row, emotion in enumerate(emotions) if wanted in (None, emotion)]
    expected = sorted(allowed, key=lambda row: -float(rows[row] @ query))[:k]
    assert [match.item.id for match in matches] == [f"item{row}" for row in expected]
    assert [match.similarity for match in matches] == pytest.approx(
        [float(rows[row] @ query) for row in expected], abs=1e-5
    )


@pytest.mark.parametrize("seed", [0, 1])
def test_every_engine_gives_the_k_most_similar_items(make_gallery: Make, seed: int) -> None:
    rows, query = unit_rows(60, seed), unit_rows(1, seed=seed + 9)[0]
    gallery = make_gallery(["happiness", "fear", "smirk"] * 20, rows=rows)
    for wanted, k in ((None, 7), (None, 99), ("fear", 12), ("smirk", 99)):
        matches = gallery.search(query, k, Wanted(emotion=wanted))
        allowed = range(60) if wanted is None else range(("happiness", "fear", "smirk").index(wanted), 60, 3)
        expected = sorted(allowed, key=lambda row: -float(rows[row] @ query))[:k]
        assert [match.item.id for match in matches] == [f"item{row}" for row in expected]
        assert [match.similarity for match in matches] == pytest.approx(
            [float(rows[row] @ query) for row in expected], abs=1e-5
        )


def test_a_filter_finds_k_even_when_all_of_them_are_far_away(make_gallery: Make) -> None:
    query = unit_rows(1)[0]
    rows = np.concatenate([np.repeat(query[None], 100, axis=0), np.repeat(-query[None], 5, axis=0)])
    gallery = make_gallery(["happiness"] * 100 + ["fear"] * 5, rows=rows)
    assert [match.item.emotion for match in gallery.search(query, 5, Wanted(emotion="fear"))] == ["fear"] * 5


@pytest.mark.parametrize("wanted", [None, "fear", "smirk"])
def test_no_room_is_made_for_more_neighbours_than_there_are(make_gallery: Make, wanted: str | None) -> None:
    gallery = make_gallery(["happiness", "fear", "fear"])
    found = gallery.search(unit_rows(1)[0], 10**12, Wanted(emotion=wanted))  # whose similarities would take 4 TB
    assert len(found) == {None: 3, "fear": 2, "smirk": 0}[wanted]
    assert len(gallery.near("item0", 10**12)) == 2


def test_an_emotion_that_no_item_has_finds_nothing(make_gallery: Make) -> None:
    assert make_gallery(["fear"]).search(unit_rows(1)[0], 3, Wanted(emotion="surprise")) == []


def test_its_emotions_come_in_the_vocabularys_order_then_others_by_name(make_gallery: Make) -> None:
    gallery = make_gallery(["smirk", "fear", "boredom", "neutral", "fear"])
    assert gallery.emotions == ("neutral", "fear", "boredom", "smirk")


def test_near_leaves_the_item_itself_out(make_gallery: Make) -> None:
    gallery = make_gallery(["fear", "fear", "happiness", "fear"])
    assert {match.item.id for match in gallery.near("item1", 10)} == {"item0", "item2", "item3"}
    assert {match.item.id for match in gallery.near("item1", 10, Wanted(emotion="fear"))} == {"item0", "item3"}
    assert len(gallery.near("item2", 3, Wanted(emotion="fear"))) == 3


def test_asking_for_what_cannot_be_is_refused(make_gallery: Make) -> None:
    gallery = make_gallery(["fear"])
    with pytest.raises(GalleryError, match="no example «nobody»"):
        gallery.near("nobody", 3)
    with pytest.raises(GalleryError, match="at least 1, not 0"):
        gallery.search(unit_rows(1)[0], 0)
    with pytest.raises(GalleryError, match=f"embeddings of {SIZE} numbers"):
        gallery.search(np.ones(SIZE + 1, np.float32), 1)


@settings(deadline=None)
@given(count=st.integers(0, 30), size=st.integers(1, 12))
def test_pages_laid_end_to_end_are_the_whole_gallery(count: int, size: int) -> None:
    gallery = made_up_gallery(["fear"] * count)
    pages = [gallery.page(number, size) for number in range(1, count // size + 3)]
    assert tuple(item for page in pages for item in page) == gallery.items
    assert pages[-1] == []
    assert all(len(page) <= size for page in pages)


def test_a_page_shows_one_emotion_where_asked(make_gallery: Make) -> None:
    gallery = make_gallery(["fear", "happiness", "fear", "fear"])
    assert [item.id for item in gallery.page(1, 2, Wanted(emotion="fear"))] == ["item0", "item2"]
    assert [item.id for item in gallery.page(2, 2, Wanted(emotion="fear"))] == ["item3"]


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


def test_filters_are_by_emotion_source_and_tag_together(make_gallery: Make) -> None:
    gallery = make_gallery(["fear"])
    more = [
        replace(each, tags=("mine", f"tag{row % 2}"), source=f"album {row % 3}")
        for row, each in enumerate(items(["fear", "happiness"] * 9, "new"))
    ]
    gallery.add(more, unit_rows(18, seed=5))
    for wanted in (
        Wanted(source="album 1"),
        Wanted(tag="tag1"),
        Wanted("fear", "album 2", "mine"),
        Wanted("fear", tag="tag1"),
    ):
        expected = {
            each.id
            for each in more
            if wanted.emotion in (None, each.emotion)
            and wanted.source in (None, each.source)
            and (wanted.tag is None or wanted.tag in each.tags)
        }
        assert {match.item.id for match in gallery.search(unit_rows(1)[0], 50, wanted)} == expected
        assert {item.id for item in gallery.page(1, 50, wanted)} == expected
        assert gallery.store.count(wanted) == len(expected)


def test_what_is_removed_is_not_found_and_may_come_again(make_gallery: Make) -> None:
    gallery, rows = make_gallery(["fear"] * 5), unit_rows(5)
    assert gallery.search(rows[2], 1)[0].item.id == "item2"
    assert gallery.remove(["item2", "item4", "nobody"]) == 2
    assert {match.item.id for match in gallery.search(rows[2], 9)} == {"item0", "item1", "item3"}
    assert (len(gallery), "item2" in gallery) == (3, False)
    assert gallery.add(items(["fear"] * 3), rows[:3]) == 1
    assert gallery.search(rows[2], 1)[0].item.id == "item2"


def test_a_reader_sees_what_a_writer_has_added_and_removed(tmp_path: Path, engine: str) -> None:
    writer = made_up_gallery(["fear"] * 3, folder=tmp_path, engine=engine)
    reader = Gallery.open(tmp_path, NETWORK, engine=engine)
    new = unit_rows(1, seed=9)
    assert reader.search(new[0], 1)[0].similarity < 0.999
    writer.add(items(["smirk"], "new"), new)
    assert reader.search(new[0], 1)[0].item.id == "new0"
    assert reader.emotions == ("fear", "smirk")
    writer.remove(["new0"])
    assert reader.search(new[0], 1)[0].item.id != "new0"


@pytest.mark.parametrize("engine", ["hnsw", "ivf-half"])
def test_a_kept_index_serves_the_next_opening(tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up_gallery(["fear"] * 400, folder=tmp_path).close()
    gallery = Gallery.open(tmp_path, NETWORK, writable=True, engine=engine)
    query = unit_rows(1, seed=3)[0]
    expected = [match.item.id for match in gallery.search(query, 5)]
    gallery.close()
    made = []
    monkeypatch.setattr(Gallery, "_made", lambda self: made.append(self))
    again = Gallery.open(tmp_path, NETWORK, writable=True, engine=engine)
    assert [match.item.id for match in again.search(query, 5)] == expected
    again.add(items(["smirk"], "new"), query[None])
    assert again.search(query, 1)[0].item.id == "new0"
    assert not made


@pytest.mark.parametrize("engine", ["hnsw", "ivf-half"])
def test_a_kept_index_does_not_bring_back_what_was_removed(tmp_path: Path, engine: str) -> None:
    made_up_gallery(["fear"] * 400, folder=tmp_path).close()
    gallery = Gallery.open(tmp_path, NETWORK, writable=True, engine=engine)
    query = unit_rows(1, seed=3)[0]
    gone = [match.item.id for match in gallery.search(query, 10)]
    gallery.remove(gone)
    gallery.close()
    found = [match.item.id for match in Gallery.open(tmp_path, NETWORK, engine=engine).search(query, 10)]
    assert len(found) == 10 and not set(found) & set(gone)


def test_an_index_whose_keeping_was_cut_short_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up_gallery(["fear"] * 50, folder=tmp_path).close()
    Gallery.open(tmp_path, NETWORK, writable=True, engine="hnsw").close()
    gallery = Gallery.open(tmp_path, NETWORK, writable=True, engine="hnsw")
    gallery.add(items(["smirk"] * 5, "new"), unit_rows(5, seed=9))
    monkeypatch.setattr(json, "dumps", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        gallery.keep_index()  # the index is written, and the note is not
    monkeypatch.undo()
    found = [match.item.id for match in Gallery.open(tmp_path, NETWORK, engine="hnsw").search(unit_rows(1)[0], 55)]
    assert len(found) == len(set(found)) == 55


@pytest.mark.parametrize("harm", ["note gone", "index cut", "another store's"])
def test_an_index_that_does_not_fit_is_made_anew(tmp_path: Path, harm: str) -> None:
    for folder in (tmp_path / "one", tmp_path / "two"):
        made_up_gallery(["fear"] * 50, folder=folder).close()
        Gallery.open(folder, NETWORK, writable=True, engine="hnsw").close()
    index, note = tmp_path / "one" / INDEX_FILE, tmp_path / "one" / INDEX_NOTE
    if harm == "note gone":
        note.unlink()
    elif harm == "index cut":
        index.write_bytes(index.read_bytes()[:100])
    else:
        note.write_bytes((tmp_path / "two" / INDEX_NOTE).read_bytes())
    gallery = Gallery.open(tmp_path / "one", NETWORK, engine="hnsw")
    assert gallery.search(unit_rows(50)[7], 1)[0].item.id == "item7"


def test_a_gallery_that_outgrew_its_engine_gets_another_when_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "SMALL", 30)
    gallery = made_up_gallery(["fear"] * 20, folder=tmp_path)
    assert gallery.choice.engine == "flat"
    gallery.add(items(["fear"] * 20, "more"), unit_rows(20, seed=2))
    gallery.close()
    assert (tmp_path / INDEX_FILE).is_file()
    assert Gallery.open(tmp_path, NETWORK).choice.engine == "hnsw"


def test_a_gallery_of_another_network_is_refused_by_both_names(tmp_path: Path) -> None:
    made_up_gallery(["fear"], folder=tmp_path).close()
    with pytest.raises(
        GalleryError,
        match=rf"{NETWORK}, but the network in use is fedcba987654.*`python -m siamese gallery rebuild",
    ):
        Gallery.open(tmp_path, "fedcba987654")


def test_a_gallery_can_be_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    gallery = made_up_gallery(["fear"] * 3, folder=tmp_path)
    gallery.store.seal()
    gallery.close()
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.sqlite"]
    before = (tmp_path / "gallery.sqlite").read_bytes()
    reader = Gallery.open(tmp_path, NETWORK)
    assert len(reader.search(unit_rows(1)[0], 9)) == 3
    with pytest.raises(GalleryError, match="cannot be written"):
        reader.remove(["item0"])
    reader.close()
    assert [path.name for path in tmp_path.iterdir()] == ["gallery.sqlite"]
    assert (tmp_path / "gallery.sqlite").read_bytes() == before


def test_what_a_program_left_in_the_log_is_read_where_nothing_may_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = made_up_gallery(["fear"] * 3, folder=tmp_path)  # is open, with its log beside it
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    reader = Gallery.open(tmp_path, NETWORK)
    assert len(reader) == 3
    gallery.add(items(["anger"], "late"), unit_rows(1, seed=9))
    assert len(reader.search(unit_rows(1, seed=9)[0], 9)) == 4


def test_a_log_that_cannot_be_read_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = made_up_gallery(["fear"], folder=tmp_path)
    monkeypatch.setattr(sqlite3, "connect", Mock(side_effect=sqlite3.OperationalError("unable to open database file")))
    with pytest.raises(GalleryError, match=r"unable to open database file\. What was written last lies beside it"):
        Gallery.open(tmp_path, NETWORK)
    assert len(gallery) == 1


def test_a_gallery_of_a_reference_set_is_not_opened_to_be_changed(tmp_path: Path) -> None:
    folder = tmp_path / "gallery"
    gallery = made_up_gallery(["fear"], folder=folder)
    gallery.seal()
    write_manifest(tmp_path)
    for change in (lambda: Gallery.open(folder, NETWORK, writable=True), lambda: renew(folder, PixelEmbedder())):
        with pytest.raises(GalleryError, match=r"part of a reference set.*`python -m siamese gallery export"):
            change()
    Gallery.open(folder, NETWORK).close()
    check_manifest(tmp_path)
