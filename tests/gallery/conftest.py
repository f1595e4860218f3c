"""Fixtures of the gallery's tests."""

from collections.abc import Callable

import pytest

from siamese.gallery.gallery import Gallery
from tests.gallery.made_up import made_up_gallery


@pytest.fixture
def make_gallery() -> Callable[..., Gallery]:
    return made_up_gallery
