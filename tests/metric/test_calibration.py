"""Calibration: confidence that can be taken at its word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from siamese.errors import MeasurementError, ReferenceSetError
from siamese.metric.calibration import (
    Calibration,
    expected_calibration_error,
    fit_calibration,
    fit_calibration_to_votes,
    reliability,
)

similarity_rows = arrays(np.float64, (5, 4), elements=st.floats(-1, 1))
temperatures = st.floats(0.01, 10)


@pytest.fixture
def drawn():
    """Similarities, and labels drawn from the softmax of a temperature 0.05 and known offsets."""
    random = np.random.default_rng(0)
    similarities = random.uniform(-0.2, 0.2, size=(20_000, 3))
    truth = Calibration(0.05, (0.6, 0.1, -0.7))
    thresholds = truth.probabilities(similarities).cumsum(axis=1)
    labels = (random.uniform(size=(20_000, 1)) > thresholds).sum(axis=1)
    return similarities, labels, truth


@given(similarity_rows, temperatures)
def test_probabilities_sum_to_one(similarities, temperature):
    probabilities = Calibration(temperature).probabilities(similarities)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


@given(similarity_rows, temperatures)
def test_a_temperature_does_not_change_which_class_is_likeliest(similarities, temperature):
    probabilities = Calibration(temperature).probabilities(similarities)
    rows = np.arange(len(similarities))
    at_most_similar = probabilities[rows, similarities.argmax(axis=1)]
    np.testing.assert_array_equal(at_most_similar, probabilities.max(axis=1))


def test_probabilities_are_the_softmax_by_hand():
    exponentials = np.exp([0.5 / 0.1 + 1, 0.2 / 0.1 - 1, 0.3 / 0.1])
    probabilities = Calibration(0.1, (1.0, -1.0)).probabilities(np.array([[0.5, 0.2, 0.3]]))
    np.testing.assert_allclose(probabilities[0], exponentials / exponentials.sum())


def test_a_taught_class_beyond_the_offsets_gets_none():
    similarities = np.array([[0.3, 0.1, 0.2]])
    padded = Calibration(0.1, (0.4, -0.4, 0.0)).probabilities(similarities)
    np.testing.assert_array_equal(Calibration(0.1, (0.4, -0.4)).probabilities(similarities), padded)


def test_fewer_classes_than_offsets_are_refused():
    with pytest.raises(MeasurementError, match="3 classes were calibrated, but 2 are given"):
        Calibration(0.1, (0.4, -0.4, 0.0)).probabilities(np.zeros((1, 2)))


def test_fitting_finds_the_temperature_and_offsets_that_drew_the_labels(drawn):
    similarities, labels, truth = drawn
    fitted = fit_calibration(similarities, labels, offsets=True)
    assert fitted.temperature == pytest.approx(truth.temperature, rel=0.03)
    np.testing.assert_allclose(fitted.offsets, truth.offsets, atol=0.05)
    assert sum(fitted.offsets) == pytest.approx(0, abs=1e-12)


def test_the_temperature_alone_is_where_a_line_search_finds_the_least_loss(drawn):
    similarities, labels, _ = drawn
    loss = minimize_scalar(
        lambda temperature: log_loss(labels, Calibration(temperature).probabilities(similarities)),
        bounds=(0.01, 1),
        method="bounded",
        options={"xatol": 1e-8},
    )
    fitted = fit_calibration(similarities, labels)
    assert fitted.offsets == ()
    assert fitted.temperature == pytest.approx(loss.x, rel=1e-4)


def test_of_two_classes_the_fit_is_scikit_learns_logistic_regression(drawn):
    similarities, labels, _ = drawn
    two = labels < 2
    similarities, labels = similarities[two, :2], labels[two]
    fitted = fit_calibration(similarities, labels, offsets=True)
    logistic = LogisticRegression(C=1e10, tol=1e-10).fit(similarities[:, :1] - similarities[:, 1:], labels == 0)
    assert 1 / fitted.temperature == pytest.approx(logistic.coef_[0, 0], rel=1e-3)
    assert fitted.offsets[0] - fitted.offsets[1] == pytest.approx(logistic.intercept_[0], abs=1e-3)


def test_votes_that_all_agree_are_labels(drawn):
    similarities, labels, _ = drawn
    assert fit_calibration_to_votes(similarities, np.eye(3)[labels]) == fit_calibration(similarities, labels)


def test_votes_drawn_as_distributions_are_met_exactly(drawn):
    similarities, _, truth = drawn
    fitted = fit_calibration_to_votes(similarities, truth.probabilities(similarities), offsets=True)
    assert fitted.temperature == pytest.approx(truth.temperature, rel=1e-4)
    np.testing.assert_allclose(fitted.offsets, truth.offsets, atol=1e-4)


def test_fitting_survives_labels_without_any_error_and_similarities_without_any_difference():
    perfect = fit_calibration(np.eye(4), np.arange(4))
    assert expected_calibration_error(perfect.probabilities(np.eye(4)), np.arange(4)) < 1e-3
    useless = fit_calibration(np.zeros((4, 4)), np.arange(4))
    np.testing.assert_allclose(useless.probabilities(np.zeros((4, 4))), 0.25)


def brute_force_error(probabilities, labels, bins):
    error = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [row for row in range(len(labels)) if low < max(probabilities[row]) <= high]
        if inside:
            right = np.mean([probabilities[row].argmax() == labels[row] for row in inside])
            sure = np.mean([max(probabilities[row]) for row in inside])
            error += len(inside) / len(labels) * abs(right - sure)
    return error


@given(st.integers(0, 10_000), st.integers(2, 20))
def test_calibration_error_agrees_with_its_definition(seed, bins):
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(4, 0.5), size=40)
    labels = random.integers(0, 4, size=40)
    expected = brute_force_error(probabilities, labels, bins)
    assert expected_calibration_error(probabilities, labels, bins) == pytest.approx(expected, abs=1e-9)


def test_calibration_error_by_hand():
    """Ten predictions at 0.8, of which six are right, miss by 0.2; ten at 1, all right, by nothing."""
    probabilities = np.array([[0.8, 0.2]] * 10 + [[1.0, 0.0]] * 10)
    labels = np.array([0] * 6 + [1] * 4 + [0] * 10)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.1)
    assert reliability(probabilities, labels).share.sum() == pytest.approx(1)


def test_calibrating_lowers_the_calibration_error(drawn):
    similarities, labels, _ = drawn
    before = expected_calibration_error(Calibration(1.0).probabilities(similarities), labels)
    fitted = fit_calibration(similarities[:10_000], labels[:10_000], offsets=True)
    after = expected_calibration_error(fitted.probabilities(similarities[10_000:]), labels[10_000:])
    assert after < 0.02 < before


@pytest.mark.parametrize(
    ("votes", "offsets", "sentence"),
    [
        (np.eye(3)[:2], False, "one distribution for each row"),
        (2 * np.eye(3), False, "summing to one"),
        (np.eye(4)[:3], False, r"must be an array \(n, 3\)"),
        (np.eye(3)[[0, 1, 1]], True, "without a single vote can have no offset"),
    ],
)
def test_votes_that_cannot_be_fitted_are_refused(votes, offsets, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        fit_calibration_to_votes(np.eye(3), votes, offsets)


def test_what_is_saved_is_what_is_loaded(tmp_path):
    calibration = Calibration(0.07, (0.25, -0.25))
    calibration.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == calibration


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"temperature": "warm"}', '{"temperature": 0}', '{"temperature": NaN}']
)
def test_a_file_that_holds_no_calibration_is_refused(text, tmp_path):
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(ReferenceSetError, match=r"calibration\.json does not hold a calibration"):
        Calibration.load(tmp_path / "calibration.json")
    with pytest.raises(ReferenceSetError, match=r"missing\.json"):
        Calibration.load(tmp_path / "missing.json")


def test_an_exponent_bends_the_distances_by_hand():
    """Similarities 0.5 and −0.5 lie 0.5 and 1.5 away; squared, 0.25 and 2.25."""
    (found,) = Calibration(0.5, exponent=2.0).probabilities(np.array([[0.5, -0.5]]))
    near, far = np.exp(-0.25 / 0.5), np.exp(-2.25 / 0.5)
    np.testing.assert_allclose(found, [near / (near + far), far / (near + far)])


@given(similarities=similarity_rows, exponent=st.floats(0.5, 4))
def test_an_exponent_keeps_the_nearest_the_likeliest(similarities, exponent):
    probabilities = Calibration(0.1, exponent=exponent).probabilities(similarities)
    nearest = similarities.argmax(axis=1)
    chosen = probabilities[np.arange(len(nearest)), nearest]
    np.testing.assert_allclose(chosen, probabilities.max(axis=1))


def test_fitting_finds_the_exponent_that_drew_the_labels():
    random = np.random.default_rng(0)
    similarities = random.uniform(-1, 1, (20_000, 3))
    truth = Calibration(0.4, exponent=1.8)
    thresholds = truth.probabilities(similarities).cumsum(axis=1)
    labels = (random.random((20_000, 1)) > thresholds).sum(axis=1).clip(0, 2)
    fitted = fit_calibration(similarities, labels, exponent=None)
    assert fitted.exponent == pytest.approx(1.8, abs=0.1)
    assert fitted.temperature == pytest.approx(0.4, rel=0.1)
    straight = fit_calibration(similarities, labels)
    assert straight.exponent == 1
    assert expected_calibration_error(fitted.probabilities(similarities), labels) < expected_calibration_error(
        straight.probabilities(similarities), labels
    )
