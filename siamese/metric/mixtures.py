"""Labelled embeddings → a Gaussian mixture of each class, and from it the class's shades."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from siamese.errors import MeasurementError
from siamese.metric.checks import require_labels, require_rows
from siamese.metric.prototypes import fit_prototypes
from siamese.metric.shades import Shades

COVARIANCES = ("spherical", "diag", "tied", "full")  # scikit-learn's, the simplest first: it wins a tie

_HELD_OUT_SHARE = 0.2
_ITERATIONS = 500


@dataclass(frozen=True)
class ShadeSettings:
    """How many shades a class may have, and what tells them apart: the first `dimensions` principal directions.

    Raises MeasurementError for numbers that no mixture can have.
    """

    components: int = 5  # at most
    fewest: int = 16  # examples in a shade: with fewer, it could show no full row of them
    # In all directions, a rare expression has too few examples for a tied or full covariance. Held-out images of common
    # ones grow likelier with every direction, but past these by less than a hundredth of the variance, which no one
    # could see in a face; and of 8, 16 and 32, validation is read best in 16 (benchmarks/shades.py).
    dimensions: int = 16
    seed: int = 0  # with another, borders may lie elsewhere: expressions shade into one another

    def __post_init__(self) -> None:
        if self.components < 1 or self.fewest < 2 or self.dimensions < 1:
            raise MeasurementError(
                "Shades need at least one component, two examples in each, and one dimension; not "
                f"{self.components}, {self.fewest} and {self.dimensions}."
            )


@dataclass(frozen=True, eq=False)
class ClassMixture:
    """The mixture of one class: its `vectors` (shades, embedding_size) float32 of unit length, the largest shade first.

    `held_out` is the mean log likelihood of a held-out image by covariance type, of those that can work; `covariance`
    is the likeliest. Both are empty for a class with too few of its `examples` for two shades: it has its mean alone.
    """

    name: str
    examples: int
    covariance: str
    held_out: Mapping[str, float]
    vectors: NDArray[np.float32]


def fit_shades(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    held_out: NDArray[np.float32] | None = None,
    held_out_labels: NDArray[np.int64] | None = None,
    settings: ShadeSettings | None = None,
) -> Shades:
    """The shades of each class, by `fit_mixtures`, which takes and raises the same."""
    return shades_of(fit_mixtures(embeddings, labels, names, held_out, held_out_labels, settings))


def shades_of(mixtures: Sequence[ClassMixture]) -> Shades:
    """What is kept of mixtures to read embeddings by."""
    return Shades(tuple(each.name for each in mixtures), tuple(each.vectors for each in mixtures))


def fit_mixtures(
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    names: Sequence[str],
    held_out: NDArray[np.float32] | None = None,
    held_out_labels: NDArray[np.int64] | None = None,
    settings: ShadeSettings | None = None,
) -> tuple[ClassMixture, ...]:
    """A Gaussian mixture of each class's unit embeddings (n, embedding_size); `labels` (n,) index `names`.

    Of each covariance type the mixture with the lowest BIC (Schwarz 1978) is taken, and of these the one under which
    the `held_out` embeddings (m, embedding_size) of the class are likeliest; where there are none, a fifth of its own
    is held out to choose the type. Raises MeasurementError when arrays do not fit each other or a class has no example.
    """
    settings = settings or ShadeSettings()
    require_rows("embeddings", embeddings)
    require_labels(labels, len(embeddings), len(names))
    if held_out is None or held_out_labels is None:
        held_out, held_out_labels = embeddings[:0], labels[:0]
    else:
        require_rows("held-out embeddings", held_out, embeddings.shape[1])
        require_labels(held_out_labels, len(held_out), len(names))
    reduction = PCA(min(settings.dimensions, *embeddings.shape), random_state=settings.seed).fit(embeddings)
    mixtures = []
    for index, name in enumerate(names):
        rows, unseen = embeddings[labels == index], held_out[held_out_labels == index]
        if not len(rows):
            raise MeasurementError(
                f"No example of «{name}», so it can have no shade. Add some, or leave the class out."
            )
        mixtures.append(_class_mixture(name, rows, unseen, reduction, settings))
    return tuple(mixtures)


def _class_mixture(
    name: str,
    rows: NDArray[np.float32],
    held_out: NDArray[np.float32],
    reduction: PCA,
    settings: ShadeSettings,
) -> ClassMixture:
    if min(settings.components, len(rows) // settings.fewest) < 2:
        return ClassMixture(name, len(rows), "", {}, _sub_prototypes(rows, np.ones((len(rows), 1)), name))
    reduced = reduction.transform(rows.astype(np.float64))
    fitted_on, unseen = (reduced, reduction.transform(held_out)) if len(held_out) else _split(reduced, settings.seed)
    candidates = {each: _candidates(fitted_on, each, settings) for each in COVARIANCES}
    mixtures = {each: _least_bic(tried, fitted_on) for each, tried in candidates.items() if tried}
    scores = {each: float(mixture.score(unseen)) for each, mixture in mixtures.items()}
    covariance = max(scores, key=lambda each: scores[each])
    mixture = mixtures[covariance]
    if fitted_on is not reduced:  # the type is chosen, and nothing needs to be held out any more
        mixture = _least_bic(_candidates(reduced, covariance, settings), reduced)
    vectors = _sub_prototypes(rows, mixture.predict_proba(reduced), name)
    return ClassMixture(name, len(rows), covariance, scores, vectors)


def _split(rows: NDArray[np.float64], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shuffled = np.random.default_rng(seed).permutation(rows)
    kept = len(rows) - round(_HELD_OUT_SHARE * len(rows))
    return shuffled[:kept], shuffled[kept:]


def _candidates(rows: NDArray[np.float64], covariance: str, settings: ShadeSettings) -> list[GaussianMixture]:
    """The mixtures of this type in which no component is an accident of a few examples.

    None where none can work: a tied or full covariance needs more examples than directions, or it is singular.
    """
    count, directions = rows.shape
    if covariance == "tied" and count <= directions:
        return []
    fewest = max(settings.fewest, directions + 1) if covariance == "full" else settings.fewest
    tried = (
        GaussianMixture(components, covariance_type=covariance, max_iter=_ITERATIONS, random_state=settings.seed)
        for components in range(1, min(settings.components, count // fewest) + 1)
    )
    return [each for each in tried if round(each.fit(rows).weights_.min() * count) >= fewest]


def _least_bic(mixtures: Sequence[GaussianMixture], rows: NDArray[np.float64]) -> GaussianMixture:
    return min(mixtures, key=lambda each: each.bic(rows))


def _sub_prototypes(rows: NDArray[np.float32], shares: NDArray[np.float64], name: str) -> NDArray[np.float32]:
    """The component means on the sphere, largest shade first: of whole embeddings, since what lies outside the reduced
    directions is small, but theirs. `shares` (n, components) says how much of each belongs to which."""
    alike = np.zeros(len(rows), np.int64)
    vectors = np.concatenate([fit_prototypes(rows, alike, [name], weights=share).vectors for share in shares.T])
    sizes = np.bincount((rows @ vectors.T).argmax(axis=1), minlength=len(vectors))
    order = np.argsort(-sizes, kind="stable")
    return vectors[order[sizes[order] > 0]]
