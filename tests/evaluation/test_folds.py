"""Cross-validation: by subject nobody is on both sides; at random figures come out higher, and are called leaky."""

import json
import re

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score
from sklearn.neighbors import NearestCentroid

from siamese.errors import MeasurementError
from siamese.evaluation.folds import cross_validate, cross_validate_leaky, cross_validate_training

NAMES = ("calm", "glad", "cross")


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def people():
    """Twenty people with six faces each, which show little of an expression beside much of the person."""
    random = np.random.default_rng(0)
    subjects = np.repeat(np.arange(20), 6)
    labels = np.tile([0, 0, 1, 1, 2, 2], 20)
    own = random.normal(size=(20, 3, 16))[subjects, labels]
    vectors = 1.2 * np.eye(3, 16)[labels] + 0.5 * own + 0.1 * random.normal(size=(120, 16))
    return unit(vectors), labels, subjects


def test_each_fold_is_read_by_the_means_of_the_others(people):
    """Each class's mean of unit vectors, itself brought to unit length: the nearest centroid by cosine."""
    embeddings, labels, subjects = people
    expected = []
    for subject in range(20):
        held_out = subjects == subject
        means = unit(NearestCentroid().fit(embeddings[~held_out], labels[~held_out]).centroids_)
        answers = (embeddings[held_out] @ means.T).argmax(axis=1)
        one, other = np.triu_indices(6, 1)
        same = labels[held_out][one] == labels[held_out][other]
        similarities = (embeddings[held_out] @ embeddings[held_out].T)[one, other]
        expected.append(
            (
                similarities[same].mean() - similarities[~same].mean(),
                accuracy_score(labels[held_out], answers),
                balanced_accuracy_score(labels[held_out], answers),
                roc_auc_score(same, similarities),
            )
        )
    folds = cross_validate(embeddings, labels, subjects, NAMES, folds=20).folds
    found = [(fold.margin, fold.accuracy, fold.balanced_accuracy, fold.roc_auc) for fold in folds]
    np.testing.assert_allclose(sorted(found), sorted(expected), atol=1e-5)
    assert {fold.images for fold in folds} == {6}


def test_over_all_folds_every_image_counts_once(people):
    found = cross_validate(*people, NAMES)
    assert sum(fold.images for fold in found.folds) == 120
    assert found.accuracy == pytest.approx(np.average([f.accuracy for f in found.folds], weights=[12] * 10))
    accuracies = [fold.accuracy for fold in found.folds]
    assert (found.mean["accuracy"], found.deviation["accuracy"]) == pytest.approx(
        (np.mean(accuracies), np.std(accuracies, ddof=1))
    )


def test_what_is_only_a_persons_own_helps_a_leaky_split_alone():
    """Thirty people, each with a direction of their own for every expression: nothing that others share."""
    random = np.random.default_rng(0)
    subjects, labels = np.repeat(np.arange(30), 12), np.tile(np.repeat([0, 1, 2], 4), 30)
    embeddings = unit(random.normal(size=(30, 3, 1024))[subjects, labels])
    by_subject = cross_validate(embeddings, labels, subjects, NAMES)
    leaky = cross_validate_leaky(embeddings, labels, NAMES)
    assert by_subject.accuracy < 0.5
    assert leaky.accuracy > 0.9
    assert (by_subject.split, leaky.split) == ("by subject", "leaky")


def test_a_leaky_split_is_the_same_each_time_and_ready_for_json(people):
    embeddings, labels, _ = people
    found = cross_validate_leaky(embeddings, labels, NAMES)
    assert found == cross_validate_leaky(embeddings, labels, NAMES)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["split"] == "leaky"


def test_an_expression_that_nobody_shows_is_left_out(people):
    embeddings, labels, subjects = people
    with_gap = cross_validate(embeddings, np.array([0, 2, 3])[labels], subjects, ("calm", "shy", "glad", "cross"))
    assert with_gap == cross_validate(embeddings, labels, subjects, NAMES)


@pytest.mark.parametrize(
    ("subjects", "folds", "sentence"),
    [
        (np.arange(120) % 3, 10, "3 subjects cannot be dealt to 10 folds. Ask for 2 to 3."),
        (np.arange(120), 1, "120 subjects cannot be dealt to 1 folds."),
        (np.arange(7), 2, "Expected 120 subjects, one a row, not (7,)."),
    ],
)
def test_people_who_cannot_be_dealt_are_refused(people, subjects, folds, sentence):
    embeddings, labels, _ = people
    with pytest.raises(MeasurementError, match=re.escape(sentence)):
        cross_validate(embeddings, labels, subjects, NAMES, folds)


def test_an_expression_shown_in_one_fold_alone_is_refused_by_name(people):
    embeddings, labels, subjects = people
    only_the_first = np.where(labels == 2, np.where(subjects == 0, 2, 0), labels)
    with pytest.raises(MeasurementError, match="No example of «cross»"):
        cross_validate(embeddings, only_the_first, subjects, NAMES)


def test_a_network_is_trained_anew_for_each_fold_without_the_people_it_is_measured_on(people):
    embeddings, labels, subjects = people
    seen = []

    def embed(rows):
        seen.append(set(subjects[rows]))
        return embeddings

    found = cross_validate_training(embed, labels, subjects, NAMES, folds=5)
    assert found == cross_validate(embeddings, labels, subjects, NAMES, folds=5)
    assert len(seen) == 5
    held_out = [set(range(20)) - others for others in seen]
    assert sorted(subject for each in held_out for subject in each) == list(range(20))
