"""Table files, parquet or CSV → their rows, or a sentence about what they lack."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from siamese.errors import DatasetError


def read_parquet(path: Path, columns: Sequence[str], dataset: str) -> list[dict[str, Any]]:
    """Every row as a dictionary of these columns. Raises DatasetError when the file is missing or lacks one."""
    try:
        return pq.read_table(require_part(path, dataset), columns=list(columns)).to_pylist()
    except (pa.ArrowInvalid, KeyError) as error:
        raise DatasetError(f"{path} is not {dataset} as parquet with the columns {', '.join(columns)}.") from error


def require_part(path: Path, dataset: str) -> Path:
    """The path itself. Raises DatasetError when the file is missing."""
    if not path.is_file():
        raise DatasetError(f"There is no file {path}. Put that part of {dataset} there, or choose another.")
    return path


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """One row after the other: the line of the file that it ends in, from 1, and its cells by the file's heading.

    The cells that a row lacks, as where the file is cut off, are empty. Raises DatasetError when the heading lacks a
    column.
    """
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        reader = csv.DictReader(file, restval="")
        if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
            raise DatasetError(f"{path} lacks the column {', '.join(missing)}. Use the file as it was published.")
        for row in reader:
            yield reader.line_num, row
