"""What all tests share: hypothesis without a clock, and real photos, none of which is in the repository."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.io
from hypothesis import settings
from numpy.typing import NDArray

from siamese.faces.detect import FaceDetector
from tests.fetch_photos import FOLDER
from tests.tiny import tiny_reference

settings.register_profile("semblance", deadline=None)  # how long an example takes says more of the machine than of us
settings.load_profile("semblance")


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """A portrait with one smiling face, RGB (512, 512, 3)."""
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """The astronaut as a file."""
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    skimage.io.imsave(path, astronaut)
    return path


@pytest.fixture(scope="session")
def group_photos() -> list[Path]:
    """Six photos; in name order, they show 3, 3, 3, 4, 5 and 4 people, two in the second from the side or bowed."""
    if not FOLDER.is_dir():
        pytest.skip("No group photos: `make setup-test` fetches them where there are npm and its registry.")
    return sorted(FOLDER.glob("sample*.jpg"))


@pytest.fixture(scope="session")
def detector() -> FaceDetector:
    """One detector for all tests, since loading its networks takes a moment."""
    return FaceDetector()


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small reference set, whose answers mean nothing but are real ones."""
    return tiny_reference(tmp_path_factory.mktemp("reference"))
