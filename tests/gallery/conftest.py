"""Fixtures of the gallery's tests."""

from collections.abc import Callable
from functools import partial

import pytest

from siamese.gallery.engines.choice import AUTOMATIC
from siamese.gallery.gallery import Gallery
from tests.gallery.made_up import made_up_gallery


@pytest.fixture(scope="session")
def milvus(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an engine in Milvus Lite; each store has its own place there."""
    for package in ("pymilvus", "milvus_lite"):
        pytest.importorskip(package, reason="Milvus is not installed: `pip install -r requirements-milvus.txt`")
    return f"milvus:{tmp_path_factory.mktemp('milvus') / 'index.db'}"


@pytest.fixture(params=[AUTOMATIC, "milvus"])
def engine(request: pytest.FixtureRequest) -> str:
    """The two kinds of engine, in this process and at an address."""
    return str(request.getfixturevalue("milvus") if request.param == "milvus" else request.param)


@pytest.fixture
def make_gallery(engine: str) -> Callable[..., Gallery]:
    return partial(made_up_gallery, engine=engine)
