"""Shades as a gallery shows them: every example belongs to its nearest sub-prototype; portraits are of examples."""

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.errors import MeasurementError
from siamese.gallery import shading, thumbnails
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.gallery.shading import shades_in
from siamese.gallery.store import IN_MEMORY
from tests.gallery.made_up import NETWORK, SIZE, unit_rows


def around(directions: NDArray[np.float32], each: int, seed: int = 0) -> NDArray[np.float32]:
    rows = np.repeat(directions, each, axis=0) + 0.2 * unit_rows(each * len(directions), seed)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def gallery_of(rows: NDArray[np.float32], emotions: list[str], grey: list[int] | None = None) -> Gallery:
    gallery = Gallery.create(IN_MEMORY, "A test", NETWORK, SIZE)
    pictures = [thumbnails.encode(np.full((40, 40), level, np.uint8)) for level in grey or [128] * len(rows)]
    items = [
        Item(f"item{number}", emotion, "a photo", "folder", picture)
        for number, (emotion, picture) in enumerate(zip(emotions, pictures, strict=True))
    ]
    gallery.add(items, rows)
    return gallery


def test_each_example_is_of_the_shade_whose_sub_prototype_is_nearest() -> None:
    directions = np.eye(3, SIZE, dtype=np.float32)
    rows = around(directions, 10)
    gallery = gallery_of(np.concatenate([rows, rows]), ["fear"] * 30 + ["anger"] * 30)
    shades = shades_in(gallery, "fear", directions, top=4)
    assert [(shade.number, shade.share) for shade in shades] == [(1, 1 / 3), (2, 1 / 3), (3, 1 / 3)]
    for number, shade in enumerate(shades):
        similarities = {f"item{row}": float(rows[row] @ directions[number]) for row in range(30)}
        best = sorted(similarities, key=similarities.__getitem__, reverse=True)[:4]
        assert [match.item.id for match in shade.examples] == best
        members = rows[10 * number : 10 * number + 10]
        assert shade.medoid.id == f"item{10 * number + int((members @ members.T).sum(axis=1).argmax())}"


def test_a_shade_without_an_example_is_left_out_and_the_others_keep_their_numbers() -> None:
    directions = np.eye(3, SIZE, dtype=np.float32)
    shades = shades_in(gallery_of(around(directions[[0, 2]], 5), ["fear"] * 10), "fear", directions)
    assert [(shade.number, len(shade.examples)) for shade in shades] == [(1, 5), (3, 5)]


def test_the_portrait_is_the_average_of_the_examples_pictures() -> None:
    y, x = np.mgrid[:160, :160] / 159
    pictures = [(255 * x).astype(np.uint8), (255 * y).astype(np.uint8)]
    gallery = Gallery.create(IN_MEMORY, "A test", NETWORK, SIZE)
    rows = around(np.eye(1, SIZE, dtype=np.float32), 2)
    gallery.add(
        [Item(f"{n}", "fear", "", "folder", thumbnails.encode(picture)) for n, picture in enumerate(pictures)], rows
    )
    (shade,) = shades_in(gallery, "fear", np.eye(1, SIZE, dtype=np.float32))
    middle = np.s_[50:110, 50:110]
    assert shade.portrait.shape == (160, 160) and shade.portrait.dtype == np.uint8
    assert np.corrcoef(shade.portrait[middle].ravel(), (x + y)[middle].ravel())[0, 1] > 0.99


def test_of_very_many_examples_an_even_sample_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shading, "LOOKED_AT", 10)
    directions = np.eye(2, SIZE, dtype=np.float32)
    shades = shades_in(gallery_of(around(directions, 50), ["fear"] * 100), "fear", directions)
    assert [(len(shade.examples), shade.share) for shade in shades] == [(5, 0.5), (5, 0.5)]


def test_sub_prototypes_of_another_network_are_refused() -> None:
    gallery = gallery_of(unit_rows(3), ["fear"] * 3)
    with pytest.raises(MeasurementError, match="sub-prototypes"):
        shades_in(gallery, "fear", np.eye(2, SIZE + 1, dtype=np.float32))
