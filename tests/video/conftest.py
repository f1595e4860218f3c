"""A service, and made videos of a face that it finds."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese import ExpressionService
from siamese.settings import Settings
from tests.video.made_up import faces, write_video


@pytest.fixture(scope="session")
def service(reference: Path) -> ExpressionService:
    """The tiny reference set, for videos."""
    return ExpressionService.load(reference, settings=Settings(search_seconds=0.5))


@pytest.fixture(scope="session")
def portrait_video(astronaut: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of one face, with sound, at ten frames a second."""
    return write_video(tmp_path_factory.mktemp("videos") / "portrait.mp4", faces(astronaut, 20), sound=True)
