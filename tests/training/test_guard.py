"""The guard measures how embeddings spread, and tells a collapsed network from one that has learned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.training.guard import collapse_sentence, collapsed, spread


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_spread_is_the_mean_over_all_pairs() -> None:
    embeddings = unit(np.random.default_rng(0).normal(size=(12, 5)))
    labels = np.arange(12) % 3
    similarities = embeddings @ embeddings.T
    same = labels[:, None] == labels
    others = ~np.eye(12, dtype=bool)
    measured = spread(embeddings, labels)
    assert measured["intra_similarity"] == pytest.approx(similarities[same & others].mean(), abs=1e-6)
    assert measured["inter_similarity"] == pytest.approx(similarities[~same].mean(), abs=1e-6)
    assert measured["margin"] == pytest.approx(measured["intra_similarity"] - measured["inter_similarity"])


def test_classes_on_axes_of_their_own_are_as_far_apart_as_can_be() -> None:
    measured = spread(np.eye(4, dtype=np.float32).repeat(5, axis=0), np.arange(4).repeat(5))
    assert measured == pytest.approx(
        {"intra_similarity": 1.0, "inter_similarity": 0.0, "margin": 1.0, "effective_rank": 4.0}
    )


@given(st.floats(0, 1e-3), st.integers(0, 100))
def test_a_collapsed_network_has_similarities_of_one_no_margin_and_one_direction(noise: float, seed: int) -> None:
    rows = np.ones((20, 6)) + noise * np.random.default_rng(seed).normal(size=(20, 6))
    measured = spread(unit(rows), np.arange(20) % 4)
    assert measured["inter_similarity"] > 0.999
    assert abs(measured["margin"]) < 1e-3
    assert measured["effective_rank"] < 1.1


def rows(*figures: tuple[float, float]) -> list[dict[str, float]]:
    return [{"inter_similarity": similarity, "margin": margin} for similarity, margin in figures]


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (rows((0.5, 0.3), (0.99, 0.01), (0.999, 0.001), (0.999, 0.0005)), True),
        (rows((0.999, 0.001), (0.999, 0.001), (0.999, 0.001)), True),
        (rows((0.99999, 1e-6), (0.99999, 0.9e-6), (0.99999, 1.1e-6)), True),  # whose margin is noise
        (rows((0.999, 0.001), (0.999, 0.001)), False),  # too early to tell
        (rows((0.999, 0.001), (0.998, 0.005), (0.99, 0.02)), False),  # coming apart
        (rows((0.99, 0.01), (0.99, 0.01), (0.97, 0.005)), False),  # not alike any more
    ],
)
def test_collapsed_is_what_stays_alike_for_three_epochs(epochs: list[dict[str, float]], expected: bool) -> None:
    assert collapsed(epochs, 0.98) is expected


def test_the_sentence_names_the_collapse_its_figures_and_its_cures() -> None:
    row = {"epoch": 3.0, "inter_similarity": 0.99712, "margin": 2e-6, "effective_rank": 1.04}
    sentence = collapse_sentence(row, 0.98)
    for part in ("collapsed in epoch 3", "0.9971", "2e-06", "rank is 1.0", "--collapse is 0.98", "--warmup"):
        assert part in sentence
