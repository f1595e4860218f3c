"""Every engine, against sorting all similarities with numpy."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.engines import NOTHING, Index
from siamese.gallery.engines.choice import ENGINES, SMALL, choose, engine_for
from siamese.gallery.engines.flat import FlatIndex
from siamese.gallery.gallery import IN_MEMORY
from siamese.gallery.store import Store
from siamese.settings import FREE_ACCESS
from tests.gallery.made_up import NETWORK, unit_rows

SIZE, COUNT = 16, 2000
ROWS = unit_rows(COUNT, seed=1, size=SIZE)
NUMBERS = np.arange(COUNT, dtype=np.int64) * 3 + 7  # rows need not follow each other
QUERIES = unit_rows(20, seed=2, size=SIZE)
RECALL = {  # of noise, the hardest
    "flat": 1.0,
    "hnsw": 0.99,
    "ivf-half": 0.75,
    "ivf-byte": 0.75,
    "ivf-product": 0.4,
    "milvus": 1.0,  # as Milvus Lite
}


@pytest.fixture(params=RECALL)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def index(name: str, request: pytest.FixtureRequest) -> Index:
    known = request.getfixturevalue("milvus") if name == "milvus" else name
    store = Store.create(IN_MEMORY, "A test", NETWORK, SIZE)
    index = engine_for(known, store, FREE_ACCESS).make(ROWS, COUNT)
    index.add(NUMBERS[:1500], ROWS[:1500])
    index.add(NUMBERS[1500:], ROWS[1500:])
    return index


def nearest(queries: NDArray[np.float32], k: int, among: NDArray[np.int64]) -> NDArray[np.int64]:
    """By sorting: the numbers of the k nearest of the rows whose numbers are `among`."""
    places = (among - 7) // 3
    return among[np.argsort(-(queries @ ROWS[places].T), axis=1, kind="stable")[:, :k]]


def recall(found: NDArray[np.int64], expected: NDArray[np.int64]) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found, expected, strict=True)]))


def test_the_nearest_are_found_best_first(name: str, index: Index) -> None:
    similarities, rows = index.search(QUERIES, 10)
    assert len(index) == COUNT
    assert recall(rows, nearest(QUERIES, 10, NUMBERS)) >= RECALL[name]
    assert (np.diff(similarities, axis=1) <= 1e-6).all()
    if name != "ivf-product":  # whose similarities are those of its codes
        own = np.einsum("qd,qkd->qk", QUERIES, ROWS[(rows - 7) // 3])
        np.testing.assert_allclose(similarities, own, atol=0.02)


@pytest.mark.parametrize("count", [3, 40, 900])
def test_a_full_k_of_the_chosen_rows_is_found(name: str, index: Index, count: int) -> None:
    among = np.sort(np.random.default_rng(count).permutation(NUMBERS)[:count])
    similarities, rows = index.search(QUERIES, 20, among)
    there = min(20, count)
    assert np.isin(rows[:, :there], among).all()
    assert all(len(set(each[:there])) == there for each in rows.tolist())
    assert (rows[:, there:] == NOTHING).all() and (similarities[:, there:] == -1).all()
    assert recall(rows[:, :there], nearest(QUERIES, 20, among)) >= RECALL[name]


def test_what_was_removed_is_never_found(name: str, index: Index) -> None:
    gone = nearest(QUERIES, 5, NUMBERS).reshape(-1)
    index.remove(np.append(gone, 999_999))  # the last was never there
    kept = np.setdiff1d(NUMBERS, gone)
    assert len(index) == len(kept)
    _, rows = index.search(QUERIES, 10)
    assert not np.isin(rows, gone).any()
    assert recall(rows, nearest(QUERIES, 10, kept)) >= RECALL[name]
    _, among = index.search(QUERIES, 10, np.unique(np.append(gone, kept[:30])))
    assert not np.isin(among, gone).any() and (among != NOTHING).all()


@pytest.mark.parametrize("name", ENGINES, indirect=True)
def test_what_was_saved_is_loaded(name: str, index: Index, tmp_path: Path) -> None:
    index.save(tmp_path / "index")
    loaded = ENGINES[name].load(tmp_path / "index")
    assert len(loaded) == COUNT
    np.testing.assert_array_equal(loaded.search(QUERIES, 10)[1], index.search(QUERIES, 10)[1])
    loaded.add(np.array([5]), QUERIES[:1])
    assert loaded.search(QUERIES[:1], 1)[1].tolist() == [[5]]
    (tmp_path / "index").write_bytes(b"no index")
    with pytest.raises(GalleryError, match="damaged"):
        ENGINES[name].load(tmp_path / "index")


@settings(deadline=None)
@given(count=st.integers(0, 60), k=st.integers(1, 60), seed=st.integers(0, 999), data=st.data())
def test_the_flat_index_is_exact(count: int, k: int, seed: int, data: st.DataObject) -> None:
    rows, query = unit_rows(count, seed), unit_rows(1, seed + 1)
    chosen = sorted(data.draw(st.sets(st.integers(0, max(0, count - 1))))) if count else []
    index = FlatIndex(8)
    index.add(np.arange(count, dtype=np.int64), rows)
    for among in (None, np.array(chosen, dtype=np.int64)):
        candidates = np.arange(count) if among is None else among
        expected = candidates[np.argsort(-(rows[candidates] @ query[0]), kind="stable")][:k]
        similarities, found = index.search(query, k, among)
        assert found[0, : len(expected)].tolist() == expected.tolist()
        assert (found[0, len(expected) :] == NOTHING).all()
        np.testing.assert_allclose(similarities[0, : len(expected)], rows[expected] @ query[0], atol=1e-5)


def test_a_graph_is_worn_when_a_fifth_was_removed() -> None:
    index = ENGINES["hnsw"].make(ROWS, COUNT)
    index.add(NUMBERS, ROWS)
    index.remove(NUMBERS[: COUNT // 5])
    assert not index.worn
    index.remove(NUMBERS[: COUNT // 5 + 1])
    assert index.worn


def test_cells_are_not_learned_from_a_handful() -> None:
    with pytest.raises(GalleryError, match="learns from at least 256 embeddings, and there are 10"):
        ENGINES["ivf-byte"].make(ROWS[:10], 10)


def test_the_engine_is_chosen_by_size_and_memory() -> None:
    assert choose(SMALL, 128, 1000).engine == "flat"
    assert choose(10**6, 128, 1000).engine == "hnsw"  # 784 MB
    assert choose(10**6, 128, 500).engine == "ivf-half"  # 272 MB
    assert choose(10**6, 128, 200).engine == "ivf-byte"  # 144 MB
    assert choose(10**6, 128, 100).engine == "ivf-product"  # 48 MB
    assert choose(10, 128, 1000, asked_for="hnsw").engine == "hnsw"
    assert choose(10**6, 128, 1000).why == "1,000,000 embeddings take 784 MB of the 1,000 MB allowed"
    with pytest.raises(GalleryError, match=r"do not fit into 10 MB\. Allow more with SEMBLANCE_INDEX_MEGABYTES"):
        choose(10**6, 128, 10)
    with pytest.raises(GalleryError, match=r"no engine «fast»\. Choose auto, flat, hnsw"):
        choose(10, 128, 1000, asked_for="fast")
