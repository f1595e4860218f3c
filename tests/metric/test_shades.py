"""Shades: sub-prototypes of a class, found by mixtures, and the examples that show them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from siamese.errors import MeasurementError, ReferenceSetError
from siamese.metric.mixtures import ShadeSettings, fit_mixtures, fit_shades
from siamese.metric.prototypes import fit_prototypes
from siamese.metric.shades import Shades, closest, medoids

NAMES = ("calm", "glad", "cross")
PLANTED = (3, 1, 2)  # shades of each
SIZE = 24
SETTINGS = ShadeSettings(dimensions=8)


def on_the_sphere(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def planted(seed, each=60):
    """Unit embeddings around six orthogonal directions, their labels, and which blob they were drawn from."""
    blobs = np.repeat(np.arange(sum(PLANTED)), each)
    noise = 0.05 * np.random.default_rng(seed).normal(size=(len(blobs), SIZE))
    labels = np.repeat(np.arange(len(PLANTED)), PLANTED)[blobs]
    return on_the_sphere(np.eye(SIZE)[blobs] + noise), labels, blobs


@pytest.fixture(scope="module")
def train():
    return planted(0)


@pytest.fixture(scope="module")
def unseen():
    return planted(1, each=20)


@pytest.fixture(scope="module")
def mixtures(train, unseen):
    return fit_mixtures(train[0], train[1], NAMES, unseen[0], unseen[1], SETTINGS)


@pytest.fixture(scope="module")
def shades(train, unseen):
    return fit_shades(train[0], train[1], NAMES, unseen[0], unseen[1], SETTINGS)


@st.composite
def random_shades(draw):
    """Shades of one to four classes, and embeddings, all random."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    vectors = tuple(on_the_sphere(random.normal(size=(count, 5))) for count in counts)
    return Shades(tuple(map(str, range(len(counts)))), vectors), on_the_sphere(random.normal(size=(12, 5)))


def test_planted_shades_are_found_again(train, shades):
    embeddings, labels, blobs = train
    assert tuple(map(len, shades.vectors)) == PLANTED
    for index, name in enumerate(NAMES):
        members = shades.shade_of(embeddings[labels == index], name)
        assert adjusted_rand_score(blobs[labels == index], members) == 1
        centres = np.unique(blobs[labels == index])
        assert (np.sort((shades.vectors[index] @ np.eye(SIZE)[centres].T).argmax(axis=1)) == range(len(centres))).all()
    np.testing.assert_array_equal(shades.nearest(embeddings), labels)


def test_a_sub_prototype_is_the_direction_of_the_mean_of_its_examples(train, shades):
    embeddings, labels, _ = train
    for index, name in enumerate(NAMES):
        rows = embeddings[labels == index]
        members = shades.shade_of(rows, name)
        for shade, vector in enumerate(shades.vectors[index]):
            np.testing.assert_allclose(vector, on_the_sphere(rows[members == shade].mean(axis=0)), atol=1e-5)


def test_the_largest_shade_comes_first():
    embeddings, labels, blobs = planted(0)
    kept = np.flatnonzero((blobs != 0) | (np.arange(len(blobs)) < 20))
    shades = fit_shades(embeddings[kept], labels[kept], NAMES, settings=SETTINGS)
    sizes = np.bincount(shades.shade_of(embeddings[kept][labels[kept] == 0], "calm"))
    assert sizes.tolist() == [60, 60, 20]


@pytest.mark.parametrize("wrong", [{"components": 0}, {"fewest": 1}, {"dimensions": 0}])
def test_settings_that_no_mixture_can_have_are_refused(wrong):
    with pytest.raises(MeasurementError, match="at least one component, two examples in each, and one dimension"):
        ShadeSettings(**wrong)


def test_no_more_shades_than_asked_for(train):
    shades = fit_shades(train[0], train[1], NAMES, settings=ShadeSettings(components=2, dimensions=8))
    assert [len(vectors) for vectors in shades.vectors] == [2, 1, 2]


def parameters(covariance, components, directions):
    """How many numbers a mixture is described by: its shares, its means, and its covariances."""
    one = directions * (directions + 1) // 2
    covariances = {"spherical": components, "diag": components * directions, "tied": one, "full": components * one}
    return components - 1 + components * directions + covariances[covariance]


def by_hand(mixture, rows):
    """The log likelihood (n,) of rows under a mixture, from the densities of its components."""
    directions = rows.shape[1]
    each = {
        "spherical": lambda part: np.eye(directions) * mixture.covariances_[part],
        "diag": lambda part: np.diag(mixture.covariances_[part]),
        "tied": lambda part: mixture.covariances_,
        "full": lambda part: mixture.covariances_[part],
    }[mixture.covariance_type]
    densities = [multivariate_normal(mean, each(part)).pdf(rows) for part, mean in enumerate(mixture.means_)]
    return np.log(mixture.weights_ @ np.array(densities))


