"""Unit embeddings and labels of a batch → one figure of how far likeness is from following expression, by name."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.losses import (
    ArcFaceLoss,
    ContrastiveLoss,
    ProxyAnchorLoss,
    SupConLoss,
    TripletMarginLoss,
)
from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner
from pytorch_metric_learning.reducers import MeanReducer
from torch import nn

from siamese.datasets.samples import UNLABELLED
from siamese.errors import TrainingError
from siamese.training.losses.gaussian import GaussianManifoldLoss
from siamese.vocabulary import EMOTIONS

_ARCFACE_SCALE = (
    16.0  # the paper's 64 is for thousands of classes; with eight, 16 lets probabilities come near enough to 1
)
_LEAST_FOR_GAUSSIANS = 30  # samples of each class in a batch


class MetricLoss(nn.Module):
    """A loss on unit embeddings. What it learns itself, such as proxies, are its parameters."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(
        self, embeddings: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Embeddings (n, d) of any float type, labels (n,) and, where a loss can use them, votes (n, c) → a float32.

        Rows labelled UNLABELLED take no part. Where fewer than two classes are left, there is nothing to tell apart:
        the loss and its gradients are zero.
        """
        labelled = labels != UNLABELLED
        embeddings, labels = embeddings[labelled].float(), labels[labelled]
        if len(labels.unique()) < 2:
            return sum((each.sum() * 0 for each in self.parameters()), embeddings.sum() * 0)
        return self.loss(embeddings, labels, None if targets is None else targets[labelled])


def metric_loss(
    name: str, margin: float | None = None, classes: int = len(EMOTIONS), embedding_size: int = 128
) -> MetricLoss:
    """The loss by this name in `METRIC_LOSSES`, with this margin or the usual one; the sizes are for its proxies."""
    recipe = METRIC_LOSSES[name]
    return MetricLoss(recipe.build(recipe.margin if margin is None else margin, classes, embedding_size))


def check_metric_loss(name: str, samples_per_class: int) -> None:
    """Raise TrainingError where batches hold too few samples of a class for this loss."""
    if name == "gaussian" and samples_per_class < _LEAST_FOR_GAUSSIANS:
        raise TrainingError(
            f"--metric-loss gaussian measures the mean of each class in a batch, for which --samples-per-class must be "
            f"at least {_LEAST_FOR_GAUSSIANS}, got {samples_per_class}."
        )


class _OnMined(nn.Module):
    """A loss of pytorch-metric-learning on the pairs or triplets that a miner picks, or on all."""

    def __init__(self, loss: nn.Module, miner: nn.Module | None = None) -> None:
        super().__init__()
        self.loss, self.miner = loss, miner

    def forward(self, embeddings: torch.Tensor, labels: torch.Tensor, _: torch.Tensor | None) -> torch.Tensor:
        mined = None if self.miner is None else self.miner(embeddings.detach(), labels)
        return self.loss(embeddings, labels, mined)


class _SquaredContrastiveLoss(ContrastiveLoss):
    """The library's contrastive loss has no square."""

    def get_per_pair_loss(self, pair_dists: torch.Tensor, pos_or_neg: str) -> torch.Tensor:
        return super().get_per_pair_loss(pair_dists, pos_or_neg).square()


class _InnerCosine(CosineSimilarity):
    """Cosine similarity short of ±1, where the angle has no finite gradient."""

    def compute_mat(self, query_emb: torch.Tensor, ref_emb: torch.Tensor) -> torch.Tensor:
        return super().compute_mat(query_emb, ref_emb).clamp(-1 + 1e-6, 1 - 1e-6)


def _contrastive(margin: float, *_: int) -> nn.Module:
    """D² of positive pairs and max(0, margin − D)² of negative ones, D the Euclidean distance (Hadsell et al. 2006).

    Both kinds are averaged by themselves, as if each positive pair were balanced by a negative one.
    """
    return _OnMined(_SquaredContrastiveLoss(neg_margin=margin, distance=LpDistance(), reducer=MeanReducer()))


def _triplet_all(margin: float, *_: int) -> nn.Module:
    """Every triplet that violates the margin of cosine similarity, averaged."""
    return _OnMined(TripletMarginLoss(margin=margin, distance=CosineSimilarity()))


def _triplet_semi_hard(margin: float, *_: int) -> nn.Module:
    """Triplets that violate the margin of cosine similarity but not the order (Schroff et al., FaceNet, 2015)."""
    distance = CosineSimilarity()
    miner = TripletMarginMiner(margin=margin, distance=distance, type_of_triplets="semihard")
    return _OnMined(TripletMarginLoss(margin=margin, distance=distance), miner)


def _triplet_batch_hard(margin: float, *_: int) -> nn.Module:
    """Each anchor with its least similar positive and most similar negative (Hermans et al. 2017)."""
    distance = CosineSimilarity()
    loss = TripletMarginLoss(margin=margin, distance=distance, reducer=MeanReducer())
    return _OnMined(loss, BatchHardMiner(distance=distance))


def _supervised_contrastive(*_: float) -> nn.Module:
    """Each anchor's positives against all others, at temperature 0.1 (Khosla et al. 2020); it has no margin."""
    return _OnMined(SupConLoss(temperature=0.1))


def _proxy_anchor(margin: float, classes: int, embedding_size: int) -> nn.Module:
    """Learned proxies as anchors of the whole batch, by cosine similarity (Kim et al. 2020)."""
    return _OnMined(ProxyAnchorLoss(classes, embedding_size, margin=margin))


def _arcface(margin: float, classes: int, embedding_size: int) -> nn.Module:
    """Softmax over learned directions, the right one's angle widened by the margin in radians (Deng et al. 2019)."""
    loss = ArcFaceLoss(
        classes, embedding_size, margin=math.degrees(margin), scale=_ARCFACE_SCALE, distance=_InnerCosine()
    )
    return _OnMined(loss)


class _Recipe(NamedTuple):
    """A loss with its usual margin: how it is made from margin, classes and components of the embedding."""

    margin: float
    build: Callable[[float, int, int], nn.Module]


METRIC_LOSSES: dict[str, _Recipe] = {
    "contrastive": _Recipe(1.0, _contrastive),
    "triplet": _Recipe(0.3, _triplet_semi_hard),
    "triplet_all": _Recipe(0.3, _triplet_all),
    "triplet_hard": _Recipe(0.3, _triplet_batch_hard),
    "supcon": _Recipe(0.0, _supervised_contrastive),
    "proxy_anchor": _Recipe(0.1, _proxy_anchor),
    "arcface": _Recipe(0.5, _arcface),
    "gaussian": _Recipe(0.0, lambda *_: GaussianManifoldLoss()),
}
