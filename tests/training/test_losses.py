"""The losses equal their formulas, written out over every pair and triplet of a small batch."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from siamese.training.losses import metric_loss, training_log_prior, vote_loss

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, -1])


@pytest.fixture
def embeddings() -> torch.Tensor:
    return F.normalize(torch.randn(len(LABELS), 5, generator=torch.Generator().manual_seed(3)), dim=1)


def test_triplet_loss_averages_semi_hard_triplets(embeddings: torch.Tensor) -> None:
    margin, similarity = 0.5, embeddings @ embeddings.T
    violations = []
    for anchor, positive, negative in itertools.permutations(range(len(LABELS) - 1), 3):
        if LABELS[anchor] == LABELS[positive] != LABELS[negative]:
            lead = (similarity[anchor, positive] - similarity[anchor, negative]).item()
            if 0 < lead <= margin:  # in the right order, but not by the margin
                violations.append(margin - lead)
    assert violations
    assert metric_loss("triplet", margin)(embeddings, LABELS).item() == pytest.approx(np.mean(violations), abs=1e-5)


def test_contrastive_loss_draws_positives_together_and_pushes_negatives_apart(embeddings: torch.Tensor) -> None:
    margin, similarity = 0.6, embeddings @ embeddings.T
    positives, negatives = [], []
    for one, other in itertools.permutations(range(len(LABELS) - 1), 2):
        if LABELS[one] == LABELS[other]:
            positives.append(1 - similarity[one, other].item())
        else:
            negatives.append(max(0.0, similarity[one, other].item() - (1 - margin)))
    expected = np.mean([p for p in positives if p > 0]) + np.mean([n for n in negatives if n > 0])
    assert metric_loss("contrastive", margin)(embeddings, LABELS).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["triplet", "contrastive"])
def test_rows_without_a_label_take_no_part(name: str, embeddings: torch.Tensor) -> None:
    loss = metric_loss(name, 0.5)
    changed = embeddings.clone()
    changed[-1] = -changed[-1]
    torch.testing.assert_close(loss(changed, LABELS), loss(embeddings, LABELS))


def test_vote_loss_is_the_cross_entropy_of_votes() -> None:
    similarities, votes = torch.tensor([[0.5, -0.2], [0.1, 0.3]]), torch.tensor([[0.7, 0.3], [0.0, 1.0]])
    prior = torch.tensor([0.9, 0.1]).log()
    logits = 6 * similarities.numpy() + prior.numpy()
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -(votes.numpy() * log_softmax).sum(axis=1).mean()
    assert vote_loss(similarities, votes, 6.0, prior).item() == pytest.approx(expected, abs=1e-5)


def test_the_prior_makes_similarities_assume_the_wanted_class_frequencies() -> None:
    """The best logits for a batch are its log posterior; taking the offset away must leave data_prior^strength."""
    batch, data = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.8, 0.15, 0.05])
    for strength in (0.0, 0.5, 1.0):
        left = batch.log() - training_log_prior(batch, data, strength)  # what the similarities then carry
        torch.testing.assert_close(left.softmax(0), data**strength / (data**strength).sum())
