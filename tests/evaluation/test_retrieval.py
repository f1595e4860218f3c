"""Nearest neighbours and how often they share the label, against scikit-learn, a loop and cases made by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from siamese.errors import MeasurementError
from siamese.evaluation import retrieval
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.retrieval import nearest, nearest_examples, retrieve, some_of_each, vote


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def made(seed, size, classes=4):
    random = np.random.default_rng(seed)
    labels = random.choice(classes, size=size)
    centres = np.random.default_rng(99).normal(size=(classes, 8))
    return Labelled(unit(centres[labels] + 1.5 * random.normal(size=(size, 8))), labels)


QUERIES, GALLERY = made(0, 90), made(1, 150)

sets = st.builds(made, seed=st.integers(0, 1000), size=st.integers(3, 50))


@pytest.mark.parametrize("block", [7, 256])
def test_the_nearest_are_scikit_learns_in_the_same_order(block, monkeypatch):
    monkeypatch.setattr(retrieval, "_BLOCK", block)
    search = NearestNeighbors(n_neighbors=10, metric="cosine").fit(GALLERY.rows)
    distances, rows = search.kneighbors(QUERIES.rows)
    found = nearest(QUERIES.rows, GALLERY.rows, 10)
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.similarities, 1 - distances, atol=1e-5)


def test_within_a_set_nothing_is_its_own_neighbour():
    found = nearest(QUERIES.rows, QUERIES.rows, 89, own=np.arange(90))
    for row, others in enumerate(found.rows):
        assert sorted(others) == [other for other in range(90) if other != row]


def test_of_equally_similar_rows_the_first_comes_first():
    copies = np.tile(unit(np.random.default_rng(0).normal(size=(1, 128))), (40, 1))
    np.testing.assert_array_equal(nearest(copies[:3], copies, 5).rows, [[0, 1, 2, 3, 4]] * 3)
    within = nearest(copies, copies, 5, own=np.arange(40)).rows
    np.testing.assert_array_equal(within[[0, 2, 9]], [[1, 2, 3, 4, 5], [0, 1, 3, 4, 5], [0, 1, 2, 3, 4]])


def test_recall_and_precision_agree_with_a_loop():
    expected = {k: [] for k in (1, 2, 4)}
    for row in range(len(QUERIES)):
        others = [other for other in range(len(QUERIES)) if other != row]
        others.sort(key=lambda other: -float(QUERIES.rows[row] @ QUERIES.rows[other]))
        for k, same in expected.items():
            same.append([QUERIES.labels[other] == QUERIES.labels[row] for other in others[:k]])
    found = retrieve(QUERIES, ks=(1, 2, 4))
    assert found.recall == pytest.approx({k: np.mean([any(each) for each in same]) for k, same in expected.items()})
    assert found.precision == pytest.approx({k: np.mean(same) for k, same in expected.items()})


def test_accuracy_from_a_gallery_is_that_of_scikit_learns_nearest_neighbour():
    classifier = KNeighborsClassifier(1).fit(GALLERY.rows, GALLERY.labels)
    assert retrieve(QUERIES, GALLERY).accuracy[1] == classifier.score(QUERIES.rows, QUERIES.labels)


@given(sets)
def test_recall_grows_with_k(labelled):
    shares = list(retrieve(labelled).recall.values())
    assert shares == sorted(shares)


@given(sets)
def test_of_one_neighbour_all_say_the_same_and_of_two_the_nearer_decides(labelled):
    found = retrieve(labelled)
    assert found.recall[1] == found.precision[1] == found.accuracy[1] == found.accuracy[2]


@given(sets)
def test_more_neighbours_than_there_are_are_all_others(labelled):
    others = len(labelled) - 1
    assert retrieve(labelled, ks=(100,)).precision[100] == retrieve(labelled, ks=(others,)).precision[others]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_a_vote_goes_to_a_label_with_most_votes_and_of_these_to_the_more_similar(labels):
    similarities = np.random.default_rng(len(labels)).uniform(-1, 1, len(labels))
    (winner,) = vote(np.array([labels]), similarities[None])
    counts = Counter(labels)
    leading = [label for label, count in counts.items() if count == max(counts.values())]
    assert winner == max(leading, key=lambda label: similarities[np.array(labels) == label].sum())


def test_examples_are_looked_for_among_the_others_or_in_a_gallery():
    rows = some_of_each(QUERIES.labels, count=2)
    within, outside = nearest_examples(QUERIES.rows, rows), nearest_examples(QUERIES.rows, rows, GALLERY.rows)
    assert within.rows.shape == outside.rows.shape == (8, 5)
    everything = QUERIES.rows[rows] @ QUERIES.rows.T
    np.testing.assert_array_equal(within.rows, np.argsort(-everything, axis=1)[:, 1:6])
    np.testing.assert_array_equal(outside.rows, nearest(QUERIES.rows, GALLERY.rows, 5).rows[rows])


def test_some_of_each_label_are_as_many_as_asked_for_or_all():
    labels = np.array([2, 0, 0, 0, 2, 1])
    rows = some_of_each(labels, count=2)
    assert labels[rows].tolist() == [0, 0, 1, 2, 2]
    assert len(set(rows)) == 5
    np.testing.assert_array_equal(rows, some_of_each(labels, count=2))


@pytest.mark.parametrize(
    ("embeddings", "sentence"),
    [
        (np.eye(1), "One embedding alone"),
        (np.zeros(3), "must be an array"),
        (np.full((2, 2), np.nan), "not finite"),
    ],
)
def test_what_has_no_neighbours_is_refused(embeddings, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        retrieve(Labelled(embeddings, np.zeros(len(embeddings), dtype=np.int64)))


def test_a_gallery_of_other_embeddings_is_refused():
    with pytest.raises(MeasurementError, match=r"gallery's embeddings must be an array \(n, 8\)"):
        retrieve(QUERIES, Labelled(np.eye(3), np.arange(3)))
