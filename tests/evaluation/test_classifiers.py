"""Classifiers on frozen embeddings: fitted on train, chosen on validation, measured on test."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from sklearn.neighbors import KNeighborsClassifier

from siamese.errors import MeasurementError
from siamese.evaluation.classifiers import CLASSIFIERS, Classifier, measure_classifier, measure_classifiers
from siamese.evaluation.labelled import Labelled


def made(seed, size=150, spread=0.45):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, size)
    vectors = np.eye(3, 8)[labels] + spread * random.normal(size=(size, 8))
    return Labelled((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels)


TRAIN, VALIDATION, TEST = made(0), made(1), made(2)


@pytest.fixture(scope="module")
def measured():
    return {each.name: each for each in measure_classifiers(TRAIN, VALIDATION, TEST)}


def test_every_classifier_reads_what_lies_apart_and_says_so_in_json(measured):
    assert list(measured) == list(CLASSIFIERS)
    for each in measured.values():
        assert 0.75 < each.accuracy < 1
        assert each.accuracy_interval[0] < each.accuracy < each.accuracy_interval[1]
        assert json.loads(json.dumps(each.to_dict()))["accuracy"] == each.accuracy


def test_figures_are_scikit_learns_of_the_setting_chosen(measured):
    found = measured["softmax regression"]
    model = LogisticRegression(max_iter=2000, **found.setting).fit(TRAIN.rows, TRAIN.labels)
    answers = model.predict(TEST.rows)
    assert found.accuracy == accuracy_score(TEST.labels, answers)
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(TEST.labels, answers))
    assert found.macro_f1 == pytest.approx(f1_score(TEST.labels, answers, average="macro"))


def test_the_setting_is_validations_best_and_the_first_of_equals(measured):
    reached = {
        k: KNeighborsClassifier(k).fit(TRAIN.rows, TRAIN.labels).score(VALIDATION.rows, VALIDATION.labels)
        for k in CLASSIFIERS["K nearest neighbours"].grid["n_neighbors"]
    }
    found = measured["K nearest neighbours"]
    assert found.setting == {"n_neighbors": max(reached, key=reached.get)}
    assert found.validation_accuracy == max(reached.values())


def test_other_test_labels_choose_no_other_setting():
    shuffled = Labelled(TEST.rows, np.random.default_rng(0).permutation(TEST.labels))
    one, other = (measure_classifiers(TRAIN, VALIDATION, test, ["RBF SVM"])[0] for test in (TEST, shuffled))
    assert (one.setting, one.validation_accuracy) == (other.setting, other.validation_accuracy)
    assert one.accuracy > other.accuracy


def test_a_limit_is_how_many_are_fitted_on():
    found = measure_classifier("few", Classifier(KNeighborsClassifier(1), limit=40), TRAIN, VALIDATION, TEST)
    few = TRAIN.drawn(40)
    expected = KNeighborsClassifier(1).fit(few.rows, few.labels).score(TEST.rows, TEST.labels)
    assert (found.examples, found.accuracy, found.setting) == (40, expected, {})


@pytest.mark.parametrize(
    ("train", "names", "sentence"),
    [
        (TRAIN, ["oracle"], "There is no classifier «oracle». Choose: K nearest neighbours"),
        (made(0, 30), CLASSIFIERS, "30 examples are too few"),
        (Labelled(TRAIN.rows, np.zeros(150, dtype=np.int64)), ["linear SVM"], "share one label"),
        (Labelled(np.eye(150, 9), TRAIN.labels), CLASSIFIERS, r"validation embeddings must be an array \(n, 9\)"),
    ],
)
def test_what_cannot_be_fitted_is_refused(train, names, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        measure_classifiers(train, VALIDATION, TEST, names)
