"""One table of all simple methods and the network is read from the pages and studies that are stored."""

import json
from pathlib import Path

from siamese.evaluation.simple_methods import simple_methods
from siamese.evaluation.tables import read_table, table


def store(folder: Path, name: str, head: tuple[str, ...], *rows: tuple[str, ...]) -> None:
    text = f"## A page\n\n```sh\nthe command > {name}\n```\n\nWords | and words."
    (folder / name).write_text(f"{text}\n\n{table(head, rows)}")


def test_a_table_is_read_as_it_was_written() -> None:
    head, rows = ("method", "accuracy", "interval"), (("HOG", "0.5", ""), ("a b", "0.25", "0.1 to 0.4"))
    read = read_table(f"# Title\n\nWords.\n\n{table(head, rows)}\n")
    assert read == [dict(zip(head, row, strict=True)) for row in rows]
    assert read_table("No table.") == []


def test_each_method_has_one_row_with_its_figures_on_every_data_set(tmp_path: Path) -> None:
    store(tmp_path, "baselines-ferplus.md", ("method", "accuracy", "balanced"), ("HOG", "0.5", "0.3"))
    store(tmp_path, "baselines-fer2013.md", ("method", "accuracy", "balanced"), ("HOG", "0.4", "0.2"))
    store(
        tmp_path,
        "ablations-ferplus.md",
        ("trained with", "accuracy", "balanced accuracy", "softmax accuracy", "softmax balanced accuracy"),
        ("triplet", "0.6", "0.55", "–", "–"),
        ("cross-entropy", "0.4", "0.35", "0.45", "0.42"),
    )
    store(
        tmp_path,
        "motion-ckplus.md",
        ("ten folds", "flow"),
        ("accuracy", "0.37"),
        ("balanced accuracy", "0.33"),
    )
    store(
        tmp_path,
        "by-subject-ckplus.md",
        ("fold", "accuracy", "balanced"),
        ("1", "0.9", "0.8"),
        ("mean", "0.98 ± 0.02", "0.97 ± 0.03"),
    )
    (tmp_path / "ferplus-test-majority.json").write_text(json.dumps({"accuracy": 0.87599, "balanced_accuracy": 0.7256}))
    rows = read_table(simple_methods(tmp_path)[0])
    assert [tuple(row.values()) for row in rows] == [
        ("HOG", "0.5", "0.3", "0.4", "0.2", "", ""),
        ("triplet", "0.6", "0.55", "", "", "", ""),
        ("cross-entropy", "0.4", "0.35", "", "", "", ""),
        ("cross-entropy, by its softmax", "0.45", "0.42", "", "", "", ""),
        ("flow", "", "", "", "", "0.37", "0.33"),
        ("**the network that ships**", "0.876", "0.726", "", "", "0.98 ± 0.02", "0.97 ± 0.03"),
    ]


def test_without_a_simple_method_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "ferplus-test-majority.json").write_text(json.dumps({"accuracy": 0.5, "balanced_accuracy": 0.5}))
    assert simple_methods(tmp_path) == []
