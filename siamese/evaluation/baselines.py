"""Images with labels → how far classical methods get: what a network has to beat.

Each is a scikit-learn pipeline that takes images (n, 48, 48) uint8 as they are, with its features inside.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog, local_binary_pattern
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from siamese.errors import MeasurementError
from siamese.evaluation.classifiers import Classifier, ClassifierEvidence, measure_classifier, named
from siamese.evaluation.labelled import Labelled

_CELL = 8  # pixels; a side of the cells in which gradients and patterns are counted
_PATTERNS = 59  # local binary patterns of eight neighbours: 58 uniform ones, and all others together


def pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey levels in 0…1, row by row, (n, height · width), of images (n, height, width)."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def grey_levels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The share of each image's pixels that have each of the 256 grey levels, (n, 256)."""
    return _shares(images.reshape(len(images), -1), 256)


def gradients(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of oriented gradients in cells of 8×8 pixels, by blocks of 2×2 cells (Dalal and Triggs, CVPR 2005)."""
    cells = {"orientations": 8, "pixels_per_cell": (_CELL, _CELL), "cells_per_block": (2, 2)}
    return np.stack([hog(image, **cells) for image in images]).astype(np.float32)


def patterns(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Histograms of uniform local binary patterns in cells of 8×8 pixels (Shan, Gong, McOwan 2009), (n, cells · 59)."""
    codes = np.stack([local_binary_pattern(image, 8, 1, "nri_uniform") for image in images]).astype(np.int64)
    n, height, width = codes.shape
    cells = codes.reshape(n, height // _CELL, _CELL, width // _CELL, _CELL).swapaxes(2, 3)
    return _shares(cells.reshape(-1, _CELL * _CELL), _PATTERNS).reshape(n, -1)


BASELINES: dict[str, Callable[[], Pipeline]] = {
    "HOG + linear SVM": lambda: make_pipeline(FunctionTransformer(gradients), LinearSVC(dual=False)),
    "LBP + random forest": lambda: make_pipeline(
        FunctionTransformer(patterns), RandomForestClassifier(300, n_jobs=-1, random_state=0)
    ),
    "nearest pixels": lambda: make_pipeline(FunctionTransformer(pixels), _three_nearest()),
    "nearest grey levels": lambda: make_pipeline(FunctionTransformer(grey_levels), _three_nearest()),
    "MLP on pixels": lambda: make_pipeline(
        FunctionTransformer(pixels), StandardScaler(), MLPClassifier((256, 64), early_stopping=True, random_state=0)
    ),
}


def measure_baselines(
    train: Labelled,
    validation: Labelled,
    test: Labelled,
    names: Iterable[str] = tuple(BASELINES),
    limit: int | None = None,
) -> tuple[ClassifierEvidence, ...]:
    """Fit the baselines of these names on at most `limit` training images, drawn at random, and measure them on test.

    Nothing is chosen: each has one setting, and validation's accuracy only stands beside. With 25,000 images most take
    minutes each; `limit` shortens that. Raises MeasurementError when there is no such baseline, or images are not
    (n, 48, 48) uint8 or another size in whole cells of 8 pixels.
    """
    for part in (train, validation, test):
        _require_images(part.rows, train.rows.shape[1:])
    chosen = {name: named("baseline", BASELINES, name) for name in names}
    return tuple(
        measure_classifier(name, Classifier(baseline(), limit=limit), train, validation, test)
        for name, baseline in chosen.items()
    )


def _three_nearest() -> KNeighborsClassifier:
    """By the sum of absolute differences, the nearer with more weight."""
    return KNeighborsClassifier(3, weights="distance", metric="manhattan", algorithm="brute")


def _shares(values: NDArray[np.integer], kinds: int) -> NDArray[np.float32]:
    """The share of each row's values (n, m) that are of each kind, (n, kinds)."""
    rows, size = values.shape
    cells = np.arange(rows)[:, None] * kinds + values
    counts = np.bincount(cells.ravel(), minlength=rows * kinds)
    return (counts.reshape(rows, kinds) / size).astype(np.float32)


def _require_images(images: NDArray[Any], shape: tuple[int, ...]) -> None:
    whole_cells = images.ndim == 3 and not any(side % _CELL for side in images.shape[1:])
    if images.dtype != np.uint8 or not whole_cells or images.shape[1:] != shape:
        raise MeasurementError(
            f"Baselines take grey images (n, 48, 48) uint8, not {images.dtype} {images.shape}. Scale them alike."
        )
