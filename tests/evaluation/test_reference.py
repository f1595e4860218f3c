"""The reference set's builder: prototypes of typical images, and a gallery whose first page shows every emotion."""

import numpy as np

from siamese.datasets.samples import Samples
from siamese.evaluation.reference import in_turn, typical_prototypes
from siamese.gallery.composites import Composite
from siamese.metric.prototypes import fit_prototypes
from siamese.vocabulary import EMOTIONS

CLASSES = len(EMOTIONS)


def samples(labels: np.ndarray, agreement: np.ndarray) -> Samples:
    targets = np.repeat(((1 - agreement) / (CLASSES - 1))[:, None], CLASSES, axis=1)
    targets[np.arange(len(labels)), labels] = agreement
    images = np.zeros((len(labels), 48, 48), np.uint8)
    sources = tuple(map(str, range(len(labels))))
    return Samples("made", "train", "majority", images, targets.astype(np.float32), labels, sources)


def test_ambiguous_images_do_not_draw_classes_together_where_validation_says_so() -> None:
    """Each class has one clear image and three that lie with the next class, on which few votes agree."""
    corners = np.eye(CLASSES, dtype=np.float32)
    labels = np.repeat(np.arange(CLASSES), 4)
    embeddings = np.concatenate([corners[[label] + 3 * [(label + 1) % CLASSES]] for label in range(CLASSES)])
    train = samples(labels, np.tile([1.0, 0.55, 0.55, 0.55], CLASSES))
    validation = samples(np.arange(CLASSES), np.ones(CLASSES))
    plain = fit_prototypes(embeddings, labels, EMOTIONS)
    assert (plain.nearest(corners) != validation.labels).all()
    chosen = typical_prototypes(train, embeddings, validation, corners)
    np.testing.assert_array_equal(chosen.nearest(corners), validation.labels)


def test_where_weighting_gains_nothing_prototypes_are_plain_means() -> None:
    labels = np.arange(CLASSES)
    embeddings = np.eye(CLASSES, dtype=np.float32)
    everything = samples(labels, np.linspace(0.6, 1, CLASSES))
    chosen = typical_prototypes(everything, embeddings, everything, embeddings)
    np.testing.assert_array_equal(chosen.vectors, fit_prototypes(embeddings, labels, EMOTIONS).vectors)


def test_the_first_composites_are_one_of_each_emotion() -> None:
    face = np.zeros((48, 48), np.uint8)
    given = ["anger"] * 3 + ["fear"] * 2 + ["neutral"]
    composites = [Composite(emotion, face, face, np.arange(16), 0.8) for emotion in given]
    expected = ["anger", "fear", "neutral", "anger", "fear", "anger"]
    assert [composite.emotion for composite in in_turn(composites)] == expected
