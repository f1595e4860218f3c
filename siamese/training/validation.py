"""A network on its way and the validation part → how well it recognises, verifies and spreads, after each epoch."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from siamese.metric.prototypes import fit_prototypes
from siamese.metric.verification import count_pairs, roc_auc
from siamese.network.twin import TwinNetwork
from siamese.training.checkpoint import Row
from siamese.training.data import LabelledCrops
from siamese.training.guard import spread
from siamese.training.reading import read_in_parts
from siamese.vocabulary import EMOTIONS

_ON_DEVICE = 1024  # crops that are moved there together


def validate(network: TwinNetwork, examples: LabelledCrops, validation: LabelledCrops) -> Row:
    """Recognition by the nearest prototype of some training examples, and verification over all validation pairs.

    `score`, the mean of accuracy, balanced accuracy and ROC-AUC, decides which epoch is best.
    """
    present, index = np.unique(examples.labels, return_inverse=True)
    prototypes = fit_prototypes(embed(network, examples.crops), index, [EMOTIONS[label] for label in present])
    embeddings = embed(network, validation.crops)
    nearest = present[prototypes.nearest(embeddings)]
    figures = {
        "accuracy": float(accuracy_score(validation.labels, nearest)),
        "balanced_accuracy": float(balanced_accuracy_score(validation.labels, nearest)),
        "roc_auc": roc_auc(count_pairs(embeddings, validation.labels)),
    }
    return {**figures, "score": float(np.mean(list(figures.values()))), **spread(embeddings, validation.labels)}


@torch.no_grad()
def embed(network: TwinNetwork, crops: torch.Tensor) -> NDArray[np.float32]:
    """The embeddings (n, embedding_size) of crops (n, 1, 96, 96) in 0…1, on the network's device, in full precision."""
    network.eval().to(memory_format=torch.channels_last)
    device = network.proxies.device
    read = [read_in_parts(network, part.to(device)).float().cpu() for part in crops.split(_ON_DEVICE)]
    return torch.cat(read).numpy()
