"""Fixtures of the gallery's tests."""

from collections.abc import Callable

import pytest

from siamese.gallery.gallery import Gallery
from tests.gallery.made_up import NETWORK, items, unit_rows


@pytest.fixture
def make_gallery() -> Callable[..., Gallery]:
    def make(emotions: list[str], seed: int = 0) -> Gallery:
        return Gallery(items(emotions), unit_rows(len(emotions), seed), "A test", NETWORK)

    return make
