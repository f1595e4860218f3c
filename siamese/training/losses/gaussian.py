"""Embeddings and their classes → how far the classes are from Gaussians of one width that do not overlap."""

import torch
import torch.nn.functional as F
from torch import nn

_MEAN_PENALTY = 1e-3
_LEAST_SHARE = 1e-6


class GaussianManifoldLoss(nn.Module):
    """The structured Gaussian manifold loss (Marrero Fernandez et al., Deep Metric Structured Learning for Facial
    Expression Recognition, 2019).

    Each class of the batch is a Gaussian about its mean there, of standard deviation `sigma`, as likely beforehand as
    it is frequent in the batch. Minimised is the mean squared difference between each embedding's posterior and its
    votes, or its label, among the classes present; and beside it, a little, the squared length of the means. A mean
    needs some 30 samples of its class to be worth its name.
    """

    def __init__(self, sigma: float = 0.5) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(
        self, embeddings: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Embeddings (n, d), labels (n,) and votes (n, c), which the labels stand in for where there are none."""
        present, own = labels.unique(return_inverse=True)
        members = F.one_hot(own, len(present)).to(embeddings.dtype)
        counts = members.sum(dim=0)
        means = members.T @ embeddings / counts[:, None]
        squared = (embeddings[:, None] - means).square().sum(dim=2)
        posterior = (counts.log() - squared / (2 * self.sigma**2)).softmax(dim=1)
        truth = members if targets is None else _shares(targets[:, present])
        return F.mse_loss(posterior, truth) + _MEAN_PENALTY * means.square().sum(dim=1).mean()


def _shares(votes: torch.Tensor) -> torch.Tensor:
    return votes / votes.sum(dim=1, keepdim=True).clamp(min=_LEAST_SHARE)
