"""Verification: do two faces show the same expression, and how often is that verdict wrong."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

from siamese.errors import MeasurementError, ReferenceSetError
from siamese.metric.verification import (
    Pairs,
    Verification,
    count_pairs,
    equal_error_rate,
    error_rates,
    fit_verification,
    roc,
    roc_auc,
)


def scored_pairs(scores, same):
    """Pairs of known scores, as `count_pairs` would count them."""
    levels, level_of = np.unique(scores, return_inverse=True)
    same = np.asarray(same, dtype=bool)
    return Pairs(
        levels,
        np.bincount(level_of[same], minlength=len(levels)),
        np.bincount(level_of[~same], minlength=len(levels)),
    )


@st.composite
def score_lists(draw):
    """Scores with ties, of at least one same and one different pair."""
    size = draw(st.integers(2, 30))
    scores = draw(st.lists(st.integers(-10, 10).map(lambda tenth: tenth / 10), min_size=size, max_size=size))
    same = draw(st.lists(st.booleans(), min_size=size, max_size=size).filter(lambda flags: len(set(flags)) == 2))
    return np.array(scores), np.array(same)


@pytest.fixture(scope="module")
def labelled():
    random = np.random.default_rng(0)
    labels = random.choice(4, size=300, p=[0.5, 0.3, 0.15, 0.05])
    vectors = 0.8 * random.normal(size=(4, 16))[labels] + random.normal(size=(300, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


@pytest.fixture(scope="module")
def listed(labelled):
    """Every pair's cosine similarity and whether the labels are the same, one pair after the other."""
    embeddings, labels = labelled
    pairs = list(combinations(range(len(labels)), 2))
    similarities = np.array([float(np.dot(embeddings[one], embeddings[other])) for one, other in pairs])
    return similarities, np.array([labels[one] == labels[other] for one, other in pairs])


def test_every_pair_is_counted_once_and_none_with_itself(labelled, listed):
    similarities, same = listed
    pairs = count_pairs(*labelled)
    assert pairs.count == 300 * 299 // 2
    assert (pairs.same.sum(), pairs.different.sum()) == (same.sum(), (~same).sum())
    assert (pairs.similarity @ pairs.same) / pairs.same.sum() == pytest.approx(similarities[same].mean(), abs=1e-5)


def test_counting_in_blocks_changes_nothing(labelled, monkeypatch):
    whole = count_pairs(*labelled)
    monkeypatch.setattr("siamese.metric.verification._BLOCK", 7)
    blocks = count_pairs(*labelled)
    assert (blocks.count, blocks.same.sum()) == (whole.count, whole.same.sum())
    assert roc_auc(blocks) == pytest.approx(roc_auc(whole), abs=1e-6)


def test_area_and_equal_error_over_all_pairs_agree_with_scikit_learn(labelled, listed):
    similarities, same = listed
    pairs = count_pairs(*labelled)
    assert roc_auc(pairs) == pytest.approx(roc_auc_score(same, similarities), abs=1e-6)
    false_accepts, true_accepts, _ = roc_curve(same, similarities, drop_intermediate=False)
    closest = np.abs(false_accepts - (1 - true_accepts)).argmin()
    assert equal_error_rate(pairs) == pytest.approx(false_accepts[closest], abs=1e-3)


@given(score_lists())
def test_the_curve_agrees_with_scikit_learn_ties_included(scores_and_same):
    scores, same = scores_and_same
    curve = roc(scored_pairs(scores, same))
    false_accepts, true_accepts, thresholds = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.false_accept_rate, false_accepts)
    np.testing.assert_allclose(curve.true_accept_rate, true_accepts)
    np.testing.assert_allclose(curve.threshold, thresholds)
    assert curve.area == pytest.approx(roc_auc_score(same, scores))


@given(score_lists(), st.sampled_from([np.exp, np.arctan, lambda score: 7 * score - 3, lambda score: score**3]))
def test_a_monotone_map_of_the_similarities_changes_neither_area_nor_equal_error(scores_and_same, monotone):
    scores, same = scores_and_same
    before, after = scored_pairs(scores, same), scored_pairs(monotone(scores), same)
    assert roc_auc(after) == pytest.approx(roc_auc(before))
    assert equal_error_rate(after) == pytest.approx(equal_error_rate(before))


