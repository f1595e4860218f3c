"""What is measured after each epoch: recognition of validation by prototypes of training examples, and its pairs."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import nn

from siamese.training.data import LabelledCrops
from siamese.training.validation import validate

SIZE, LABELS = 5, (1, 3, 6)


class Pixels(nn.Module):
    """A network whose embedding of a crop is its first pixels, brought to unit length."""

    def __init__(self) -> None:
        super().__init__()
        self.proxies = nn.Parameter(torch.zeros(8, SIZE))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return F.normalize(crops[:, 0, 0, :SIZE], dim=1)


def made(counts: tuple[int, ...], spread: float, seed: int) -> tuple[LabelledCrops, NDArray[np.float64]]:
    """Crops of so many of each label, about a direction that is the label's own; and their embeddings."""
    random = np.random.default_rng(seed)
    labels = np.repeat(LABELS, counts)
    centres = np.repeat(np.eye(SIZE)[: len(LABELS)], counts, axis=0)
    rows = np.abs(centres + random.normal(0, spread, (len(labels), SIZE)))
    crops = torch.zeros(len(labels), 1, 96, 96)
    crops[:, 0, 0, :SIZE] = torch.from_numpy(rows)
    return LabelledCrops(crops, labels), rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_an_epoch_is_measured_on_validation_by_prototypes_of_training_examples() -> None:
    examples, known = made((9, 9, 9), spread=0.3, seed=0)
    validation, rows = made((12, 5, 3), spread=0.6, seed=1)
    found = validate(Pixels(), examples, validation)  # type: ignore[arg-type]

    means = np.stack([known[examples.labels == label].mean(axis=0) for label in LABELS])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    answers = np.array(LABELS)[(rows @ means.T).argmax(axis=1)]
    right = answers == validation.labels
    accuracy, recalls = right.mean(), [right[validation.labels == label].mean() for label in LABELS]
    pairs = list(itertools.combinations(range(len(rows)), 2))
    same = [validation.labels[i] == validation.labels[j] for i, j in pairs]
    similarity = np.array([rows[i] @ rows[j] for i, j in pairs])
    area = roc_auc_score(same, similarity)

    assert 0.5 < accuracy < 1  # so that other images or other prototypes would show
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert found["roc_auc"] == pytest.approx(area, abs=1e-6)
    assert found["score"] == pytest.approx(np.mean([accuracy, np.mean(recalls), area]), abs=1e-6)
    assert found["intra_similarity"] == pytest.approx(similarity[same].mean(), abs=1e-6)
    assert found["inter_similarity"] == pytest.approx(similarity[np.logical_not(same)].mean(), abs=1e-6)
