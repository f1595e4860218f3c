"""Evidence: every figure of one protocol in one object, ready for JSON."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
    roc_curve,
)

from siamese.errors import MeasurementError
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.protocols import evaluate_embeddings
from siamese.evaluation.retrieval import KS, retrieve
from siamese.metric.calibration import expected_calibration_error

ACCEPTANCE = [
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "recall_per_class",
    "roc_auc",
    "eer",
    "recall_at_1",
    "nmi",
    "ece",
    "intra_similarity",
    "inter_similarity",
    "protocol",
    "images",
    "weighted_f1",
    "per_class",
    "true_accepts_at_1_percent",
    "true_accepts_at_0_1_percent",
    "recall_at_k",
    "precision_at_k",
    "accuracy_at_k",
    "cluster_f1",
    "intra_deviation",
    "inter_deviation",
    "margin",
    "effective_rank",
]
WITH_INTERVAL = [
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "weighted_f1",
    "ece",
    "roc_auc",
    "eer",
    "recall_at_1",
    "nmi",
    "cluster_f1",
    "ece_uncalibrated",
    "true_accepts_at_1_percent",
    "true_accepts_at_0_1_percent",
    "intra_similarity",
    "intra_deviation",
    "inter_similarity",
    "inter_deviation",
    "margin",
]


def evaluate(judged, **changes):
    judged = replace(judged, **changes)
    return evaluate_embeddings(
        judged.embeddings, judged.labels, judged.prototypes, judged.calibration, judged.verification, "majority"
    )


@pytest.fixture(scope="module")
def evidence(judged):
    return evaluate(judged)


def test_evidence_is_one_json_object_with_every_figure_asked_for(evidence):
    figures = json.loads(json.dumps(evidence.to_dict(), allow_nan=False))
    assert set(ACCEPTANCE) <= set(figures)
    assert (figures["protocol"], figures["images"]) == ("majority", 400)


def test_recognition_is_by_nearest_prototype(judged, evidence):
    answers = judged.prototypes.nearest(judged.embeddings)
    assert evidence.accuracy == pytest.approx(accuracy_score(judged.labels, answers))
    assert evidence.balanced_accuracy == pytest.approx(balanced_accuracy_score(judged.labels, answers))
    assert evidence.confusion == tuple(map(tuple, confusion_matrix(judged.labels, answers).tolist()))
    for index, name in enumerate(judged.prototypes.names):
        assert evidence.recall_per_class[name] == pytest.approx((answers == index)[judged.labels == index].mean())
        assert evidence.images_per_class[name] == (judged.labels == index).sum()


@pytest.mark.parametrize("name", WITH_INTERVAL)
def test_intervals_hold_their_figure(evidence, name):
    low, high = getattr(evidence, f"{name}_interval")
    assert -1 <= low < getattr(evidence, name) < high <= 2


def test_every_class_has_its_precision_recall_and_f1(judged, evidence):
    answers = judged.prototypes.nearest(judged.embeddings)
    expected = np.transpose(precision_recall_fscore_support(judged.labels, answers))
    for name, (precision, recall, f1, images) in zip(judged.prototypes.names, expected, strict=True):
        found = evidence.per_class[name]
        assert (found.precision, found.recall, found.f1, found.images) == pytest.approx((precision, recall, f1, images))
        assert found.recall == evidence.recall_per_class[name]
    assert evidence.weighted_f1 == pytest.approx(np.average(expected[:, 2], weights=expected[:, 3]))


def test_neighbours_are_each_others(judged, evidence):
    found = retrieve(Labelled(judged.embeddings, judged.labels))
    assert (evidence.recall_at_k, evidence.precision_at_k) == (found.recall, found.precision)
    assert evidence.accuracy_at_k == found.accuracy
    assert list(evidence.recall_at_k) == list(KS)
    assert evidence.recall_at_1 == evidence.recall_at_k[1]


def test_a_temperature_leaves_recognition_as_it_was(evidence):
    assert evidence.calibrated_accuracy == evidence.accuracy
    assert evidence.calibrated_recall_per_class == evidence.recall_per_class


def test_with_offsets_the_likeliest_class_is_reported_beside_the_nearest_prototype(judged, evidence):
    with_offsets = evaluate(judged, calibration=judged.offset_calibration)
    probabilities = judged.offset_calibration.probabilities(judged.prototypes.similarities(judged.embeddings))
    answers = probabilities.argmax(axis=1)
    assert with_offsets.accuracy == evidence.accuracy
    assert with_offsets.calibrated_accuracy == pytest.approx(accuracy_score(judged.labels, answers))
    assert with_offsets.calibrated_balanced_accuracy == pytest.approx(balanced_accuracy_score(judged.labels, answers))
    assert with_offsets.ece == pytest.approx(expected_calibration_error(probabilities, judged.labels))


def test_calibration_is_what_lowers_the_calibration_error(evidence):
    assert evidence.ece < evidence.ece_uncalibrated / 2


def test_pairs_agree_with_listing_them(judged, evidence):
    pairs = list(combinations(range(len(judged.labels)), 2))
    similarities = np.array([float(judged.embeddings[one] @ judged.embeddings[other]) for one, other in pairs])
    same = np.array([judged.labels[one] == judged.labels[other] for one, other in pairs])
    accepted = similarities >= judged.verification.threshold
    assert evidence.roc_auc == pytest.approx(roc_auc_score(same, similarities), abs=1e-6)
    assert evidence.intra_similarity == pytest.approx(similarities[same].mean(), abs=1e-6)
    assert evidence.inter_similarity == pytest.approx(similarities[~same].mean(), abs=1e-6)
    assert evidence.intra_deviation == pytest.approx(similarities[same].std(), abs=1e-6)
    assert evidence.inter_deviation == pytest.approx(similarities[~same].std(), abs=1e-6)
    assert evidence.margin == evidence.intra_similarity - evidence.inter_similarity
    false_accepts, true_accepts, _ = roc_curve(same, similarities)
    for limit, found in ((0.01, evidence.true_accepts_at_1_percent), (0.001, evidence.true_accepts_at_0_1_percent)):
        assert found == pytest.approx(true_accepts[false_accepts <= limit].max(), abs=1e-4)
    assert evidence.verification.pairs == len(pairs)
    assert evidence.verification.accuracy == pytest.approx((accepted == same).mean(), abs=1e-4)
    assert evidence.verification.false_accept_rate == pytest.approx(accepted[~same].mean(), abs=1e-4)
    assert evidence.verification.false_reject_rate == pytest.approx((~accepted)[same].mean(), abs=1e-4)
    assert evidence.verification.ece < 0.05


def test_a_class_without_images_is_left_out(judged):
    kept = judged.labels != 3
    evidence = evaluate(judged, embeddings=judged.embeddings[kept], labels=judged.labels[kept])
    assert list(evidence.recall_per_class) == list(evidence.images_per_class) == ["calm", "glad", "cross"]
    assert list(evidence.per_class) == ["calm", "glad", "cross"]
    assert evidence.balanced_accuracy == pytest.approx(np.mean(list(evidence.recall_per_class.values())))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"embeddings": np.eye(400, 8, dtype=np.float32)}, r"must be an array \(n, 16\)"),
        ({"labels": np.zeros(400, dtype=np.int64)}, "All examples share one label"),
        ({"labels": np.full(400, -1)}, "Leave rows without a label out"),
        ({"labels": np.zeros(3, dtype=np.int64)}, "Expected 400 whole-number labels"),
    ],
)
def test_a_set_that_cannot_be_measured_is_refused(judged, changes, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        evaluate(judged, **changes)
