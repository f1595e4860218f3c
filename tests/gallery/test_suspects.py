"""Wrong labels: found where a flip is known, ranked by votes as a plain loop counts them, and never vouched for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

from siamese.errors import MeasurementError
from siamese.gallery import suspects
from siamese.gallery.suspects import find_suspects, whitened
from tests.gallery.made_up import unit_rows

NAMES = np.array(["anger", "fear", "happiness"])


def faces(count: int, seed: int = 0, spread: float = 0.5) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit rows (count, 8) around one direction for each of three labels."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.arange(count) % 3)
    rows = 2 * np.eye(3, 8)[codes] + spread * rng.normal(size=(count, 8))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), codes


@given(seed=st.integers(0, 99), wrong=st.integers(1, 12))
@settings(max_examples=10)
def test_flipped_labels_come_first_with_the_true_one_suggested(seed: int, wrong: int) -> None:
    rows, codes = faces(150, seed, spread=0.25)
    given_codes = codes.copy()
    given_codes[:wrong] = (codes[:wrong] + 1) % 3
    found = find_suspects(rows, NAMES[given_codes])
    assert {each.row for each in found[:wrong]} == set(range(wrong))
    for each in found[:wrong]:
        assert (each.label, each.suggested) == (NAMES[given_codes[each.row]], NAMES[codes[each.row]])


@given(count=st.integers(2, 40), seed=st.integers(0, 99), neighbours=st.integers(1, 60))
@settings(max_examples=20)
def test_every_row_is_ranked_once_with_a_score_from_0_to_1(count: int, seed: int, neighbours: int) -> None:
    rows, codes = faces(count, seed)
    labels = NAMES[codes].tolist()
    found = find_suspects(rows, labels, neighbours=neighbours)
    assert sorted(each.row for each in found) == list(range(count))
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0
    assert max(scores) <= 1
    for each in found:
        assert each.label == labels[each.row]
        assert each.suggested in labels
        assert each.row not in each.disagreeing
        assert all(labels[other] != each.label for other in each.disagreeing)


def test_the_same_faces_are_ranked_alike_each_time() -> None:
    rows, codes = faces(60)
    assert find_suspects(rows, NAMES[codes]) == find_suspects(rows, NAMES[codes])


def plain_votes(
    rows: NDArray[np.float32], codes: NDArray[np.int64], groups: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """The shares of two rounds of votes, neighbour by neighbour."""
    trust = [1.0] * len(rows)
    for _ in range(2):
        shares = np.zeros((len(rows), codes.max() + 1))
        for row in range(len(rows)):
            others = [other for other in range(len(rows)) if groups[other] != groups[row]]
            similarity = {other: float(rows[row] @ rows[other]) for other in others}
            for other in sorted(others, key=lambda each: -similarity[each])[:count]:
                shares[row, codes[other]] += np.exp((similarity[other] - 1) / 0.2) * trust[other]
            shares[row] /= shares[row].sum()
        trust = [shares[row, codes[row]] for row in range(len(rows))]
    return shares


@pytest.mark.parametrize("of_one", [1, 3])
@pytest.mark.parametrize("batch", [7, 1024])
def test_votes_are_those_of_a_plain_loop(of_one: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "_BATCH", batch)
    rows, codes = faces(45, spread=0.8)
    groups = np.arange(45) // of_one
    found, strengths = suspects._neighbours(rows, groups, 10)
    np.testing.assert_allclose(
        suspects._by_votes(codes, found, strengths), plain_votes(rows, codes, groups, 10), atol=1e-5
    )


def test_disagreeing_neighbours_are_the_nearest_of_other_labels() -> None:
    rows, codes = faces(45, spread=0.8)
    space = whitened(rows, codes)
    for each in find_suspects(rows, NAMES[codes], neighbours=20):
        nearest = [row for row in np.argsort(-(space @ space[each.row])) if row != each.row][:20]
        assert list(each.disagreeing) == [row for row in nearest if codes[row] != codes[each.row]][:6]


def test_frames_of_one_film_do_not_vouch_for_its_wrong_label() -> None:
    """Sixty films of three near-identical frames, the first three films labelled wrongly throughout."""
    rows, codes = faces(60, seed=3, spread=0.3)
    rng = np.random.default_rng(0)
    frames = np.repeat(rows, 3, axis=0) + 0.01 * rng.normal(size=(180, 8)).astype(np.float32)
    frames /= np.linalg.norm(frames, axis=1, keepdims=True)
    codes[:3] = (codes[:3] + 1) % 3
    labels, films = NAMES[np.repeat(codes, 3)], np.repeat(np.arange(60), 3).astype(str)
    apart = find_suspects(frames, labels, films, neighbours=5)
    together = find_suspects(frames, labels, neighbours=5)
    assert {each.row for each in apart[:9]} == set(range(9))
    assert max(each.score for each in together if each.row < 9) < min(each.score for each in apart[:9])


def test_similarity_is_that_of_mahalanobis() -> None:
    """Through the inverse of the shrunk scatter, instead of its square root."""
    rows, codes = faces(60)
    residuals = np.concatenate([rows[codes == code] - rows[codes == code].mean(axis=0) for code in range(3)])
    inverse = np.linalg.inv(LedoitWolf(assume_centered=True).fit(residuals).covariance_)
    centred = rows - rows.mean(axis=0)
    products = centred @ inverse @ centred.T
    lengths = np.sqrt(np.diag(products))
    space = whitened(rows, codes)
    np.testing.assert_allclose(space @ space.T, products / np.outer(lengths, lengths), atol=1e-4)


@given(films=st.integers(5, 40), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_folds_keep_films_together_and_labels_apart(films: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes, film = np.repeat(rng.integers(0, 3, films), 3), np.repeat(rng.permutation(films), 3)
    folds = suspects._folds(codes, film)
    assert all(len(set(folds[film == each])) == 1 for each in range(films))
    assert set(folds) == set(range(5))
    for code in np.unique(codes):
        sizes = np.bincount(folds[codes == code], minlength=5)
        assert sizes.max() - sizes.min() <= 3


def test_the_regression_judges_a_row_without_its_own_label() -> None:
    rows, codes = faces(60)
    folds = suspects._folds(codes, np.arange(60))
    model = LogisticRegression(max_iter=1000).fit(rows[folds != 2], codes[folds != 2])
    judged = suspects._by_regression(rows, codes, np.arange(60))[folds == 2]
    np.testing.assert_allclose(judged, model.predict_proba(rows[folds == 2]), atol=1e-6)


def test_a_result_is_ready_for_json() -> None:
    (first, second) = find_suspects(np.eye(2, 8, dtype=np.float32), ["fear", "anger"])
    assert first.to_dict() == {
        "row": 0,
        "label": "fear",
        "suggested": "anger",
        "score": 1.0,
        "disagreeing": [1],
    }
    assert second.to_dict()["row"] == 1


def test_labels_that_all_agree_are_not_doubted() -> None:
    assert max(each.score for each in find_suspects(unit_rows(20), ["fear"] * 20)) == pytest.approx(0)


def test_identical_faces_are_no_obstacle() -> None:
    same = np.repeat(np.eye(1, 8, dtype=np.float32), 12, axis=0)
    found = find_suspects(same, ["fear"] * 11 + ["anger"])
    assert (found[0].row, found[0].suggested) == (11, "fear")


@pytest.mark.parametrize(
    ("rows", "labels", "groups", "neighbours", "sentence"),
    [
        (unit_rows(3), ["fear"] * 2, None, 5, "3 labels"),
        (unit_rows(3), ["fear"] * 3, ["a"] * 4, 5, "3 groups"),
        (unit_rows(3), ["fear"] * 3, ["a"] * 3, 5, "two faces at least"),
        (unit_rows(1), ["fear"], None, 5, "two faces at least"),
        (unit_rows(3), ["fear"] * 3, None, 0, "one neighbour at least"),
        (np.full((3, 8), np.nan, np.float32), ["fear"] * 3, None, 5, "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(rows, labels, groups, neighbours: int, sentence: str) -> None:
    with pytest.raises(MeasurementError, match=sentence):
        find_suspects(rows, labels, groups, neighbours)
