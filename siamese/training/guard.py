"""Validation embeddings → how they spread; an epoch's spread → what to say of a network that has collapsed.

A collapsed network holds all faces for alike, whatever they show: every similarity goes to 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from siamese.metric.structure import effective_rank, mean_similarities
from siamese.training.checkpoint import Row

JUDGED = 3  # epochs at the end of a run, by which it is told
_NOISE = 1e-5  # of a margin measured in single precision
CURES = (
    "What helps: a lower --head-learning-rate (or --learning-rate), a longer --warmup, a larger --auxiliary-weight, "
    "or another --metric-loss."
)


def spread(embeddings: NDArray[np.float32], labels: NDArray[np.int64]) -> Row:
    """How unit embeddings (n, d) with labels (n,) lie: similarity within and between labels, margin, effective rank.

    Raises MeasurementError where there are no pairs of both kinds.
    """
    similarities = mean_similarities(embeddings, labels)
    return {
        "intra_similarity": similarities.intra,
        "inter_similarity": similarities.inter,
        "margin": similarities.margin,
        "effective_rank": effective_rank(embeddings),
    }


def collapsed(rows: Sequence[Row], limit: float) -> bool:
    """Whether, after these epochs, all faces look alike to the network: for three of them in turn, those of different
    expressions had a mean similarity of `limit` or more, and did not come apart.

    A network that has just begun may hold all faces for alike too, but then its margin grows, by more than is noise.
    """
    last = rows[-JUDGED:]
    alike = len(last) == JUDGED and all(row["inter_similarity"] >= limit for row in last)
    return alike and last[-1]["margin"] - last[0]["margin"] <= _NOISE


def collapse_sentence(row: Row, limit: float) -> str:
    """What to tell whoever runs a training whose faces of different expressions have come to be alike."""
    return (
        f"The network has collapsed in epoch {row['epoch']:.0f}: faces of different expressions have a mean similarity "
        f"of {row['inter_similarity']:.4f} (--collapse is {limit:g}), {row['margin']:.2g} below that of the same "
        f"expression, and the embeddings' effective rank is {row['effective_rank']:.1f}. {CURES}"
    )
