"""Prototypes: normalised class means, and recognition by the nearest one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances_argmin

from siamese.errors import MeasurementError, ReferenceSetError
from siamese.metric.prototypes import Prototypes, fit_prototypes

NAMES = ("calm", "glad", "cross")


def on_the_sphere(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def labelled():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [50, 20, 5])
    return on_the_sphere(3 * np.eye(3, 6)[labels] + random.normal(size=(75, 6))), labels


@pytest.fixture
def prototypes(labelled):
    return fit_prototypes(*labelled, NAMES)


def test_a_prototype_is_the_normalised_mean_of_its_class(labelled, prototypes):
    embeddings, labels = labelled
    for index, vector in enumerate(prototypes.vectors):
        mean = sum(embeddings[labels == index]) / (labels == index).sum()
        np.testing.assert_allclose(vector, mean / np.sqrt((mean**2).sum()), atol=1e-6)


def test_similarity_is_the_cosine(labelled, prototypes):
    embeddings, _ = labelled
    for row, embedding in zip(prototypes.similarities(embeddings), embeddings, strict=True):
        assert row == pytest.approx([float(np.dot(embedding, vector)) for vector in prototypes.vectors], abs=1e-6)


def test_the_most_similar_prototype_is_the_one_at_the_least_distance(labelled, prototypes):
    embeddings, _ = labelled
    closest = pairwise_distances_argmin(embeddings, prototypes.vectors)
    np.testing.assert_array_equal(prototypes.nearest(embeddings), closest)


def test_the_order_of_the_examples_does_not_matter(labelled, prototypes):
    embeddings, labels = labelled
    shuffled = np.random.default_rng(1).permutation(len(labels))
    again = fit_prototypes(embeddings[shuffled], labels[shuffled], NAMES)
    np.testing.assert_allclose(again.vectors, prototypes.vectors, atol=1e-6)


@given(st.floats(0.01, 100))
def test_a_taught_class_is_last_and_of_unit_length_however_long_its_vector(length):
    taught = Prototypes(NAMES, np.eye(3, dtype=np.float32)).with_class("smirk", length * np.array([0, 3, 4]))
    assert taught.names == (*NAMES, "smirk")
    np.testing.assert_allclose(taught.vectors[3], [0, 0.6, 0.8], atol=1e-6)


def test_teaching_a_known_name_replaces_it_where_it_stands(prototypes):
    taught = prototypes.with_class("glad", np.eye(6)[5])
    assert taught.names == NAMES
    np.testing.assert_array_equal(taught.vectors[1], np.eye(6)[5])
    np.testing.assert_array_equal(taught.vectors[[0, 2]], prototypes.vectors[[0, 2]])


def test_a_class_can_be_forgotten_again(prototypes):
    again = prototypes.with_class("smirk", np.eye(6)[5]).without_class("smirk")
    assert again.names == NAMES
    np.testing.assert_array_equal(again.vectors, prototypes.vectors)
    with pytest.raises(MeasurementError, match=r"no class «smirk»\. The classes are: calm, glad, cross"):
        again.without_class("smirk")


def test_what_is_saved_is_what_is_loaded(prototypes, tmp_path):
    prototypes.save(tmp_path / "prototypes.npz")
    again = Prototypes.load(tmp_path / "prototypes.npz")
    assert again.names == prototypes.names
    np.testing.assert_array_equal(again.vectors, prototypes.vectors)


def write_nothing(path):
    pass


def write_text(path):
    path.write_text("not an archive")


def write_other_arrays(path):
    with path.open("wb") as file:
        np.savez(file, weights=np.eye(3))


def write_one_array(path):
    with path.open("wb") as file:
        np.save(file, np.eye(3))


def write_pickle(path):
    with path.open("wb") as file:
        np.savez(file, names=np.array([{"code": "run"}], dtype=object), vectors=np.eye(1))


def write_long_vectors(path):
    with path.open("wb") as file:
        np.savez(file, names=np.array(NAMES), vectors=2 * np.eye(3))


@pytest.mark.parametrize(
    "write", [write_nothing, write_text, write_other_arrays, write_one_array, write_pickle, write_long_vectors]
)
def test_a_file_that_holds_no_prototypes_is_refused(write, tmp_path):
    write(tmp_path / "prototypes.npz")
    with pytest.raises(ReferenceSetError, match=r"prototypes\.npz does not hold prototypes"):
        Prototypes.load(tmp_path / "prototypes.npz")


@pytest.mark.parametrize(
    ("embeddings", "labels", "sentence"),
    [
        (np.eye(3), [0, 1, 1], "No example of «cross»"),
        (np.array([[1, 0], [0, 1], [1, 0], [-1, 0]]), [0, 1, 2, 2], "«cross» have no common direction"),
        (np.eye(3), [0, 1], "Expected 3 whole-number labels"),
        (np.eye(3), [0, 1, 3], "Label 3 is not among 0 to 2"),
        (np.eye(3), [0, 1, -1], "Label -1 is not among 0 to 2. Leave rows without a label out"),
        (np.full((3, 3), np.nan), [0, 1, 2], "not finite"),
        (np.empty((0, 3)), [], "must be an array"),
    ],
)
def test_examples_that_make_no_prototypes_are_refused(embeddings, labels, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        fit_prototypes(embeddings, np.array(labels, dtype=np.int64), NAMES)


@pytest.mark.parametrize(
    ("names", "vectors", "sentence"),
    [
        (("calm", "calm"), np.eye(2), "as many different names"),
        (("calm",), np.eye(2), "as many different names"),
        (("calm", "glad"), 2 * np.eye(2), "unit length"),
    ],
)
def test_names_and_vectors_must_fit(names, vectors, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        Prototypes(names, vectors.astype(np.float32))


def test_weights_say_how_much_each_example_counts() -> None:
    """A weight of two is the same as being there twice."""
    embeddings = on_the_sphere(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
    labels = np.array([0, 0, 0, 1, 1, 1])
    weighted = fit_prototypes(embeddings, labels, ("a", "b"), np.array([2, 1, 1, 1, 1, 2]))
    repeated = fit_prototypes(embeddings[[0, 0, 1, 2, 3, 4, 5, 5]], np.repeat([0, 1], 4), ("a", "b"))
    np.testing.assert_allclose(weighted.vectors, repeated.vectors, atol=1e-6)
