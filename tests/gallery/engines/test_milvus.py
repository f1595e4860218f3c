"""What is Milvus's own: what it remembers, large filters, addresses that do not answer, packages that are missing."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from siamese.errors import GalleryError
from siamese.gallery import store
from siamese.gallery.engines import NOTHING, milvus
from siamese.gallery.engines.choice import choose, engine_for
from siamese.gallery.engines.milvus import MOST, MilvusIndex, Place
from siamese.gallery.engines.milvus import _client as client_of
from siamese.gallery.gallery import INDEX_FILE, INDEX_NOTE, Gallery
from siamese.gallery.store import Revision
from siamese.settings import FREE_ACCESS, IndexAccess, Settings
from tests.gallery.made_up import NETWORK, SIZE, items, made_up_gallery, unit_rows

ROWS, QUERIES = unit_rows(300, seed=1), unit_rows(4, seed=2)


@pytest.fixture
def index(milvus: str, request: pytest.FixtureRequest) -> MilvusIndex:
    """300 rows, numbered from 1, in a collection named after the test."""
    made = MilvusIndex(Place(milvus.removeprefix("milvus:"), f"t{abs(hash(request.node.name))}", SIZE, FREE_ACCESS))
    made.add(np.arange(1, 301), ROWS)
    return made


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many rows each call of `add` was given."""
    counts: list[int] = []
    with monkeypatch.context() as changed:
        changed.setattr(MilvusIndex, "add", lambda self, rows, embeddings: counts.append(len(rows)))
        yield counts


def nearest(k: int, among: np.ndarray) -> list[list[int]]:
    return [among[np.argsort(-(ROWS[among - 1] @ query), kind="stable")[:k]].tolist() for query in QUERIES]


