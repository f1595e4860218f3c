"""Faces and their embeddings → composite portraits, each the average of many faces of one shade of an emotion."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from siamese.faces.align import face_crop, warp, whole_picture
from siamese.gallery.averaging import average, faded
from siamese.gallery.closeness import SAME_PICTURE, closest_source, distinct, patterns, symmetry
from siamese.vocabulary import EMOTIONS

FEWEST_PICTURES = 16  # in one portrait

_SETTLING_ROUNDS = 4


@dataclass(frozen=True)
class CompositeSettings:
    """How many portraits to try for in all, of how many pictures each, and how they are drawn."""

    portraits: int = 520  # before those that fail a check are dropped
    pictures: int = 24  # averaged in one portrait; small classes go down to FEWEST_PICTURES
    candidates: int = 3  # times as many pictures near a centre are looked at, to take those that look most alike
    shared: float = 0.5  # of its pictures that a portrait may have in common with another one
    symmetry: float = 0.4  # with its mirror image; a portrait below it is in profile or half in the dark
    size: int = 160  # pixels
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Composite:
    """A portrait (size, size) uint8 grey of an emotion, averaged over the images in rows `members`.

    `crop` (96, 96) is what the network sees of it; `closest_source_correlation` the highest correlation with any image.
    """

    emotion: str
    portrait: NDArray[np.uint8]
    crop: NDArray[np.uint8]
    members: NDArray[np.int64]
    closest_source_correlation: float


def make_composites(
    images: NDArray[np.uint8],
    transforms: NDArray[np.float32],
    embeddings: NDArray[np.float32],
    labels: NDArray[np.int64],
    settings: CompositeSettings | None = None,
    read: Callable[[NDArray[np.uint8]], Sequence[str]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Composite]:
    """Composites of every emotion that has enough different pictures, in the vocabulary's order.

    `images` (n, height, width) uint8 grey; `transforms` (n, 2, 3) from aligned crop to image; `embeddings` (n, d)
    float32. `labels` (n,) holds indices of EMOTIONS; images with −1 are averaged into none, but composites are compared
    with them too. A composite is dropped when it is close to a single source (SAME_PICTURE), when it shares too many
    pictures with an earlier one, when it is in profile or half in the dark, or when `read` (crops (n, 96, 96) → names)
    takes it for another emotion. `progress` is told how many centres of how many are done.
    """
    settings = settings or CompositeSettings()
    crops = np.stack([warp(*pair) for pair in zip(images, transforms, strict=True)])
    sources = patterns(crops)
    pools = {name: _different(sources, labels == index) for index, name in enumerate(EMOTIONS)}
    counts = shares([len(rows) for rows in pools.values()], settings.portraits)
    composites: list[Composite] = []
    done = 0
    for (emotion, rows), count in zip(pools.items(), counts, strict=True):
        taken: list[NDArray[np.int64]] = []
        for members in _groups(embeddings, crops, rows, count, settings):
            done += 1
            if progress:
                progress(done, sum(counts))
            if any(len(np.intersect1d(members, other)) > settings.shared * len(members) for other in taken):
                continue
            composite = _composite(emotion, images, transforms, sources, members, settings.size)
            if _presentable(composite, settings) and _recognisable(composite, read):
                composites.append(composite)
                taken.append(members)
    return composites


def shares(sizes: Sequence[int], total: int) -> list[int]:
    """How many of `total` portraits each class gets: by the root of its size, so that rare classes show too.

    Of a rare class a tenth of them is tried, since most of those fail a check; but never more than one for every two
    pictures, and none for a class with fewer than FEWEST_PICTURES.
    """
    roots = np.sqrt(sizes)
    wanted = np.round(total * np.maximum(roots / max(roots.sum(), 1), 0.1)).astype(int)
    possible = [size // 2 if size >= FEWEST_PICTURES else 0 for size in sizes]
    return [min(*pair) for pair in zip(wanted.tolist(), possible, strict=True)]


def _different(sources: NDArray[np.float32], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    rows = np.flatnonzero(chosen)
    return rows[distinct(sources[rows])]


def _groups(
    embeddings: NDArray[np.float32],
    crops: NDArray[np.uint8],
    rows: NDArray[np.int64],
    count: int,
    settings: CompositeSettings,
) -> Iterator[NDArray[np.int64]]:
    """The rows to average around each of `count` cluster centres of a class."""
    if count == 0:
        return
    pictures = int(np.clip(len(rows) // 7, FEWEST_PICTURES, settings.pictures))
    candidates = min(settings.candidates * pictures, max(pictures, len(rows) // 3))
    clusters = KMeans(count, n_init=1, random_state=settings.seed).fit(embeddings[rows])
    for centre in clusters.cluster_centers_:
        nearest = np.argsort(-(embeddings[rows] @ centre), kind="stable")[:candidates]
        yield _alike(crops, rows[nearest], pictures)


def _alike(crops: NDArray[np.uint8], candidates: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The `count` candidates that look most alike, settled upon from the one most frontal: one pose, so less blur."""
    looks = patterns(crops[candidates])
    model = looks[symmetry(crops[candidates]).argmax()]
    for _ in range(_SETTLING_ROUNDS):
        chosen = np.argsort(-(looks @ model), kind="stable")[:count]
        model = looks[chosen].mean(axis=0)
    return np.sort(candidates[chosen])


def _composite(
    emotion: str,
    images: NDArray[np.uint8],
    transforms: NDArray[np.float32],
    sources: NDArray[np.float32],
    members: NDArray[np.int64],
    size: int,
) -> Composite:
    average_face = average(images[members], transforms[members], size)
    portrait = faded(average_face)
    whole = whole_picture(size, size)
    closest = closest_source(warp(average_face, whole), sources)[1]
    return Composite(emotion, portrait, face_crop(portrait, whole), members, closest)


def _presentable(composite: Composite, settings: CompositeSettings) -> bool:
    near_a_source = composite.closest_source_correlation >= SAME_PICTURE
    return not near_a_source and float(symmetry(composite.crop[None])[0]) >= settings.symmetry


def _recognisable(composite: Composite, read: Callable[[NDArray[np.uint8]], Sequence[str]] | None) -> bool:
    return read is None or read(composite.crop[None])[0] == composite.emotion
