"""The store: what is added is there whatever happens, one at a time, and damage is told."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese.errors import GalleryError
from siamese.gallery import store as stores
from siamese.gallery.items import Item, Wanted
from siamese.gallery.store import Photo, Revision, Store
from tests.gallery.made_up import NETWORK, SIZE, items, unit_rows

TEXT = st.text(max_size=12)
NUMBER = st.floats(-1e6, 1e6)
ITEM = st.builds(
    Item,
    id=st.text(min_size=1, max_size=8),
    emotion=st.text(min_size=1, max_size=8),
    source=TEXT,
    labelled_by=TEXT,
    thumbnail=st.binary(max_size=20),
    notes=st.dictionaries(TEXT, NUMBER, max_size=2),
    tags=st.sets(TEXT, max_size=3).map(lambda tags: tuple(sorted(tags))),
    box=st.none() | st.tuples(NUMBER, NUMBER, NUMBER, NUMBER),
    content=TEXT,
)


def new(path: Path | str = ":memory:") -> Store:
    return Store.create(path, "A test", NETWORK, SIZE)


@settings(deadline=None)
@given(several=st.lists(ITEM, max_size=8, unique_by=lambda item: item.id), title=st.text())
def test_what_is_added_is_there_when_the_file_is_opened_again(
    tmp_path_factory: pytest.TempPathFactory, several: list[Item], title: str
) -> None:
    path = tmp_path_factory.mktemp("gallery") / "gallery.sqlite"
    store = Store.create(path, title, NETWORK, SIZE)
    store.add(several, unit_rows(len(several)))
    store.close()
    opened = Store(path)
    assert (opened.title, opened.fingerprint, opened.embedding_size) == (title, NETWORK, SIZE)
    assert list(opened.items(opened.rows()).values()) == several
    np.testing.assert_array_equal(opened.embeddings(opened.rows()), unit_rows(len(several)))
    opened.close()


def test_items_of_an_id_that_is_there_are_left_out() -> None:
    store = new()
    assert store.add(items(["fear"] * 3), unit_rows(3)).tolist() == [1, 2, 3]
    assert len(store.add([*items(["anger"]), *items(["anger"] * 2, "new")], unit_rows(3, 1))) == 2
    assert store.counts("emotion") == {"anger": 2, "fear": 3}


def test_items_need_one_unit_length_embedding_each() -> None:
    store = new()
    with pytest.raises(GalleryError, match=r"shape \(2, 8\), not \(3, 8\)"):
        store.add(items(["fear"] * 2), unit_rows(3))
    for wrong in (2, np.nan):
        with pytest.raises(GalleryError, match="length one"):
            store.add(items(["fear"]), unit_rows(1) * np.float32(wrong))
    assert len(store) == 0


def test_an_addition_that_fails_midway_adds_nothing() -> None:
    store = new()
    broken = [*items(["fear"] * 5), Item("last", "fear", "", "folder", thumbnail=None)]  # type: ignore[arg-type]
    with pytest.raises(GalleryError, match="cannot be written"):
        store.add(broken, unit_rows(6))
    assert (len(store), store.revision()) == (0, Revision())


def test_the_history_tells_what_came_and_what_went() -> None:
    store, rows = new(), unit_rows(6)
    store.add(items(["fear"] * 4), rows[:4])
    before = store.revision()
    store.remove(["item1", "item3"])
    store.add(items(["fear"] * 2, "new"), rows[4:])
    assert store.removed(before).tolist() == [2, 4]
    ((numbers, embeddings),) = store.batches(before, store.revision())
    assert numbers.tolist() == [5, 6]
    np.testing.assert_array_equal(embeddings, rows[4:])
    assert store.removed(store.revision()).tolist() == []
    store.remove(["new1"])
    assert store.add(items(["fear"], "newest"), rows[:1]).tolist() == [7]  # a row is never given twice


def test_a_label_can_be_set_right() -> None:
    store = new()
    store.add(items(["fear"]), unit_rows(1))
    store.relabel(["item0"], "surprise", "reading")
    (item,) = store.page(1, 9, Wanted(emotion="surprise"))
    assert (item.emotion, item.labelled_by) == ("surprise", "reading")
    with pytest.raises(GalleryError, match="no example «nobody»"):
        store.relabel(["item0", "nobody"], "fear", "folder")
    assert store.counts("emotion") == {"surprise": 1}


def test_a_snapshot_is_of_one_moment_whatever_others_do(tmp_path: Path) -> None:
    store = new(tmp_path / "gallery.sqlite")
    store.add(items(["fear"] * 3), unit_rows(3))
    other = Store(store.path)
    with store.snapshot():
        rows = store.rows()
        other.remove(["item1"])
        other.add(items(["anger"], "late"), unit_rows(1))
        assert len(store) == 3 and store.embeddings(rows).shape == (3, SIZE)
    assert store.counts("emotion") == {"anger": 1, "fear": 2}
    store.add(items(["anger"], "own"), unit_rows(1))


def test_a_snapshot_ends_with_an_error_in_it() -> None:
    store = new()
    with pytest.raises(GalleryError, match="no example"), store.snapshot():
        store.row("item9")
    assert len(store.add(items(["fear"]), unit_rows(1))) == 1


def test_photos_that_were_looked_at_are_known_until_their_faces_are_removed() -> None:
    store = new()
    (item,) = items(["fear"])
    kept = [Photo("hash1", "a.jpg"), Photo("hash2", "b.txt", "no picture")]
    store.add([Item(**{**vars(item), "content": "hash1"})], unit_rows(1), photos=kept)
    assert store.looked_at(["hash1", "hash2", "hash3"]) == {"hash1"}
    assert store.refused() == {"b.txt": "no picture"}
    store.forget_refusals(["a.jpg", "b.txt"])
    assert (store.looked_at(["hash1"]), store.refused()) == ({"hash1"}, {})
    store.remove(["item0"])
    assert store.looked_at(["hash1"]) == set()


def test_another_network_takes_over_when_all_is_read_anew(tmp_path: Path) -> None:
    store = new(tmp_path / "gallery.sqlite")
    store.add(items(["fear"] * 3), unit_rows(3), crops=[b"one", None, b"three"])
    identity = store.identity
    assert store.crops("other", size=2) == [(1, b"one"), (2, None)]
    store.replace_embeddings(np.array([1, 3]), unit_rows(2, seed=5), "other")
    assert store.crops("other", size=9) == [(2, None)]
    store.adopt("other")
    reopened = Store(tmp_path / "gallery.sqlite")
    assert (reopened.fingerprint, store.fingerprint) == ("other", "other")
    assert reopened.identity == store.identity != identity  # so that no index of before is taken for its own
    np.testing.assert_array_equal(reopened.embeddings(np.array([3, 1])), unit_rows(2, seed=5)[::-1])


def test_threads_and_processes_write_in_turn(tmp_path: Path) -> None:
    first = new(tmp_path / "gallery.sqlite")
    stores = [first, first, Store(tmp_path / "gallery.sqlite")]
    threads = [
        threading.Thread(
            target=lambda store, number: [
                store.add(items(["fear"] * 2, f"{number}-{turn}-"), unit_rows(2)) for turn in range(10)
            ],
            args=(store, number),
        )
        for number, store in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first) == 3 * 10 * 2


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    """One process adds and prints what it was told is kept; another kills it. `benchmarks.kill` does it many times."""
    program = """
        import itertools, sys
        from siamese.gallery.store import Store
        from tests.gallery.made_up import NETWORK, SIZE, items, unit_rows
        store = Store.create(sys.argv[1], "A test", NETWORK, SIZE)
        for turn in itertools.count():
            store.add(items(["fear"] * 3, f"{turn}-"), unit_rows(3, turn))
            print(turn, flush=True)
    """
    path = tmp_path / "gallery.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), str(path)], stdout=subprocess.PIPE
    ) as adding:
        assert adding.stdout is not None
        told = [adding.stdout.readline() for _ in range(20)]
        os.kill(adding.pid, signal.SIGKILL)
        told += adding.stdout.readlines()
    store = Store(path)
    acknowledged = int(told[-1]) + 1
    assert len(store) in (3 * acknowledged, 3 * acknowledged + 3)  # the last may have been written and not yet told
    for turn in range(acknowledged):
        np.testing.assert_array_equal(
            store.embeddings(np.array([store.row(f"{turn}-{n}") for n in range(3)])), unit_rows(3, turn)
        )


@pytest.mark.parametrize("harm", ["emptied", "overwritten", "another's"])
def test_a_damaged_file_is_refused(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "gallery.sqlite"
    store = new(path)
    store.add(items(["fear"] * 200), unit_rows(200))
    store.seal()
    store.close()
    content = bytearray(path.read_bytes())
    content[:16] = b"something else. "
    path.write_bytes(bytes(content) if harm == "overwritten" else b"")
    if harm == "another's":
        sqlite3.connect(path).execute("CREATE TABLE other (x)").connection.close()
    with pytest.raises(GalleryError, match=f"in {tmp_path} is damaged"):
        Store(path)


def test_a_gallery_that_is_in_use_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siamese.gallery.store._BUSY_SECONDS", 0.1)
    path = tmp_path / "gallery.sqlite"
    store = new(path)
    store.seal()
    store.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(GalleryError, match=f"in {tmp_path} cannot be written: database is locked"):
        Store(path)
    with pytest.raises(GalleryError, match=f"in {tmp_path} cannot be read: database is locked"):
        Store(path, writable=False)
    other.close()


def test_a_gallery_that_another_has_open_is_not_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siamese.gallery.store._BUSY_SECONDS", 0.1)
    store = new(tmp_path / "gallery.sqlite")
    other = Store(tmp_path / "gallery.sqlite", writable=False)
    with pytest.raises(GalleryError, match=r"cannot be sealed: database is locked\. Close what else has it open"):
        store.seal()
    other.close()
    store.seal()


def test_a_place_that_may_not_be_looked_into_is_told(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 300) / "gallery.sqlite"  # refuses to be asked about, as a folder without permission does
    with pytest.raises(GalleryError, match=r"cannot be read: .*File name too long"):
        Store(path, writable=False)
    with pytest.raises(GalleryError, match=r"cannot be written to .*File name too long"):
        new(path)


def test_a_folder_without_a_gallery_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match=r"There is no gallery in .*nowhere\. Build one with"):
        Store(tmp_path / "nowhere" / "gallery.sqlite")


def test_a_gallery_is_not_overwritten(tmp_path: Path) -> None:
    new(tmp_path / "gallery.sqlite").close()
    with pytest.raises(GalleryError, match=r"There is a gallery at .* already"):
        new(tmp_path / "gallery.sqlite")


@pytest.mark.parametrize("links", [True, False])
def test_of_two_who_make_it_at_once_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """Another process makes the gallery while this one lays out its own."""
    path, lay_out = tmp_path / "gallery.sqlite", stores._lay_out

    def meanwhile(connection: sqlite3.Connection, about: dict[str, str]) -> None:
        lay_out(connection, about)
        monkeypatch.setattr(stores, "_lay_out", lay_out)
        monkeypatch.setattr(os, "getpid", lambda: 1)
        first.append(new(path))
        first[0].add(items(["fear"]), unit_rows(1))

    first: list[Store] = []
    monkeypatch.setattr(stores, "_lay_out", meanwhile)
    if not links:
        monkeypatch.setattr(os, "link", Mock(side_effect=PermissionError))
    with pytest.raises(GalleryError, match=r"There is a gallery at .* already"):
        new(path)
    assert len(first[0]) == len(Store(path)) == 1
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GalleryError, match="cannot be written"):
        new(tmp_path / "file" / "gallery.sqlite")
