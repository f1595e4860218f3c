"""What was asked of a data set and what lies at its root → nothing, or the sentence that says what is wrong."""

from collections.abc import Iterable
from pathlib import Path

from siamese.errors import DatasetError


def require_choice(name: str, value: str, allowed: Iterable[str], dataset: str) -> None:
    """Raise DatasetError, listing what there is, when a data set has no such split or protocol."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise DatasetError(f"Unknown {name} «{value}» for {dataset}. Choose one of: {', '.join(allowed)}.")


def wrong_root(dataset: str, root: Path, *layouts: str) -> DatasetError:
    """The error to raise when a folder holds a data set in none of its layouts, each said in a few words."""
    problem = f"{root} does not look like {dataset}" if root.is_dir() else f"There is no folder {root}"
    return DatasetError(f"{problem}. The root of {dataset} must be a folder that holds {'; or '.join(layouts)}.")
