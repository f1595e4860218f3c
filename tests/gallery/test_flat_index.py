"""The exact index, against sorting all similarities with numpy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese.gallery.flat_index import FlatIndex
from tests.gallery.made_up import unit_rows

COUNTS = st.integers(1, 60)


@settings(deadline=None)
@given(count=COUNTS, k=COUNTS, seed=st.integers(0, 999))
def test_finds_what_sorting_all_similarities_finds(count: int, k: int, seed: int) -> None:
    rows, query = unit_rows(count, seed), unit_rows(1, seed + 1)[0]
    index = FlatIndex(8)
    index.add(rows)
    similarities, found = index.search(query, k)
    assert found.tolist() == np.argsort(-(rows @ query), kind="stable")[:k].tolist()
    np.testing.assert_allclose(similarities, np.sort(rows @ query)[::-1][:k], atol=1e-5)


@settings(deadline=None)
@given(count=COUNTS, k=COUNTS, seed=st.integers(0, 999), data=st.data())
def test_looks_at_the_chosen_rows_alone_and_finds_k_of_them(count: int, k: int, seed: int, data: st.DataObject) -> None:
    among = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1)))), dtype=np.int64)
    rows, query = unit_rows(count, seed), unit_rows(1, seed + 1)[0]
    index = FlatIndex(8)
    index.add(rows)
    _, found = index.search(query, k, among)
    expected = among[np.argsort(-(rows[among] @ query), kind="stable")][:k]
    assert found.tolist() == expected.tolist()


def test_rows_are_numbered_in_the_order_of_adding() -> None:
    index = FlatIndex(8)
    first, second = unit_rows(3, 0), unit_rows(2, 1)
    index.add(first)
    index.add(second)
    assert len(index) == 5
    assert index.search(second[1], 1)[1].tolist() == [4]


def test_an_empty_index_finds_nothing() -> None:
    similarities, rows = FlatIndex(8).search(unit_rows(1, 0)[0], 5)
    assert len(similarities) == len(rows) == 0
