"""Batches: every image once an epoch, beside P classes with K images each, and the same again after a restart."""

from collections import Counter

import numpy as np
import pytest

from siamese.errors import TrainingError
from siamese.training.config import TrainingConfig
from siamese.training.sampling import BatchSampler, class_shares

LABELS = np.array([0] * 60 + [1] * 20 + [2] * 2 + [-1] * 8)
CONFIG = TrainingConfig(natural_per_batch=10, classes_per_batch=3, samples_per_class=4)


def test_the_natural_part_holds_every_row_once_an_epoch() -> None:
    batches = list(BatchSampler(LABELS, CONFIG).epoch(0))
    assert sorted(np.concatenate([rows[:10] for rows in batches])) == list(range(90))


def test_the_balanced_part_holds_k_images_of_p_classes() -> None:
    for rows in BatchSampler(LABELS, CONFIG).epoch(0):
        assert Counter(LABELS[rows[10:]].tolist()) == {0: 4, 1: 4, 2: 4}


def test_images_of_a_class_repeat_only_where_there_are_too_few() -> None:
    for rows in BatchSampler(LABELS, CONFIG).epoch(0):
        balanced = rows[10:]
        for label in (0, 1):
            assert len(set(balanced[LABELS[balanced] == label])) == 4


def test_epochs_differ_and_repeat_exactly() -> None:
    first, again, second = (np.concatenate(list(BatchSampler(LABELS, CONFIG).epoch(number))) for number in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()


def test_the_prior_is_what_batches_hold_on_average() -> None:
    targets = np.eye(3, dtype=np.float32)[np.maximum(LABELS, 0)]
    sampler = BatchSampler(LABELS, CONFIG)
    drawn = np.concatenate([np.concatenate(list(sampler.epoch(number))) for number in range(50)])
    np.testing.assert_allclose(sampler.prior(targets), targets[drawn].mean(axis=0), atol=0.01)
    np.testing.assert_allclose(class_shares(targets), [68 / 90, 20 / 90, 2 / 90], atol=1e-6)


def test_more_classes_than_there_are_is_refused() -> None:
    with pytest.raises(TrainingError, match="--classes-per-batch is 8, but the data has 3 classes"):
        BatchSampler(LABELS, TrainingConfig())
