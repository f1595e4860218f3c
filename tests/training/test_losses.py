"""The losses equal their formulas, written out over every pair and triplet of a small batch."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from siamese.errors import TrainingError
from siamese.training.losses import METRIC_LOSSES, check_metric_loss, metric_loss, training_log_prior, vote_loss

LABELS = torch.tensor([0, 0, 1, 1, 2, 2, -1])
LABELLED = range(len(LABELS) - 1)
WITH_PROXIES = ["proxy_anchor", "arcface"]


def some_embeddings(count: int = len(LABELS)) -> torch.Tensor:
    return F.normalize(torch.randn(count, 5, generator=torch.Generator().manual_seed(3)), dim=1)


def by_name(name: str, margin: float | None = None) -> torch.nn.Module:
    torch.manual_seed(0)
    return metric_loss(name, margin, classes=4, embedding_size=5)


@pytest.fixture
def embeddings() -> torch.Tensor:
    return some_embeddings()


def leads(embeddings: torch.Tensor) -> dict[tuple[int, int, int], float]:
    """By how much each triplet's positive is more similar to the anchor than its negative."""
    similarity = embeddings @ embeddings.T
    return {
        (anchor, positive, negative): (similarity[anchor, positive] - similarity[anchor, negative]).item()
        for anchor, positive, negative in itertools.permutations(LABELLED, 3)
        if LABELS[anchor] == LABELS[positive] != LABELS[negative]
    }


def test_triplet_loss_averages_semi_hard_triplets(embeddings: torch.Tensor) -> None:
    margin = 0.5
    violations = [margin - lead for lead in leads(embeddings).values() if 0 < lead <= margin]  # in the right order
    assert violations
    assert by_name("triplet", margin)(embeddings, LABELS).item() == pytest.approx(np.mean(violations), abs=1e-5)


def test_all_triplets_that_violate_the_margin_are_averaged(embeddings: torch.Tensor) -> None:
    margin = 0.5
    violations = [margin - lead for lead in leads(embeddings).values() if lead < margin]
    assert by_name("triplet_all", margin)(embeddings, LABELS).item() == pytest.approx(np.mean(violations), abs=1e-5)


def test_the_hardest_triplet_of_each_anchor_is_averaged(embeddings: torch.Tensor) -> None:
    margin, of_all = 0.5, leads(embeddings)
    hardest = [min(lead for triplet, lead in of_all.items() if triplet[0] == anchor) for anchor in LABELLED]
    expected = np.mean([max(0.0, margin - lead) for lead in hardest])
    assert by_name("triplet_hard", margin)(embeddings, LABELS).item() == pytest.approx(expected, abs=1e-5)


def test_contrastive_loss_balances_positive_and_negative_pairs(embeddings: torch.Tensor) -> None:
    margin = 1.3
    positives, negatives = [], []
    for one, other in itertools.combinations(LABELLED, 2):
        distance = (embeddings[one] - embeddings[other]).norm().item()
        if LABELS[one] == LABELS[other]:
            positives.append(distance**2)
        else:
            negatives.append(max(0.0, margin - distance) ** 2)
    expected = np.mean(positives) + np.mean(negatives)
    assert by_name("contrastive", margin)(embeddings, LABELS).item() == pytest.approx(expected, abs=1e-5)


def test_supervised_contrastive_loss_is_the_share_of_positives(embeddings: torch.Tensor) -> None:
    closeness = np.exp((embeddings @ embeddings.T).numpy() / 0.1)
    parts = []
    for anchor in LABELLED:
        others = [row for row in LABELLED if row != anchor]
        whole = sum(closeness[anchor, row] for row in others)
        parts.append(
            -np.mean([math.log(closeness[anchor, row] / whole) for row in others if LABELS[row] == LABELS[anchor]])
        )
    assert by_name("supcon")(embeddings, LABELS).item() == pytest.approx(np.mean(parts), rel=1e-4)


def test_proxy_anchor_loss_draws_proxies_to_their_class_and_from_the_rest(embeddings: torch.Tensor) -> None:
    loss, margin = by_name("proxy_anchor", 0.2), 0.2
    (proxies,) = loss.parameters()
    similarity = (F.normalize(proxies, dim=1) @ embeddings.T).detach().numpy()
    near = [
        math.log1p(sum(math.exp(-32 * (similarity[c, row] - margin)) for row in (2 * c, 2 * c + 1))) for c in range(3)
    ]
    far = [
        math.log1p(sum(math.exp(32 * (similarity[c, row] + margin)) for row in LABELLED if LABELS[row] != c))
        for c in range(4)
    ]
    assert loss(embeddings, LABELS).item() == pytest.approx(np.mean(near) + np.mean(far), rel=1e-4)


