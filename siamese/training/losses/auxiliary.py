"""Similarities to the proxies → how far they are from the votes: the term that gives every class its place."""

import torch
import torch.nn.functional as F

_FOCUS = {"votes": 0.0, "focal": 2.0}  # name → γ, the power by which what is already right counts less
AUXILIARY_LOSSES = tuple(_FOCUS)

_LEAST_SHARE = 1e-4


def vote_loss(
    similarities: torch.Tensor,
    votes: torch.Tensor,
    scale: float,
    log_prior: torch.Tensor,
    name: str = "votes",
    smoothing: float = 0.0,
    class_weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Cross-entropy between votes (n, c) and the softmax of scaled proxy similarities (n, c), a scalar.

    `log_prior` (c,) is added to the logits while training only, so that the similarities themselves need not carry the
    classes' frequencies (logit adjustment, Menon et al. 2021). The name `focal` weighs each class's part by
    (1 − probability)² (Lin et al. 2017), `class_weights` (c,) by its class. `smoothing` is the share of every target
    that is spread over all classes evenly (Szegedy et al. 2016).
    """
    targets = votes * (1 - smoothing) + smoothing / votes.shape[1]
    log_probabilities = F.log_softmax(scale * similarities + log_prior, dim=1)
    missing = -torch.expm1(log_probabilities)  # 1 − probability
    parts = -targets * missing ** _FOCUS[name] * log_probabilities
    return (parts if class_weights is None else parts * class_weights).sum(dim=1).mean()


def training_log_prior(batch_prior: torch.Tensor, data_prior: torch.Tensor, strength: float) -> torch.Tensor:
    """What to add to the logits so that, without it, they assume class frequencies proportional to data_prior^strength.

    Both priors are (c,) and sum to one: the classes' shares in the batches drawn and in the data. A class that the data
    lacks counts as if it had a share of 1e-4.
    """
    return batch_prior.clamp(min=_LEAST_SHARE).log() - strength * data_prior.clamp(min=_LEAST_SHARE).log()
