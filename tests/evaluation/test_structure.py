"""How the space is laid out, against scikit-learn, listed pairs and laws."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, pair_confusion_matrix

from siamese.errors import MeasurementError
from siamese.evaluation.structure import cluster_f1, cluster_table, normalised_mutual_information, similarity_spread
from siamese.metric.structure import effective_rank


@st.composite
def labels_and_clusters(draw):
    size = draw(st.integers(2, 40))
    groups = st.lists(st.integers(0, 4), min_size=size, max_size=size)
    return np.array(draw(groups)), np.array(draw(groups))


@pytest.fixture(scope="module")
def labelled():
    random = np.random.default_rng(0)
    labels = random.choice(4, size=120, p=[0.5, 0.3, 0.15, 0.05])
    vectors = random.normal(size=(4, 16))[labels] + random.normal(size=(120, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


@given(labels_and_clusters())
def test_mutual_information_is_scikit_learns(drawn):
    labels, clusters = drawn
    expected = normalized_mutual_info_score(labels, clusters)
    assert normalised_mutual_information(contingency_matrix(labels, clusters)) == pytest.approx(expected, abs=1e-9)


@given(labels_and_clusters())
def test_cluster_f1_is_that_of_scikit_learns_pairs(drawn):
    labels, clusters = drawn
    (_, false), (missed, true) = pair_confusion_matrix(labels, clusters)
    expected = 2 * true / (2 * true + false + missed) if true + false + missed else 1
    assert cluster_f1(contingency_matrix(labels, clusters)) == pytest.approx(expected)


@given(labels_and_clusters(), st.permutations(range(5)))
def test_what_clusters_are_called_changes_nothing(drawn, names):
    labels, clusters = drawn
    table, renamed = (contingency_matrix(labels, each) for each in (clusters, np.array(names)[clusters]))
    for figure in (cluster_f1, normalised_mutual_information):
        assert figure(table) == pytest.approx(figure(renamed))


@given(labels_and_clusters())
def test_perfect_clusters_are_perfect(drawn):
    labels, _ = drawn
    table = contingency_matrix(labels, labels)
    assert (cluster_f1(table), normalised_mutual_information(table)) == pytest.approx((1, 1))


def test_many_tables_are_measured_in_one_call():
    tables = np.random.default_rng(0).integers(0, 9, size=(6, 3, 4))
    for figure in (cluster_f1, normalised_mutual_information):
        np.testing.assert_allclose(figure(tables), [figure(each) for each in tables])


def test_k_means_finds_labels_that_lie_apart_and_none_in_noise():
    labels = np.repeat([2, 0, 1], 5)
    table = cluster_table(np.eye(3)[labels], labels)
    assert (np.sort(table, axis=1) == [0, 0, 5]).all()
    random = np.random.default_rng(0)
    noise, any_labels = random.normal(size=(500, 8)), random.integers(0, 3, size=500)
    assert normalised_mutual_information(cluster_table(noise, any_labels)) < 0.03
    np.testing.assert_array_equal(cluster_table(noise, any_labels), cluster_table(noise, any_labels))


def test_similarities_have_the_means_and_deviations_of_listed_pairs(labelled):
    embeddings, labels = labelled
    listed = {True: [], False: []}
    for one, other in combinations(range(len(labels)), 2):
        listed[bool(labels[one] == labels[other])].append(float(embeddings[one] @ embeddings[other]))
    spread = similarity_spread(embeddings, labels)
    assert (spread.intra, spread.inter) == pytest.approx((np.mean(listed[True]), np.mean(listed[False])), abs=1e-6)
    deviations = (np.std(listed[True]), np.std(listed[False]))
    assert (spread.intra_deviation, spread.inter_deviation) == pytest.approx(deviations, abs=1e-6)
    assert spread.margin == spread.intra - spread.inter


def test_who_is_counted_twice_makes_pairs_twice_with_others_but_none_with_themself(labelled):
    embeddings, labels = labelled
    times = np.random.default_rng(0).integers(0, 4, len(labels))
    rows = np.repeat(np.arange(len(labels)), times)
    listed = {True: [], False: []}
    for one, other in combinations(rows, 2):
        if one != other:
            listed[bool(labels[one] == labels[other])].append(float(embeddings[one] @ embeddings[other]))
    spread = similarity_spread(embeddings, labels, times)
    assert (spread.intra, spread.inter) == pytest.approx((np.mean(listed[True]), np.mean(listed[False])), abs=1e-6)
    deviations = (np.std(listed[True]), np.std(listed[False]))
    assert (spread.intra_deviation, spread.inter_deviation) == pytest.approx(deviations, abs=1e-6)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_similarities_need_both_kinds_of_pairs(labels):
    with pytest.raises(MeasurementError, match="Pairs of the same and of different labels are needed"):
        similarity_spread(np.eye(3), np.array(labels))


@given(st.integers(1, 8), st.integers(1, 5))
def test_as_many_directions_as_are_filled_evenly_are_the_effective_rank(directions, times):
    assert effective_rank(np.tile(np.eye(8)[:directions], (times, 1))) == pytest.approx(directions)


@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 100))
def test_the_effective_rank_lies_between_one_and_the_rank(count, size, seed):
    embeddings = np.random.default_rng(seed).normal(size=(count, size))
    assert 1 - 1e-9 <= effective_rank(embeddings) <= min(count, size) + 1e-9


@pytest.mark.parametrize(
    ("embeddings", "labels", "sentence"),
    [
        (np.eye(1), [0], "One embedding alone"),
        (np.eye(3), [0, 1], "Expected 3 whole-number labels"),
        (np.eye(3)[0], [0, 1, 2], "must be an array"),
        (np.full((2, 2), np.inf), [0, 1], "not finite"),
    ],
)
def test_what_cannot_be_clustered_is_refused(embeddings, labels, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        cluster_table(embeddings, np.array(labels))