def test_arcface_widens_the_angle_to_the_right_direction(embeddings: torch.Tensor) -> None:
    loss, margin = by_name("arcface", 0.4), 0.4
    (directions,) = loss.parameters()
    cosine = (embeddings @ F.normalize(directions, dim=0)).detach().numpy()
    parts = []
    for row in LABELLED:
        logits, right = 16 * cosine[row], int(LABELS[row])
        logits[right] = 16 * math.cos(math.acos(cosine[row, right]) + margin)
        parts.append(np.log(np.exp(logits).sum()) - logits[right])
    assert loss(embeddings, LABELS).item() == pytest.approx(np.mean(parts), rel=1e-4)


@pytest.mark.parametrize("voted", [True, False])
def test_gaussian_loss_compares_posteriors_with_votes_or_labels(embeddings: torch.Tensor, voted: bool) -> None:
    """Class 1 is missing from the batch, so that it takes no part."""
    labels, numbers = torch.tensor([0, 0, 2, 2, 2, 3, -1]), embeddings.numpy()
    votes = torch.rand(7, 4, generator=torch.Generator().manual_seed(0)) if voted else torch.eye(4)[labels]
    prior = {0: 2 / 6, 2: 3 / 6, 3: 1 / 6}
    means = {label: numbers[labels == label].mean(axis=0) for label in prior}
    differences = []
    for row in LABELLED:
        density = {
            label: prior[label] * math.exp(-((numbers[row] - means[label]) ** 2).sum() / (2 * 0.5**2))
            for label in prior
        }
        present = sum(votes[row, label].item() for label in prior)
        for label in prior:
            posterior = density[label] / sum(density.values())
            differences.append((posterior - votes[row, label].item() / present) ** 2)
    expected = np.mean(differences) + 1e-3 * np.mean([(mean**2).sum() for mean in means.values()])
    loss = by_name("gaussian")(embeddings, labels, votes if voted else None)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_gaussians_need_thirty_samples_of_a_class() -> None:
    with pytest.raises(TrainingError, match="--samples-per-class must be at least 30, got 29"):
        check_metric_loss("gaussian", 29)
    check_metric_loss("gaussian", 30)
    check_metric_loss("triplet", 2)


@pytest.mark.parametrize("name", METRIC_LOSSES)
def test_rows_without_a_label_take_no_part(name: str, embeddings: torch.Tensor) -> None:
    loss = by_name(name)
    changed = embeddings.clone()
    changed[-1] = -changed[-1]
    torch.testing.assert_close(loss(changed, LABELS), loss(embeddings, LABELS))


@pytest.mark.parametrize("name", METRIC_LOSSES)
@settings(max_examples=20)
@given(order=st.permutations(range(len(LABELS))))
def test_the_order_of_rows_does_not_matter(name: str, order: list[int]) -> None:
    loss, embeddings = by_name(name), some_embeddings()
    torch.testing.assert_close(loss(embeddings[order], LABELS[order]), loss(embeddings, LABELS))


@pytest.mark.parametrize("name", METRIC_LOSSES)
@pytest.mark.parametrize("labels", [[1, 1, 1, -1], [-1, -1, -1, -1], [2, -1, -1, -1]])
def test_where_there_is_nothing_to_tell_apart_nothing_is_learned(name: str, labels: list[int]) -> None:
    loss, embeddings = by_name(name), some_embeddings(4).requires_grad_()
    value = loss(embeddings, torch.tensor(labels))
    value.backward()
    assert value.item() == 0
    for weights in (embeddings, *loss.parameters()):
        assert weights.grad is not None and weights.grad.count_nonzero() == 0