def test_components_are_those_of_the_least_bic_and_the_covariance_the_likeliest_on_validation():
    """Of a class that is no mixture of the kind, so that the types differ in how many components they take."""
    random = np.random.default_rng(0)
    embeddings = on_the_sphere(np.array([6, 0, 0, 0]) + random.normal(size=(400, 4)) * [1, 3, 1, 0.3])
    fitted_on, unseen = embeddings[:300], embeddings[300:]
    settings = ShadeSettings(components=4, fewest=2, dimensions=3)
    reduction = PCA(3).fit(fitted_on)
    rows, held_out = reduction.transform(fitted_on), reduction.transform(unseen)
    expected, counts = {}, {}
    for covariance in ("spherical", "diag", "tied", "full"):
        bic = {}
        for components in range(1, 5):
            mixture = GaussianMixture(components, covariance_type=covariance, random_state=0, max_iter=500).fit(rows)
            cost = parameters(covariance, components, 3) * np.log(len(rows))
            bic[cost - 2 * by_hand(mixture, rows).sum()] = by_hand(mixture, held_out).mean(), components
        expected[covariance], counts[covariance] = bic[min(bic)]
    (found,) = fit_mixtures(fitted_on, np.zeros(300, np.int64), ("calm",), unseen, np.zeros(100, np.int64), settings)
    assert found.held_out == pytest.approx(expected, abs=1e-3)
    assert found.covariance == max(expected, key=expected.get)
    assert len(found.vectors) == counts[found.covariance]


def test_the_same_seed_finds_the_same(train, shades):
    again = fit_shades(train[0], train[1], NAMES, *planted(1, each=20)[:2], SETTINGS)
    for one, other in zip(shades.vectors, again.vectors, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_validation_a_part_is_held_out(train, mixtures):
    for held_out in ((None, None), (train[0][:1], np.array([2]))):
        found = fit_mixtures(train[0], train[1], NAMES, *held_out, SETTINGS)
        assert tuple(len(each.vectors) for each in found) == PLANTED
        assert all(each.covariance in each.held_out for each in found)


@pytest.mark.parametrize("count", [1, 2, 5, 31])
def test_a_class_of_few_examples_has_its_prototype_for_its_only_shade(train, count):
    rows = np.concatenate([np.arange(count), np.flatnonzero(train[1] > 0)])
    embeddings, labels = train[0][rows], train[1][rows]
    rare, *others = fit_mixtures(embeddings, labels, NAMES, settings=SETTINGS)
    assert (rare.examples, rare.covariance, rare.held_out) == (count, "", {})
    np.testing.assert_allclose(rare.vectors, fit_prototypes(embeddings, labels, NAMES).vectors[:1], atol=1e-6)
    assert [len(each.vectors) for each in others] == [1, 2]


def test_one_example_a_class_is_enough():
    corners = np.eye(3, 5, dtype=np.float32)
    shades = fit_shades(corners, np.arange(3), NAMES)
    np.testing.assert_allclose(np.concatenate(shades.vectors), corners)


def test_a_few_stray_examples_are_no_shade(train):
    """Five examples of «glad» lie far from its others: BIC alone would give them a component of their own."""
    embeddings = np.concatenate([train[0], on_the_sphere(np.eye(SIZE)[[9] * 5] + 0.01 * np.eye(SIZE)[:5])])
    labels = np.concatenate([train[1], np.ones(5, np.int64)])
    assert len(fit_shades(embeddings, labels, NAMES, settings=SETTINGS).vectors[1]) == 1
    easy = ShadeSettings(dimensions=8, fewest=4)
    assert len(fit_shades(embeddings, labels, NAMES, settings=easy).vectors[1]) == 2


def test_covariances_that_would_be_singular_are_not_tried(train):
    embeddings, labels, _ = train
    few = np.concatenate([np.flatnonzero(labels == index)[:40] for index in range(3)])
    wide = ShadeSettings(dimensions=SIZE, fewest=8, components=2)
    for found in fit_mixtures(embeddings[few], labels[few], NAMES, settings=wide):
        assert set(found.held_out) == {"spherical", "diag", "tied", "full"}
    fewer = np.concatenate([np.flatnonzero(labels == index)[:20] for index in range(3)])
    for found in fit_mixtures(embeddings[fewer], labels[fewer], NAMES, settings=wide):
        assert set(found.held_out) == {"spherical", "diag"}


@given(random_shades())
def test_a_class_is_as_similar_as_the_most_similar_of_its_shades(drawn):
    shades, embeddings = drawn
    similarities = shades.similarities(embeddings)
    assert similarities.shape == (len(embeddings), len(shades.names))
    for index, (name, vectors) in enumerate(zip(shades.names, shades.vectors, strict=True)):
        cosines = np.array([[float(np.dot(row, vector)) for vector in vectors] for row in embeddings])
        assert (similarities[:, index, None] >= cosines - 1e-6).all()
        of_its_shade = cosines[np.arange(len(embeddings)), shades.shade_of(embeddings, name)]
        np.testing.assert_allclose(similarities[:, index], of_its_shade, atol=1e-6)
    np.testing.assert_array_equal(shades.nearest(embeddings), similarities.argmax(axis=1))


@given(random_shades())
def test_the_closest_rows_agree_with_brute_force(drawn):
    shades, embeddings = drawn
    labels = np.arange(len(embeddings)) % len(shades.names)
    near = closest(shades, embeddings, labels, top=4)
    for index, vectors in enumerate(shades.vectors):
        rows = [row for row in range(len(labels)) if labels[row] == index]
        for shade, vector in enumerate(vectors):
            ranked = sorted(rows, key=lambda row, to=vector: -float(np.dot(embeddings[row], to)))
            assert near[index][shade].tolist() == ranked[:4]


def test_a_medoid_has_the_least_distance_to_its_shade(train, shades):
    embeddings, labels, _ = train
    for index, found in enumerate(medoids(shades, embeddings, labels)):
        rows = np.flatnonzero(labels == index)
        members = shades.shade_of(embeddings[rows], NAMES[index])
        for shade, medoid in enumerate(found):
            own = rows[members == shade]
            distances = [sum(float(np.sum((embeddings[a] - embeddings[b]) ** 2)) for b in own) for a in own]
            assert medoid == own[int(np.argmin(distances))]


def test_as_many_rows_show_a_shade_as_its_class_has(train, shades):
    embeddings, labels, _ = train
    few = np.flatnonzero(np.arange(len(labels)) % 60 < 3)
    assert [each.shape for each in closest(shades, embeddings, labels)] == [(3, 16), (1, 16), (2, 16)]
    assert [each.shape for each in closest(shades, embeddings[few], labels[few])] == [(3, 9), (1, 3), (2, 6)]


def test_a_shade_without_an_example_has_no_medoid(train, shades):
    embeddings, labels, blobs = train
    others = blobs != 0
    with pytest.raises(MeasurementError, match="A shade of «calm» has no example among these"):
        medoids(shades, embeddings[others], labels[others])


def test_a_shade_of_an_unknown_class_is_refused(train, shades):
    with pytest.raises(MeasurementError, match=r"no class «sly»\. The classes are: calm, glad, cross"):
        shades.shade_of(train[0], "sly")


def test_what_is_saved_is_what_is_loaded(shades, tmp_path):
    shades.save(tmp_path / "shades.npz")
    again = Shades.load(tmp_path / "shades.npz")
    assert again.names == shades.names
    for one, other in zip(again.vectors, shades.vectors, strict=True):
        np.testing.assert_array_equal(one, other)


UNIT = {"names": np.array(["calm", "glad"]), "counts": np.array([1, 2]), "vectors": np.eye(3)}


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"names": UNIT["names"], "vectors": UNIT["vectors"]},
        {**UNIT, "vectors": 2 * np.eye(3)},
        {**UNIT, "counts": np.array([1, 1])},
        {**UNIT, "counts": np.array([0, 3])},
        {**UNIT, "counts": np.array([3])},
        {**UNIT, "counts": np.array([], dtype=np.int64)},
        {**UNIT, "names": np.array([{"code": "run"}, "glad"], dtype=object)},
    ],
)
def test_a_file_that_holds_no_shades_is_refused(arrays, tmp_path):
    with (tmp_path / "shades.npz").open("wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(ReferenceSetError, match=r"shades\.npz does not hold shades"):
        Shades.load(tmp_path / "shades.npz")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ReferenceSetError, match=r"shades\.npz does not hold shades"):
        Shades.load(tmp_path / "shades.npz")


