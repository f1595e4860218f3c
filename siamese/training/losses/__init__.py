"""Embeddings of a batch → the two terms that are minimised: the metric loss and the fit of the votes."""

from siamese.training.losses.auxiliary import AUXILIARY_LOSSES, training_log_prior, vote_loss
from siamese.training.losses.metric import METRIC_LOSSES, MetricLoss, check_metric_loss, metric_loss

__all__ = [
    "AUXILIARY_LOSSES",
    "METRIC_LOSSES",
    "MetricLoss",
    "check_metric_loss",
    "metric_loss",
    "training_log_prior",
    "vote_loss",
]
