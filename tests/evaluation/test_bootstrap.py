"""Intervals, against textbook formulas and against drawing the images themselves."""

from dataclasses import asdict
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, normalized_mutual_info_score, roc_auc_score

from siamese.errors import MeasurementError
from siamese.evaluation import metrics
from siamese.evaluation.bootstrap import (
    calibration_interval,
    layout_intervals,
    pair_intervals,
    resampled_pairs,
    share_interval,
    table_interval,
)
from siamese.evaluation.structure import normalised_mutual_information, similarity_spread
from siamese.metric.calibration import expected_calibration_error
from siamese.metric.verification import count_pairs, equal_error_rate, roc_auc

RANDOM_DRAWS = np.random.default_rng(1).integers(0, 400, size=(500, 400))


def labels_and_answers(seed=0):
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], [300, 80, 20])
    return labels, np.where(random.uniform(size=400) < 0.7, labels, random.integers(0, 3, size=400))


def embedded(count, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    vectors = np.eye(3, 12)[labels] * 2 + random.normal(size=(count, 12))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def test_the_interval_is_the_binomials_for_accuracy():
    """Of 400 examples 300 are right: ± 1.96 standard errors of √(0.75 · 0.25 / 400)."""
    expected = (0.75 - 1.96 * 0.02165, 0.75 + 1.96 * 0.02165)
    of_table = table_interval(np.array([[200, 50], [50, 100]]), metrics.accuracy, resamples=20_000)
    assert of_table == pytest.approx(expected, abs=0.004)
    assert share_interval(0.75, 400, resamples=20_000) == pytest.approx(expected, abs=0.004)


@pytest.mark.parametrize("figure", [metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1])
def test_a_confusions_interval_agrees_with_drawing_the_examples_themselves(figure):
    labels, answers = labels_and_answers()
    drawn = [figure(metrics.confusion(labels[rows], answers[rows], 3)) for rows in RANDOM_DRAWS]
    found = table_interval(metrics.confusion(labels, answers, 3), figure)
    np.testing.assert_allclose(found, np.quantile(drawn, [0.025, 0.975]), atol=0.02)
    assert found == table_interval(metrics.confusion(labels, answers, 3), figure)


def test_a_clusterings_interval_agrees_with_drawing_the_assignments_themselves():
    labels, clusters = labels_and_answers()
    drawn = [normalized_mutual_info_score(labels[rows], clusters[rows]) for rows in RANDOM_DRAWS]
    found = table_interval(metrics.confusion(labels, clusters, 3), normalised_mutual_information)
    np.testing.assert_allclose(found, np.quantile(drawn, [0.025, 0.975]), atol=0.02)


def test_calibrations_interval_agrees_with_drawing_the_predictions_themselves():
    random = np.random.default_rng(0)
    probabilities, labels = random.dirichlet((4, 2, 1), size=400), random.integers(0, 3, 400)
    drawn = [expected_calibration_error(probabilities[rows], labels[rows]) for rows in RANDOM_DRAWS]
    found = calibration_interval(probabilities, labels)
    np.testing.assert_allclose(found, np.quantile(drawn, [0.025, 0.975]), atol=0.02)


def test_drawn_once_each_the_images_make_the_sets_own_pairs():
    embeddings, labels = embedded(150)
    (once,) = resampled_pairs(embeddings, labels, np.ones((1, 150), dtype=np.int64))
    pairs = count_pairs(embeddings, labels)
    assert (once.same.sum(), once.different.sum()) == (pairs.same.sum(), pairs.different.sum())
    assert roc_auc(once) == pytest.approx(roc_auc(pairs), abs=1e-4)
    assert equal_error_rate(once) == pytest.approx(equal_error_rate(pairs), abs=1e-3)


def test_a_resamples_pairs_are_those_of_the_images_drawn_but_none_with_its_own_copy():
    embeddings, labels = embedded(40)
    times = np.random.default_rng(2).multinomial(40, np.full(40, 1 / 40), size=5)
    for drawn, found in zip(times, resampled_pairs(embeddings, labels, times), strict=True):
        rows = np.repeat(np.arange(40), drawn)
        listed = [(one, other) for one, other in combinations(rows, 2) if one != other]
        same = [labels[one] == labels[other] for one, other in listed]
        similarities = [float(embeddings[one] @ embeddings[other]) for one, other in listed]
        assert found.count == len(listed)
        assert found.same.sum() == sum(same)
        assert roc_auc(found) == pytest.approx(roc_auc_score(same, similarities), abs=1e-3)


def test_pairs_intervals_are_as_wide_as_figures_of_other_sets_differ():
    """Of 60 other sets drawn from the same source; taking pairs for independent would give a tenth of that width."""
    intervals = pair_intervals(*embedded(120), [roc_auc, equal_error_rate])
    others = [count_pairs(*embedded(120, seed)) for seed in range(1, 61)]
    for (low, high), figure in zip(intervals, (roc_auc, equal_error_rate), strict=True):
        assert low < figure(count_pairs(*embedded(120))) < high
        assert high - low == pytest.approx(2 * 1.96 * np.std([figure(each) for each in others]), rel=0.4)


def test_a_layouts_intervals_are_as_wide_as_figures_of_other_sets_differ():
    intervals = layout_intervals(*embedded(120))
    own = asdict(similarity_spread(*embedded(120)))
    others = [asdict(similarity_spread(*embedded(120, seed))) for seed in range(1, 61)]
    for name, of in (("intra_similarity", "intra"), ("inter_similarity", "inter"), ("inter_deviation",) * 2):
        low, high = intervals[name]
        assert low < own[of] < high
        assert high - low == pytest.approx(2 * 1.96 * np.std([other[of] for other in others]), rel=0.4)


def test_a_layouts_interval_leaves_out_resamples_without_a_pair_of_each_kind():
    embeddings, labels = np.eye(3, dtype=np.float32), np.array([0, 0, 1])
    assert layout_intervals(embeddings, labels)["margin"] == (0, 0)


def test_resamples_without_a_pair_of_each_kind_are_left_out():
    embeddings, labels = np.eye(3, dtype=np.float32), np.array([0, 0, 1])
    times = np.array([[1, 1, 1], [3, 0, 0], [2, 1, 0], [2, 0, 1], [0, 1, 2]])
    (complete,) = resampled_pairs(embeddings, labels, times)
    assert (complete.same.sum(), complete.different.sum()) == (1, 2)


def test_a_set_without_a_pair_of_each_kind_is_refused():
    with pytest.raises(MeasurementError, match="All examples share one label"):
        pair_intervals(np.eye(3, dtype=np.float32), np.zeros(3, dtype=np.int64), [roc_auc])


def test_accuracy_lies_within_its_interval():
    labels, answers = labels_and_answers()
    low, high = table_interval(metrics.confusion(labels, answers, 3), metrics.accuracy)
    assert low < accuracy_score(labels, answers) < high
