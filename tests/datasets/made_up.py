"""Pictures of one shade, by which a test tells them apart after they went through a loader."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from siamese.datasets.samples import Samples
from siamese.vocabulary import EMOTIONS


def write_picture(path: Path, shade: int = 128, size: tuple[int, int] = (48, 48)) -> None:
    """A grey picture of this shade and size (width, height), in the format of the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, shade).save(path)


def png(shade: int) -> bytes:
    """The same as 48×48 PNG bytes."""
    file = io.BytesIO()
    Image.new("L", (48, 48), shade).save(file, "PNG")
    return file.getvalue()


def summary(samples: Samples) -> dict[str, str]:
    """Each row's emotion by its name, after checks of what every loader owes its caller."""
    assert samples.images.dtype == np.uint8
    assert samples.images.ndim == 3
    assert len(samples.images) == len(samples.labels) == len(samples.sources) == len(samples.subjects)
    np.testing.assert_array_equal(samples.targets, np.eye(len(EMOTIONS))[samples.labels])
    return {source: EMOTIONS[label] for source, label in zip(samples.sources, samples.labels, strict=True)}
