"""Arrays that are to be measured → nothing, or a MeasurementError that says what is wrong with them."""

import numpy as np
from numpy.typing import ArrayLike

from siamese.errors import MeasurementError

_UNIT_TOLERANCE = 1e-3  # how far from 1 a length may be, above float32 (and float16) rounding


def require_rows(name: str, rows: ArrayLike, columns: int | None = None) -> None:
    """Refuse `rows` unless it is a finite array (n, columns) with at least one row."""
    array = np.asarray(rows)
    if array.ndim != 2 or not len(array) or array.shape[1] != (columns or array.shape[1]):
        raise MeasurementError(f"The {name} must be an array (n, {columns or 'd'}) with n ≥ 1, not {array.shape}.")
    if not np.isfinite(array).all():
        raise MeasurementError(
            f"The {name} hold values that are not finite. Check the photos or the network behind them."
        )


def require_unit_rows(name: str, rows: ArrayLike) -> None:
    """Refuse `rows` unless it is a finite array (n, d) with at least one row, each of unit length."""
    require_rows(name, rows)
    if np.abs(np.linalg.norm(np.asarray(rows), axis=1) - 1).max() > _UNIT_TOLERANCE:
        raise MeasurementError(f"The {name} must be of unit length.")


def require_labels(labels: ArrayLike, count: int, classes: int | None = None) -> None:
    """Refuse `labels` unless they are `count` whole numbers from 0, below `classes` where that is given."""
    array = np.asarray(labels)
    if array.shape != (count,) or not np.issubdtype(array.dtype, np.integer):
        raise MeasurementError(f"Expected {count} whole-number labels, one a row, not {array.dtype} {array.shape}.")
    if array.min() < 0 or (classes is not None and array.max() >= classes):
        wrong = array.min() if array.min() < 0 else array.max()
        highest = "" if classes is None else f" to {classes - 1}"
        raise MeasurementError(f"Label {wrong} is not among 0{highest}. Leave rows without a label out.")
