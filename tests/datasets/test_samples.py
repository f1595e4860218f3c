"""Samples: rows are taken with all that belongs to them, and what is left out is counted."""

from dataclasses import replace

import numpy as np

from siamese.datasets.samples import UNLABELLED, Samples


def made(**more: object) -> Samples:
    images = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    targets = np.eye(8, dtype=np.float32)[:4]
    labels = np.array([0, UNLABELLED, 2, UNLABELLED])
    return Samples("made", "test", "majority", images, targets, labels, ("a", "b", "c", "d"), **more)


def test_rows_keep_their_image_name_and_person() -> None:
    taken = made(subjects=("Ann", "Bob", "Ann", "Cat")).take([3, 0])
    assert taken.images[:, 0, 0].tolist() == [3, 0]
    assert taken.targets.argmax(axis=1).tolist() == [3, 0]
    assert (taken.sources, taken.subjects) == (("d", "a"), ("Cat", "Ann"))


def test_people_who_are_not_known_have_empty_names() -> None:
    assert made().subjects == ("", "", "", "")
    assert made().take([1]).subjects == ("",)


def test_rows_without_a_label_are_counted_once_beside_what_the_loader_left_out() -> None:
    labelled = made(left_out={"damaged": 5}).labelled()
    assert labelled.sources == ("a", "c")
    assert labelled.left_out == {"damaged": 5, "no label under the majority protocol": 2}
    assert labelled.labelled().left_out == labelled.left_out


def test_without_an_emotion_neither_its_rows_nor_its_votes_are_left() -> None:
    samples = replace(
        made(left_out={"damaged": 5}),
        targets=np.array([[0.6, 0.4, 0], [0, 1, 0], [0, 0.25, 0.75], [0.2, 0.2, 0.6]], np.float32) @ np.eye(3, 8),
        labels=np.array([0, 1, 2, UNLABELLED]),
    )
    without = samples.without(["happiness"])
    assert without.sources == ("a", "c", "d")
    assert np.allclose(without.targets[:, :3], [[1, 0, 0], [0, 0, 1], [0.25, 0, 0.75]])
    assert without.left_out == {"damaged": 5, "to be left out: happiness": 1}
    assert samples.without([]) is samples
