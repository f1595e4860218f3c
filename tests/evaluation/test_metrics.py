"""Recognition's figures, each against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    precision_recall_fscore_support,
    recall_score,
)

from siamese.errors import MeasurementError
from siamese.evaluation import metrics

CLASSES = 4


@st.composite
def labels_and_predictions(draw):
    size = draw(st.integers(1, 60))
    classes = st.lists(st.integers(0, CLASSES - 1), min_size=size, max_size=size)
    return np.array(draw(classes)), np.array(draw(classes))


@given(labels_and_predictions())
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_figures_of_the_confusion_agree_with_scikit_learn(drawn):
    labels, predictions = drawn
    confusion = metrics.confusion(labels, predictions, CLASSES)
    present = np.unique(labels)
    recalls = recall_score(labels, predictions, labels=present, average=None)
    assert metrics.accuracy(confusion) == pytest.approx(accuracy_score(labels, predictions))
    assert metrics.balanced_accuracy(confusion) == pytest.approx(balanced_accuracy_score(labels, predictions))
    for figure, average in ((metrics.macro_f1, "macro"), (metrics.weighted_f1, "weighted")):
        f1 = f1_score(labels, predictions, labels=present, average=average, zero_division=0)
        assert figure(confusion) == pytest.approx(f1)
    np.testing.assert_allclose(metrics.recalls(confusion)[present], recalls)


@given(labels_and_predictions())
def test_each_class_has_scikit_learns_precision_recall_and_f1(drawn):
    labels, predictions = drawn
    confusion = metrics.confusion(labels, predictions, CLASSES)
    present = np.unique(labels)
    expected = precision_recall_fscore_support(labels, predictions, labels=present, zero_division=0)
    for figure, values in zip((metrics.precisions, metrics.recalls, metrics.f1_scores), expected[:3], strict=True):
        np.testing.assert_allclose(figure(confusion)[present], values)


@given(labels_and_predictions())
def test_a_class_without_examples_has_neither_recall_nor_f1(drawn):
    labels, predictions = drawn
    absent = np.setdiff1d(np.arange(CLASSES), labels)
    confusion = metrics.confusion(labels, predictions, CLASSES)
    assert np.isnan(metrics.recalls(confusion)[absent]).all()
    assert np.isnan(metrics.f1_scores(confusion)[absent]).all()


def test_many_confusions_are_measured_in_one_call():
    confusions = np.random.default_rng(0).integers(1, 9, size=(5, 3, 3))
    for figure in (
        metrics.accuracy,
        metrics.balanced_accuracy,
        metrics.macro_f1,
        metrics.weighted_f1,
        metrics.recalls,
        metrics.precisions,
        metrics.f1_scores,
    ):
        np.testing.assert_allclose(figure(confusions), [figure(each) for each in confusions])


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