@pytest.mark.parametrize("name", METRIC_LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("labels", [[0, 0, 1, 1], [0, 1, 2, 3], [0, 1, 1, 1]])
@pytest.mark.parametrize("collapsed", [True, False])
def test_losses_and_gradients_are_finite(name: str, dtype: torch.dtype, labels: list[int], collapsed: bool) -> None:
    loss, embeddings = by_name(name), some_embeddings(4)
    embeddings = (embeddings[:1].repeat(4, 1) if collapsed else embeddings).to(dtype).requires_grad_()
    value = loss(embeddings, torch.tensor(labels))
    value.backward()
    assert value.dtype == torch.float32 and value.isfinite()
    assert embeddings.grad is not None and embeddings.grad.isfinite().all()


def test_arcface_learns_on_where_an_embedding_has_arrived() -> None:
    loss = by_name("arcface")
    (directions,) = loss.parameters()
    embeddings = F.normalize(directions, dim=0).T.detach().requires_grad_()
    loss(embeddings, torch.arange(4)).backward()
    assert embeddings.grad is not None and embeddings.grad.isfinite().all()
    assert directions.grad is not None and directions.grad.isfinite().all()


@pytest.mark.parametrize("name", METRIC_LOSSES)
def test_following_the_gradient_makes_classes_alike(name: str) -> None:
    loss, free = by_name(name), some_embeddings().requires_grad_()
    optimizer = torch.optim.Adam([free, *loss.parameters()], lr=0.05)
    start = None
    for _ in range(60):
        value = loss(F.normalize(free, dim=1), LABELS)
        start = value.item() if start is None else start
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    assert start is not None and value.item() < start
    settled = F.normalize(free, dim=1)[:-1]
    same = (LABELS[:-1, None] == LABELS[:-1]) & ~torch.eye(6, dtype=torch.bool)
    other = LABELS[:-1, None] != LABELS[:-1]
    assert (settled @ settled.T)[same].mean() > (settled @ settled.T)[other].mean() + 0.5


def test_proxies_are_parameters_of_the_loss() -> None:
    shapes = {name: [tuple(each.shape) for each in by_name(name).parameters()] for name in METRIC_LOSSES}
    assert {name for name, found in shapes.items() if found} == set(WITH_PROXIES)
    assert shapes["proxy_anchor"] == [(4, 5)] and shapes["arcface"] == [(5, 4)]


SIMILARITIES, VOTES = torch.tensor([[0.5, -0.2], [0.1, 0.3]]), torch.tensor([[0.7, 0.3], [0.0, 1.0]])
PRIOR = torch.tensor([0.9, 0.1]).log()


def test_vote_loss_is_the_cross_entropy_of_votes() -> None:
    logits = 6 * SIMILARITIES.numpy() + PRIOR.numpy()
    log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -(VOTES.numpy() * log_softmax).sum(axis=1).mean()
    assert vote_loss(SIMILARITIES, VOTES, 6.0, PRIOR).item() == pytest.approx(expected, abs=1e-5)


def test_smoothing_and_class_weights_are_those_of_pytorch() -> None:
    weights = torch.tensor([0.4, 3.0])
    expected = F.cross_entropy(6 * SIMILARITIES + PRIOR, VOTES, weights, label_smoothing=0.2)
    found = vote_loss(SIMILARITIES, VOTES, 6.0, PRIOR, smoothing=0.2, class_weights=weights)
    torch.testing.assert_close(found, expected)


def test_focal_loss_weighs_each_class_by_its_missing_probability() -> None:
    probability = (6 * SIMILARITIES + PRIOR).softmax(dim=1).numpy()
    parts = [
        -VOTES[row, label].item() * (1 - probability[row, label]) ** 2 * math.log(probability[row, label])
        for row in range(2)
        for label in range(2)
    ]
    assert vote_loss(SIMILARITIES, VOTES, 6.0, PRIOR, "focal").item() == pytest.approx(sum(parts) / 2, abs=1e-5)


@pytest.mark.parametrize("name", ["votes", "focal"])
def test_a_certain_answer_has_a_finite_gradient(name: str) -> None:
    similarities = torch.tensor([[1.0, -1.0]], requires_grad=True)
    vote_loss(similarities, torch.tensor([[1.0, 0.0]]), 1000.0, torch.zeros(2), name).backward()
    assert similarities.grad is not None and similarities.grad.isfinite().all()


def test_the_prior_makes_similarities_assume_the_wanted_class_frequencies() -> None:
    """The best logits for a batch are its log posterior; taking the offset away must leave data_prior^strength."""
    batch, data = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.8, 0.15, 0.05])
    for strength in (0.0, 0.5, 1.0):
        left = batch.log() - training_log_prior(batch, data, strength)  # what the similarities then carry
        torch.testing.assert_close(left.softmax(0), data**strength / (data**strength).sum())
