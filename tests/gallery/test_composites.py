"""Composites: averages of many different pictures, none of which shows through."""

import dataclasses
import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from siamese.faces.align import warp, whole_picture
from siamese.gallery.closeness import SAME_PICTURE, closest_source, patterns
from siamese.gallery.composites import FEWEST_PICTURES, Composite, CompositeSettings, make_composites, shares
from siamese.vocabulary import EMOTIONS
from tests.gallery.made_up import unit_rows

SETTINGS = CompositeSettings(portraits=12, pictures=16, size=64, symmetry=-1)  # made-up faces have no sides


def drawn_faces(count: int, seed: int, own: float = 0.8) -> NDArray[np.uint8]:
    """Grey pictures (count, 48, 48) that share one layout, each with `own` as much of its own on top."""
    rng = np.random.default_rng(seed)

    def texture(number: int) -> NDArray[np.float64]:
        coarse = rng.normal(size=(number, 8, 8))
        return np.stack(
            [np.asarray(Image.fromarray(each).resize((48, 48), Image.Resampling.BICUBIC)) for each in coarse]
        )

    return np.clip(128 + 30 * (texture(1) + own * texture(count)), 0, 255).astype(np.uint8)


def compose(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    settings: CompositeSettings = SETTINGS,
    read: Callable[[NDArray[np.uint8]], Sequence[str]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Composite]:
    transforms = np.repeat(whole_picture(48, 48)[None], len(images), axis=0)
    return make_composites(images, transforms, unit_rows(len(images)), labels, settings, read, progress)


@pytest.fixture(scope="module")
def two_classes() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.concatenate([drawn_faces(200, 1), drawn_faces(60, 2)]), np.repeat([1, 6], [200, 60])


@pytest.fixture(scope="module")
def composites(two_classes: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> list[Composite]:
    return compose(*two_classes)


def test_each_averages_at_least_sixteen_pictures_of_its_own_emotion(two_classes, composites) -> None:
    _, labels = two_classes
    assert {composite.emotion for composite in composites} == {"happiness", "fear"}
    for composite in composites:
        assert len(np.unique(composite.members)) >= FEWEST_PICTURES
        assert {EMOTIONS[label] for label in labels[composite.members]} == {composite.emotion}
        assert composite.portrait.shape == (64, 64)
        assert composite.crop.shape == (96, 96)
        assert composite.portrait.dtype == composite.crop.dtype == np.uint8


def test_each_tells_how_close_its_closest_source_is(two_classes, composites) -> None:
    images, _ = two_classes
    for composite in composites:
        seen = warp(composite.portrait, whole_picture(*composite.portrait.shape))
        assert composite.closest_source_correlation == closest_source(seen, patterns(images))[1]
        assert composite.closest_source_correlation < SAME_PICTURE


def test_no_two_are_made_of_mostly_the_same_pictures(composites) -> None:
    for one, other in itertools.combinations(composites, 2):
        assert len(np.intersect1d(one.members, other.members)) <= SETTINGS.shared * len(one.members)


def test_the_same_data_give_the_same_composites(two_classes, composites) -> None:
    again = compose(*two_classes)
    assert [each.members.tolist() for each in again] == [each.members.tolist() for each in composites]


def test_a_composite_that_is_one_source_is_dropped() -> None:
    """Nearly equal pictures: each is a different one, but their average is as good as any of them."""
    images = drawn_faces(100, 3, own=0.5)
    nearly_equal = compose(images, np.full(100, 1))
    unlike = compose(drawn_faces(100, 3, own=0.8), np.full(100, 1))
    assert nearly_equal == []
    assert unlike != []


def test_a_source_counts_even_where_it_is_in_no_average(two_classes, composites) -> None:
    images, labels = two_classes
    portrait = composites[0].portrait
    spy = np.concatenate([images, warp(portrait, whole_picture(*portrait.shape))[None]])
    portraits = compose(spy, np.append(labels, -1))
    assert all(closest_source(each.crop, patterns(spy[-1:]))[1] < SAME_PICTURE for each in portraits)


def test_repeats_of_a_picture_count_once() -> None:
    fifteen = drawn_faces(15, 4)
    assert compose(np.repeat(fifteen, 4, axis=0), np.full(60, 1)) == []


def test_a_composite_that_reads_as_something_else_is_dropped(two_classes) -> None:
    readings = compose(*two_classes, read=lambda crops: ["happiness"] * len(crops))
    assert {composite.emotion for composite in readings} == {"happiness"}


def test_progress_reaches_its_end(two_classes) -> None:
    steps: list[tuple[int, int]] = []
    compose(*two_classes, progress=lambda done, total: steps.append((done, total)))
    assert [done for done, _ in steps] == list(range(1, steps[-1][1] + 1))


def test_rare_classes_get_more_than_their_share_but_not_more_than_they_have_pictures_for() -> None:
    counts = shares([10_000, 2_500, 64, 15, 0], 310)
    assert counts[0] == pytest.approx(2 * counts[1], abs=1)
    assert counts[0] / counts[2] < 10_000 / 64
    assert counts[2] == 31  # a tenth of 310: of 64 pictures, one for every two at most
    assert counts[3:] == [0, 0]


def test_a_portrait_half_in_the_dark_is_dropped() -> None:
    lit = drawn_faces(200, 5)
    lit[:, :, 24:] = lit[:, :, 23::-1]  # both halves alike
    half_dark = lit.copy()
    half_dark[:, :, :24] //= 8
    settings = dataclasses.replace(SETTINGS, symmetry=0.4)
    assert compose(lit, np.full(200, 1), settings) != []
    assert compose(half_dark, np.full(200, 1), settings) == []
