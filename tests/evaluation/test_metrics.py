"""The field's figures, each against scikit-learn, a loop or a closed form."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, recall_score
from sklearn.neighbors import KNeighborsClassifier

from siamese.errors import MeasurementError
from siamese.evaluation import metrics

CLASSES = 4


@st.composite
def labels_and_predictions(draw):
    size = draw(st.integers(1, 60))
    classes = st.lists(st.integers(0, CLASSES - 1), min_size=size, max_size=size)
    return np.array(draw(classes)), np.array(draw(classes))


@pytest.fixture(scope="module")
def labelled():
    random = np.random.default_rng(0)
    labels = random.choice(CLASSES, size=200, p=[0.5, 0.3, 0.15, 0.05])
    vectors = random.normal(size=(CLASSES, 16))[labels] + random.normal(size=(200, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


@given(labels_and_predictions())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_figures_of_the_confusion_agree_with_scikit_learn(drawn):
    labels, predictions = drawn
    confusion = metrics.confusion(labels, predictions, CLASSES)
    present = np.unique(labels)
    recalls = recall_score(labels, predictions, labels=present, average=None)
    f1 = f1_score(labels, predictions, labels=present, average="macro", zero_division=0)
    assert metrics.accuracy(confusion) == pytest.approx(accuracy_score(labels, predictions))
    assert metrics.balanced_accuracy(confusion) == pytest.approx(balanced_accuracy_score(labels, predictions))
    assert metrics.macro_f1(confusion) == pytest.approx(f1)
    np.testing.assert_allclose(metrics.recalls(confusion)[present], recalls)


@given(labels_and_predictions())
def test_a_class_without_examples_has_no_recall(drawn):
    labels, predictions = drawn
    absent = np.setdiff1d(np.arange(CLASSES), labels)
    assert np.isnan(metrics.recalls(metrics.confusion(labels, predictions, CLASSES))[absent]).all()


def test_many_confusions_are_measured_in_one_call():
    confusions = np.random.default_rng(0).integers(1, 9, size=(5, 3, 3))
    for figure in (metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1, metrics.recalls):
        np.testing.assert_allclose(figure(confusions), [figure(each) for each in confusions])


def test_the_interval_is_the_binomials_for_accuracy():
    """Of 400 examples 300 are right: ± 1.96 standard errors of √(0.75 · 0.25 / 400)."""
    low, high = metrics.bootstrap_interval(np.array([[200, 50], [50, 100]]), metrics.accuracy, resamples=20_000)
    assert (low, high) == pytest.approx((0.75 - 1.96 * 0.02165, 0.75 + 1.96 * 0.02165), abs=0.004)


@pytest.mark.parametrize("figure", [metrics.accuracy, metrics.balanced_accuracy])
def test_the_interval_agrees_with_drawing_the_examples_themselves(figure):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [300, 80, 20])
    predictions = np.where(random.uniform(size=400) < 0.7, labels, random.integers(0, 3, size=400))
    rows = random.integers(0, 400, size=(1000, 400))
    drawn = [figure(metrics.confusion(labels[row], predictions[row], 3)) for row in rows]
    expected = np.quantile(drawn, [0.025, 0.975])
    found = metrics.bootstrap_interval(metrics.confusion(labels, predictions, 3), figure)
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert found == metrics.bootstrap_interval(metrics.confusion(labels, predictions, 3), figure)


def test_recall_at_1_is_scikit_learns_nearest_neighbour_with_one_left_out(labelled, monkeypatch):
    embeddings, labels = labelled
    hits = 0
    for row in range(len(labels)):
        others = np.arange(len(labels)) != row
        neighbour = KNeighborsClassifier(1).fit(embeddings[others], labels[others])
        hits += neighbour.predict(embeddings[row : row + 1])[0] == labels[row]
    assert metrics.recall_at_1(embeddings, labels) == hits / len(labels)
    monkeypatch.setattr(metrics, "_BLOCK", 7)
    assert metrics.recall_at_1(embeddings, labels) == hits / len(labels)


def test_an_example_is_not_its_own_neighbour():
    assert metrics.recall_at_1(np.eye(3, dtype=np.float32), np.array([0, 1, 2])) == 0


def test_clusters_that_are_the_labels_have_all_their_information():
    labels = np.repeat([2, 0, 1], 5)
    assert metrics.normalised_mutual_information(np.eye(3)[labels], labels) == pytest.approx(1)


def test_noise_shares_next_to_no_information_with_labels():
    random = np.random.default_rng(0)
    embeddings, labels = random.normal(size=(500, 8)), random.integers(0, 3, size=500)
    found = metrics.normalised_mutual_information(embeddings, labels)
    assert found < 0.03
    assert found == metrics.normalised_mutual_information(embeddings, labels)


def test_mean_similarities_are_the_means_over_listed_pairs(labelled):
    embeddings, labels = labelled
    listed = {True: [], False: []}
    for one, other in combinations(range(len(labels)), 2):
        listed[bool(labels[one] == labels[other])].append(float(embeddings[one] @ embeddings[other]))
    expected = (np.mean(listed[True]), np.mean(listed[False]))
    assert metrics.mean_similarities(embeddings, labels) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_mean_similarities_need_both_kinds_of_pairs(labels):
    with pytest.raises(MeasurementError, match="Pairs of the same and of different labels are needed"):
        metrics.mean_similarities(np.eye(3), np.array(labels))


@pytest.mark.parametrize(
    ("embeddings", "labels", "sentence"),
    [
        (np.eye(1), [0], "One embedding alone"),
        (np.eye(3), [0, 1], "Expected 3 whole-number labels"),
        (np.eye(3)[0], [0, 1, 2], "must be an array"),
        (np.full((2, 2), np.inf), [0, 1], "not finite"),
    ],
)
@pytest.mark.parametrize(
    "figure", [metrics.recall_at_1, metrics.normalised_mutual_information, metrics.mean_similarities]
)
def test_what_cannot_be_compared_is_refused(figure, embeddings, labels, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        figure(embeddings, np.array(labels))


@pytest.mark.parametrize(
    ("labels", "predictions", "sentence"),
    [
        ([], [], "no examples to measure"),
        ([0, 1], [0], "Expected 2 whole-number labels"),
        ([0, 4], [0, 1], "Label 4 is not among 0 to 3"),
        ([0.5, 1.0], [0, 1], "whole-number labels"),
    ],
)
def test_labels_without_a_confusion_are_refused(labels, predictions, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        metrics.confusion(np.array(labels), np.array(predictions), CLASSES)
