"""Batches: drawn from the data, P classes with K images each, or both; and the same again after a restart."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from siamese.errors import TrainingError
from siamese.training.config import TrainingConfig
from siamese.training.sampling import SAMPLERS, BatchSampler, class_shares, class_weights

LABELS = np.array([0] * 60 + [1] * 20 + [2] * 2 + [-1] * 8)
CONFIG = TrainingConfig(natural_per_batch=10, classes_per_batch=3, samples_per_class=4)


def sampler(name: str) -> BatchSampler:
    return BatchSampler(LABELS, replace(CONFIG, sampler=name))


def test_the_natural_part_holds_every_row_once_an_epoch() -> None:
    for name, batches in ((name, list(sampler(name).epoch(0))) for name in ("mixed", "natural")):
        assert sorted(np.concatenate([rows[:10] for rows in batches])) == list(range(90)), name


def test_the_balanced_part_holds_k_images_of_p_classes() -> None:
    for rows in sampler("mixed").epoch(0):
        assert Counter(LABELS[rows[10:]].tolist()) == {0: 4, 1: 4, 2: 4}
    for rows in sampler("balanced").epoch(0):
        assert Counter(LABELS[rows].tolist()) == {0: 4, 1: 4, 2: 4}


def test_weighted_batches_hold_every_label_as_often() -> None:
    drawn = np.concatenate([rows for number in range(200) for rows in sampler("weighted").epoch(number)])
    _, counts = np.unique(LABELS[drawn], return_counts=True)
    np.testing.assert_allclose(counts / len(drawn), 1 / 4, atol=0.01)


@pytest.mark.parametrize("name", SAMPLERS)
def test_an_epoch_draws_as_many_rows_as_the_data_has(name: str) -> None:
    batches = list(sampler(name).epoch(0))
    assert {len(rows) for rows in batches} == {sampler(name).batch_size}
    assert len(batches) == sampler(name).batches_per_epoch == {"balanced": 90 // 12}.get(name, 90 // 10)


def test_images_of_a_class_repeat_only_where_there_are_too_few() -> None:
    for rows in sampler("mixed").epoch(0):
        balanced = rows[10:]
        for label in (0, 1):
            assert len(set(balanced[LABELS[balanced] == label])) == 4


@pytest.mark.parametrize("name", SAMPLERS)
def test_epochs_differ_and_repeat_exactly(name: str) -> None:
    first, again, second = (np.concatenate(list(sampler(name).epoch(number))) for number in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_prior_is_what_batches_hold_on_average(name: str) -> None:
    targets = np.eye(3, dtype=np.float32)[np.maximum(LABELS, 0)]
    drawn = np.concatenate([np.concatenate(list(sampler(name).epoch(number))) for number in range(200)])
    np.testing.assert_allclose(sampler(name).prior(targets), targets[drawn].mean(axis=0), atol=0.01)
    np.testing.assert_allclose(class_shares(targets), [68 / 90, 20 / 90, 2 / 90], atol=1e-6)


def test_data_smaller_than_a_batch_is_drawn_whole() -> None:
    (rows,) = BatchSampler(LABELS[:5], replace(CONFIG, sampler="natural")).epoch(0)
    assert sorted(rows) == [0, 1, 2, 3, 4]


def test_more_classes_than_there_are_is_refused() -> None:
    with pytest.raises(TrainingError, match="--classes-per-batch is 8, but the data has 3 classes"):
        BatchSampler(LABELS, TrainingConfig(classes_per_batch=8))
    BatchSampler(LABELS, TrainingConfig(classes_per_batch=8, sampler="natural"))  # which does not ask for classes


def test_a_batch_holds_every_class_where_no_number_is_given() -> None:
    (*_, rows) = BatchSampler(LABELS, replace(CONFIG, classes_per_batch=0)).epoch(0)
    assert Counter(LABELS[rows[10:]].tolist()) == {0: 4, 1: 4, 2: 4}


@pytest.mark.parametrize("name", ["natural", "weighted"])
def test_a_batch_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(TrainingError, match=f"--natural-per-batch must be at least 1 with --sampler {name}"):
        BatchSampler(LABELS, replace(CONFIG, sampler=name, natural_per_batch=0))


def test_class_weights_are_those_of_scikit_learn() -> None:
    labelled = LABELS[LABELS >= 0]
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labelled)
    np.testing.assert_allclose(class_weights(LABELS, 3), expected)
    np.testing.assert_allclose(class_weights(LABELS), [*expected, 0, 0, 0, 0, 0])


def test_what_has_no_metric_label_is_drawn_but_not_balanced() -> None:
    """Odd rows have one."""
    metric_labels = np.where(np.arange(len(LABELS)) % 2, LABELS, -1)
    batches = list(BatchSampler(LABELS, replace(CONFIG, sampler="mixed"), metric_labels).epoch(0))
    assert sorted(np.concatenate([rows[:10] for rows in batches])) == list(range(90))
    assert all((rows[10:] % 2 == 1).all() for rows in batches)