@pytest.mark.parametrize(
    ("names", "vectors", "sentence"),
    [
        ((), (), "as many different names"),
        (("calm",), (np.eye(2), np.eye(2)), "as many different names"),
        (("calm", "calm"), (np.eye(2), np.eye(2)), "as many different names"),
        (("calm", "glad"), (np.eye(2), np.eye(3)), r"must be an array \(n, 2\)"),
        (("calm", "glad"), (np.eye(2), np.empty((0, 2))), "with n ≥ 1"),
        (("calm",), (2 * np.eye(2),), "unit length"),
    ],
)
def test_names_and_vectors_must_fit(names, vectors, sentence):
    with pytest.raises(MeasurementError, match=sentence):
        Shades(names, vectors)


@pytest.mark.parametrize(
    ("labels", "held_out", "held_out_labels", "sentence"),
    [
        ([0, 1, 1], None, None, "No example of «cross», so it can have no shade"),
        ([0, 1], None, None, "Expected 3 whole-number labels"),
        ([0, 1, 3], None, None, "Label 3 is not among 0 to 2"),
        ([0, 1, 2], np.eye(2), [0, 1], r"held-out embeddings must be an array \(n, 3\)"),
        ([0, 1, 2], np.eye(3), [0, 1], "Expected 3 whole-number labels"),
    ],
)
def test_examples_that_have_no_shades_are_refused(labels, held_out, held_out_labels, sentence):
    held_out_labels = None if held_out_labels is None else np.array(held_out_labels)
    with pytest.raises(MeasurementError, match=sentence):
        fit_shades(np.eye(3, dtype=np.float32), np.array(labels), NAMES, held_out, held_out_labels)