@given(score_lists())
def test_swapping_the_roles_of_same_and_different_keeps_both(scores_and_same):
    scores, same = scores_and_same
    before, after = scored_pairs(scores, same), scored_pairs(-scores, ~same)
    assert roc_auc(after) == pytest.approx(roc_auc(before))
    assert equal_error_rate(after) == pytest.approx(equal_error_rate(before))


@given(score_lists())
def test_rates_at_a_threshold_agree_with_counting(scores_and_same):
    scores, same = scores_and_same
    false_accepts, false_rejects = error_rates(scored_pairs(scores, same), 0.1)
    assert false_accepts == pytest.approx(np.mean([score >= 0.1 for score in scores[~same]]))
    assert false_rejects == pytest.approx(np.mean([score < 0.1 for score in scores[same]]))


def test_a_perfect_split_has_area_one_and_no_error():
    embeddings, labels = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 2]], np.array([0, 0, 1, 1, 2])
    pairs = count_pairs(embeddings, labels)
    assert roc_auc(pairs) == 1
    assert equal_error_rate(pairs) == 0
    fitted = fit_verification(embeddings, labels)
    assert (fitted.false_accept_rate, fitted.false_reject_rate) == (0, 0)
    assert fitted.same(1.0) and not fitted.same(0.0)
    assert fitted.probability(1.0) > 0.99 > 0.01 > fitted.probability(0.0)


def test_equal_similarities_are_chance():
    pairs = scored_pairs(np.full(10, 0.3), np.arange(10) < 4)
    assert roc_auc(pairs) == 0.5
    assert equal_error_rate(pairs) == 0.5


def test_the_threshold_is_where_both_errors_are_alike(labelled):
    fitted = fit_verification(*labelled)
    assert fitted.false_accept_rate == pytest.approx(fitted.false_reject_rate, abs=2e-3)
    assert fitted.equal_error_rate == pytest.approx(fitted.false_accept_rate, abs=2e-3)
    assert error_rates(count_pairs(*labelled), fitted.threshold) == (
        fitted.false_accept_rate,
        fitted.false_reject_rate,
    )


@pytest.mark.parametrize("prior", [0.2, 0.5])
def test_the_probability_is_scikit_learns_logistic_regression_on_listed_pairs(prior, labelled, listed):
    similarities, same = listed
    fitted = fit_verification(*labelled, prior=prior)
    weights = np.where(same, prior / same.sum(), (1 - prior) / (~same).sum()) * len(same)
    logistic = LogisticRegression(C=1e10, tol=1e-10).fit(similarities[:, None], same, sample_weight=weights)
    asked = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(fitted.probability(asked), logistic.predict_proba(asked[:, None])[:, 1], atol=1e-3)


def test_probability_and_verdict_agree_where_same_is_as_likely_as_not(labelled):
    fitted = fit_verification(*labelled)
    assert float(fitted.probability(fitted.threshold)) == pytest.approx(0.5, abs=0.1)


def test_probability_rises_with_similarity_and_takes_any_shape(labelled):
    fitted = fit_verification(*labelled)
    assert (np.diff(fitted.probability(np.linspace(-1, 1, 50))) > 0).all()
    assert fitted.probability(np.zeros((2, 3))).shape == (2, 3)
    assert fitted.same(fitted.threshold) and not fitted.same(fitted.threshold - 1e-6)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 0, 0], "All examples share one label"),
        ([0, 1, 2], "No two examples share a label"),
        ([0, 1], "Expected 3 whole-number labels"),
        ([0, 0, -1], "Leave rows without a label out"),
    ],
)
def test_a_set_without_both_kinds_of_pairs_is_refused(labels, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        fit_verification(np.eye(3, dtype=np.float32), np.array(labels))


def test_what_is_saved_is_what_is_loaded(labelled, tmp_path):
    fitted = fit_verification(*labelled)
    fitted.save(tmp_path / "verification.json")
    assert Verification.load(tmp_path / "verification.json") == fitted


def test_a_file_that_holds_no_verification_is_refused(tmp_path):
    (tmp_path / "verification.json").write_text('{"threshold": 0.5}')
    with pytest.raises(ReferenceSetError, match=r"verification\.json does not hold a verification"):
        Verification.load(tmp_path / "verification.json")