def test_who_opens_it_next_goes_on_from_there(milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = made_up_gallery(["fear"] * 5, folder=tmp_path, engine=milvus)
    assert gallery.search(unit_rows(5)[3], 1)[0].item.id == "item3"
    gallery.close()
    assert not {INDEX_FILE, INDEX_NOTE} & {path.name for path in tmp_path.iterdir()}
    with counted(monkeypatch) as counts:
        again = Gallery.open(tmp_path, NETWORK, writable=True, engine=milvus)
        assert again.search(unit_rows(5)[3], 1)[0].item.id == "item3"
        again.add(items(["fear"] * 2, "new"), unit_rows(2, seed=7))
        again.search(unit_rows(5)[3], 1)
    assert counts == [2]
    assert again.choice.engine == milvus


def test_what_another_process_brought_is_not_sent_again(
    milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = made_up_gallery(["fear"] * 5, folder=tmp_path, engine=milvus)
    reader = Gallery.open(tmp_path, NETWORK, engine=milvus)
    query = unit_rows(5)[3]
    assert writer.search(query, 1) == reader.search(query, 1)
    writer.add(items(["fear"], "new"), query[None])
    writer.search(query, 1)
    with counted(monkeypatch) as counts:
        assert {match.item.id for match in reader.search(query, 2)} == {"item3", "new0"}
    assert counts == []


def test_what_was_cut_short_goes_on(milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_BATCH", 2)
    gallery = made_up_gallery(["fear"] * 5, folder=tmp_path, engine=milvus)
    add, calls = MilvusIndex.add, []

    def cut_short(index: MilvusIndex, rows: np.ndarray, embeddings: np.ndarray) -> None:
        calls.append(len(rows))
        if len(calls) == 2:
            raise KeyboardInterrupt
        add(index, rows, embeddings)

    monkeypatch.setattr(MilvusIndex, "add", cut_short)
    with pytest.raises(KeyboardInterrupt):
        gallery.search(ROWS[0], 1)
    again = Gallery.open(tmp_path, NETWORK, engine=milvus)
    assert len(again.search(ROWS[0], 9)) == 5
    assert calls == [2, 2, 2, 1]


def test_rebuilding_drops_and_fills_it(milvus: str, tmp_path: Path) -> None:
    gallery = made_up_gallery(["fear"] * 5, folder=tmp_path, engine=milvus)
    gallery.search(ROWS[0], 1)
    held = engine_for(milvus, gallery.store, FREE_ACCESS).load(tmp_path)
    held.add(np.array([999]), ROWS[:1])  # of no item
    held.remove(np.array([2]))
    gallery.rebuild_index()
    assert len(held) == 5
    assert {match.item.id for match in gallery.search(ROWS[0], 9)} == {f"item{number}" for number in range(5)}
    assert held.seen == gallery.store.revision() != Revision()


def test_adding_again_changes_nothing(index: MilvusIndex) -> None:
    index.add(np.arange(1, 301), ROWS)
    assert len(index) == 300
    assert index.search(QUERIES, 5)[1].tolist() == nearest(5, np.arange(1, 301))


@pytest.mark.parametrize("wider", [1, 3, 32])
def test_large_filters_are_looked_through_and_sent_in_parts(
    index: MilvusIndex, monkeypatch: pytest.MonkeyPatch, wider: int
) -> None:
    monkeypatch.setattr(milvus, "_LISTED", 10)
    monkeypatch.setattr(milvus, "_NAMED", 37)
    monkeypatch.setattr(milvus, "_WIDER", wider)
    for count in (11, 80, 290):
        among = np.sort(np.random.default_rng(count).permutation(np.arange(1, 301))[:count])
        assert index.search(QUERIES, 20, among)[1].tolist() == [
            each + [NOTHING] * (20 - len(each)) for each in nearest(20, among)
        ]


def test_what_a_graph_misses_is_found_by_comparing(index: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_nearest", lambda queries, k, among=None: milvus._nothing(len(queries), k))
    among = np.arange(5, 200, 3)
    similarities, rows = index.search(QUERIES, 6, np.append(among, 5000))  # the last is not there
    assert rows.tolist() == nearest(6, among)
    np.testing.assert_allclose(similarities, np.einsum("qd,qkd->qk", QUERIES, ROWS[rows - 1]), atol=1e-5)
    assert (index.search(QUERIES, 6, np.array([5000]))[1] == NOTHING).all()


def test_no_wanted_rows_find_nothing(index: MilvusIndex) -> None:
    similarities, rows = index.search(QUERIES, 3, np.empty(0, np.int64))
    assert (rows == NOTHING).all() and (similarities == -1).all()


def test_more_than_milvus_finds_at_once_is_refused(index: MilvusIndex) -> None:
    with pytest.raises(GalleryError, match=r"at most 16,384 examples at once, not 16,385"):
        index.search(QUERIES, MOST + 1)


@pytest.mark.parametrize("address", ["", "somewhere", "localhost:19530", "index.sqlite"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(GalleryError, match=f"«{address}» is no address of Milvus. Give http://HOST:PORT"):
        choose(10, SIZE, 100, f"milvus:{address}")


@pytest.mark.parametrize("listening", [True, False])
def test_an_address_that_does_not_answer_is_told_within_seconds(milvus: str, listening: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(
            GalleryError, match=rf"Milvus at {address} did not answer .* within 2 seconds .*: .*Is Milvus"
        ):
            MilvusIndex(Place(address, "nobody", SIZE, IndexAccess(seconds=2)))
    assert time.monotonic() - started < 20


def test_milvus_lite_is_not_asked_whether_it_lives(
    milvus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hangs up on who asks often; a server allows it, and a connection that is gone is noticed so."""
    asked = Mock()
    monkeypatch.setattr("pymilvus.MilvusClient", asked)
    for address in (str(tmp_path / "index.db"), "http://127.0.0.1:19530"):
        client_of(Place(address, "nobody", SIZE, FREE_ACCESS))
    lite, server = (call.kwargs.get("grpc_options", {}) for call in asked.call_args_list)
    assert lite["grpc.keepalive_time_ms"] > 1e9 and not server


def test_a_folder_that_is_not_there_is_told(milvus: str, tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="nowhere"):
        MilvusIndex(Place(str(tmp_path / "nowhere" / "index.db"), "nobody", SIZE, FREE_ACCESS))


def test_a_missing_package_is_named_with_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    with pytest.raises(GalleryError, match=r"`pip install -r requirements-milvus\.txt`"):
        made_up_gallery(["fear"], folder=tmp_path, engine="milvus:http://127.0.0.1:19530")


def test_the_token_is_read_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMBLANCE_INDEX_TOKEN", "root:secret")
    monkeypatch.setenv("SEMBLANCE_INDEX_SECONDS", "3")
    settings = Settings.given(index="milvus:https://milvus.example:19530")
    assert settings.index_access == IndexAccess("root:secret", 3)
    assert "secret" not in repr(settings) + repr(settings.index_access)
