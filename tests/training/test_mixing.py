"""Mixing blends pictures and their votes in one proportion, and takes the label from what it has mixed."""

import dataclasses

import pytest
import torch

from siamese.datasets.samples import UNLABELLED
from siamese.training.config import TrainingConfig
from siamese.training.mixing import mix

ALL = dataclasses.replace(TrainingConfig(), mix_share=1.0, mix_alpha=1.0)


def batch(count: int = 64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Crops that are white throughout for one class and black for the other, so that a pixel tells whose it is."""
    labels = torch.arange(count) % 2
    return labels.float().view(-1, 1, 1, 1).expand(-1, 1, 48, 48), torch.eye(2)[labels], labels


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_votes_are_mixed_in_the_proportion_of_the_pixels(name: str) -> None:
    crops, votes, _ = mix(*batch(), dataclasses.replace(ALL, mix=name), seed=1)
    torch.testing.assert_close(crops.mean(dim=(1, 2, 3)), votes[:, 1])
    torch.testing.assert_close(votes.sum(dim=1), torch.ones(len(votes)))
    assert ((votes > 0.2) & (votes < 0.8)).any()


def test_mixup_blends_every_pixel_alike_and_cutmix_takes_a_rectangle() -> None:
    blended, *_ = mix(*batch(), dataclasses.replace(ALL, mix="mixup"), seed=1)
    torch.testing.assert_close(blended, blended[:, :, :1, :1].expand_as(blended))
    pasted, *_ = mix(*batch(), dataclasses.replace(ALL, mix="cutmix"), seed=1)
    assert set(pasted.unique().tolist()) == {0.0, 1.0}
    for crop, label in zip(pasted[:, 0], batch()[2], strict=True):
        foreign = crop != label
        rows, columns = foreign.any(dim=1).sum(), foreign.any(dim=0).sum()
        assert foreign.sum() == rows * columns


def test_the_share_of_one_picture_is_spread_as_the_beta_distribution_says() -> None:
    """Beta(1, 1) is uniform; where both pictures are of one class, the votes stay one-hot."""
    _, votes, _ = mix(*batch(4000), dataclasses.replace(ALL, mix="mixup"), seed=2)
    mixed = votes[:, 1][(votes[:, 1] > 0) & (votes[:, 1] < 1)]
    assert len(mixed) == pytest.approx(2000, abs=150)
    assert mixed.mean().item() == pytest.approx(0.5, abs=0.03)
    assert mixed.std().item() == pytest.approx(12**-0.5, abs=0.02)


def test_what_is_mixed_has_no_label_and_the_rest_is_left_alone() -> None:
    crops, votes, labels = batch(2000)
    mixed = mix(crops, votes, labels, dataclasses.replace(ALL, mix="mixup", mix_share=0.3), seed=3)
    left = mixed[2] != UNLABELLED
    assert left.float().mean().item() == pytest.approx(0.7, abs=0.04)
    for before, after in zip((crops, votes, labels), mixed, strict=True):
        torch.testing.assert_close(after[left], before[left])


def test_without_mixing_the_batch_is_the_batch() -> None:
    for before, after in zip(batch(), mix(*batch(), TrainingConfig(mix="none"), seed=0), strict=True):
        torch.testing.assert_close(after, before)


def test_the_seed_alone_decides() -> None:
    config = dataclasses.replace(ALL, mix="cutmix")
    torch.testing.assert_close(mix(*batch(), config, seed=4)[0], mix(*batch(), config, seed=4)[0])
    assert (mix(*batch(), config, seed=4)[0] != mix(*batch(), config, seed=5)[0]).any()
