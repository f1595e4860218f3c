"""CSV rows come with the line of the file that they end in, and lack no cell of the heading."""

from pathlib import Path

import pytest

from siamese.datasets.tables import read_csv
from siamese.errors import DatasetError


def test_rows_are_told_by_their_line_and_what_they_lack_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('name,count\none,1\n\n"of two\nlines",2\ncut')
    assert list(read_csv(tmp_path / "a.csv", ["count"])) == [
        (2, {"name": "one", "count": "1"}),
        (5, {"name": "of two\nlines", "count": "2"}),
        (6, {"name": "cut", "count": ""}),
    ]


def test_a_heading_without_a_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name\none\n")
    with pytest.raises(DatasetError, match=r"a\.csv lacks the column count\. Use the file as it was published\."):
        next(read_csv(tmp_path / "a.csv", ["name", "count"]))
