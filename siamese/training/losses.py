"""Embeddings of a batch → the two terms that are minimised: the metric loss and the fit of the votes."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from pytorch_metric_learning.distances import CosineSimilarity
from pytorch_metric_learning.losses import ContrastiveLoss, TripletMarginLoss
from pytorch_metric_learning.miners import TripletMarginMiner

from siamese.datasets.samples import UNLABELLED

_LEAST_SHARE = 1e-4

MetricLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def metric_loss(name: str, margin: float) -> MetricLoss:
    """The loss by this name, as a function of embeddings (n, d) and labels (n,); rows without a label take no part."""
    loss = {"triplet": _triplet, "contrastive": _contrastive}[name](margin)

    def of_labelled(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        labelled = labels != UNLABELLED
        return loss(embeddings[labelled], labels[labelled])

    return of_labelled


def _triplet(margin: float) -> MetricLoss:
    """Semi-hard triplets of the batch, which violate the margin but not the order (Schroff et al., FaceNet, 2015)."""
    distance = CosineSimilarity()
    loss = TripletMarginLoss(margin=margin, distance=distance)
    miner = TripletMarginMiner(margin=margin, distance=distance, type_of_triplets="semihard")

    def mined(embeddings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return loss(embeddings, labels, miner(embeddings.detach(), labels))

    return mined


def _contrastive(margin: float) -> MetricLoss:
    """Every pair of the batch: positives drawn to similarity 1, negatives pushed below 1 − margin (Hadsell 2006)."""
    return ContrastiveLoss(pos_margin=1.0, neg_margin=1.0 - margin, distance=CosineSimilarity())


def vote_loss(similarities: torch.Tensor, votes: torch.Tensor, scale: float, log_prior: torch.Tensor) -> torch.Tensor:
    """Cross-entropy between votes (n, c) and the softmax of scaled proxy similarities (n, c), a scalar.

    `log_prior` (c,) is added to the logits while training only, so that the similarities themselves need not carry the
    classes' frequencies (logit adjustment, Menon et al. 2021).
    """
    return F.cross_entropy(scale * similarities + log_prior, votes)


def training_log_prior(batch_prior: torch.Tensor, data_prior: torch.Tensor, strength: float) -> torch.Tensor:
    """What to add to the logits so that, without it, they assume class frequencies proportional to data_prior^strength.

    Both priors are (c,) and sum to one: the classes' shares in the batches drawn and in the data. A class that the data
    lacks counts as if it had a share of 1e-4.
    """
    return batch_prior.clamp(min=_LEAST_SHARE).log() - strength * data_prior.clamp(min=_LEAST_SHARE).log()
