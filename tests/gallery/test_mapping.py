"""Embeddings in the plane: neighbours stay neighbours, few or equal ones too have places, and new ones find theirs."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.manifold import trustworthiness

from siamese.gallery.mapping import lay_out, settle
from tests.gallery.made_up import unit_rows

CLUSTERS, OF_EACH = 6, 40


@pytest.fixture(scope="module")
def clusters() -> NDArray[np.float32]:
    """Unit rows around six directions, cluster by cluster."""
    rows = np.repeat(np.eye(CLUSTERS, 32), OF_EACH, axis=0) + np.random.default_rng(0).normal(
        scale=0.06, size=(CLUSTERS * OF_EACH, 32)
    )
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def places(clusters: NDArray[np.float32]) -> NDArray[np.float32]:
    return lay_out(clusters)


def test_neighbours_stay_neighbours(clusters: NDArray[np.float32], places: NDArray[np.float32]) -> None:
    assert trustworthiness(clusters, places, n_neighbors=10) > 0.9
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    nearest = distances.argsort(axis=1)[:, 1:11] // OF_EACH
    assert (nearest == np.arange(len(places))[:, None] // OF_EACH).mean() > 0.99


def test_they_fill_the_unit_square_from_left_to_right(places: NDArray[np.float32]) -> None:
    assert places.dtype == np.float32
    assert places[:, 0].min() == 0 and places[:, 0].max() == 1
    assert places.min() >= 0 and places.max() <= 1


def test_the_same_embeddings_get_the_same_places(clusters: NDArray[np.float32], places: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(lay_out(clusters), places, atol=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 20])
def test_few_have_places_too(count: int) -> None:
    places = lay_out(unit_rows(count))
    assert places.shape == (count, 2) and places.min(initial=0) >= 0 and places.max(initial=1) <= 1
    assert len(np.unique(places, axis=0)) == count


def test_one_is_in_the_middle_and_two_are_at_either_side() -> None:
    assert lay_out(unit_rows(1)).tolist() == [[0.5, 0.5]]
    np.testing.assert_allclose(sorted(lay_out(unit_rows(2)).tolist()), [[0, 0.5], [1, 0.5]], atol=1e-6)


@pytest.mark.parametrize("count", [2, 40])
def test_equal_ones_share_the_middle(count: int) -> None:
    assert (lay_out(np.repeat(unit_rows(1), count, axis=0)) == 0.5).all()


def test_a_copy_lands_on_its_original(clusters: NDArray[np.float32], places: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(settle(clusters, clusters, places), places, atol=1e-3)


def test_a_new_one_lands_among_its_like(clusters: NDArray[np.float32], places: NDArray[np.float32]) -> None:
    landed = settle(np.eye(CLUSTERS, 32, dtype=np.float32), clusters, places)
    for own, place in enumerate(landed):
        assert np.linalg.norm(places - place, axis=1).argmin() // OF_EACH == own


def test_one_neighbour_far_away_pulls_no_further_than_one_nearby() -> None:
    rows = np.repeat(unit_rows(1), 12, axis=0)
    rows += np.random.default_rng(1).normal(scale=0.1, size=rows.shape).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    places = np.full((12, 2), 0.2, dtype=np.float32)
    places[0] = 1
    landed = settle(unit_rows(1), rows, places)
    np.testing.assert_allclose(landed, [[0.2, 0.2]], atol=0.01)


def test_with_nothing_laid_out_all_are_in_the_middle() -> None:
    nothing = np.zeros((0, 8), dtype=np.float32)
    assert settle(unit_rows(2), nothing, lay_out(nothing)).tolist() == [[0.5, 0.5]] * 2
    assert settle(nothing, unit_rows(2), lay_out(unit_rows(2))).shape == (0, 2)
