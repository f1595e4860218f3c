"""Stored tables of simple methods, and of the network → one table of all, each on the same part of a data set."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from siamese.evaluation.tables import read_table, table

Row = Mapping[str, str]
_FIGURES = ("accuracy", "balanced")
_DATASETS = {"ferplus": "FER+", "fer2013": "FER2013", "ckplus": "CK+"}
_STUDIES = {"ferplus": "ferplus-test-majority.json", "fer2013": "fer2013-test.json"}
_SOFTMAX, _NOT_MEASURED = "softmax", "–"
_NETWORK = "**the network that ships**"

_PAGE = """\
## Simple methods, parts of the recipe, and the network

From the studies above and the tables that follow, where each figure stands beneath its command. FER+ and FER2013: their
test parts, eight and seven expressions; CK+: ten folds by subject. A network is read by its nearest prototype unless a
row says that it is by the softmax that its cross-entropy fitted, as papers read such networks. Networks other than the
one that ships were trained for as few epochs, and on as few pictures, as their tables say: they are to be compared with
each other.

{table}"""


def simple_methods(folder: Path) -> list[str]:
    """The section with the table, read from what is stored in `folder`; none where no simple method is."""
    methods: dict[str, dict[str, str]] = {}
    for dataset in _DATASETS:
        for name, figures in _methods(folder, dataset):
            own = methods.setdefault(name, {})
            own.update({f"{_DATASETS[dataset]} {figure}": value for figure, value in figures.items()})
    if set(methods) <= {_NETWORK}:
        return []
    methods[_NETWORK] = methods.pop(_NETWORK, {})  # last
    head = [f"{dataset} {figure}" for dataset in _DATASETS.values() for figure in _FIGURES]
    rows = ((name, *(own.get(column, "") for column in head)) for name, own in methods.items())
    return [_PAGE.format(table=table(("method", *head), rows))]


def _methods(folder: Path, dataset: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each method's figures on a data set, from whichever of its tables are stored."""
    for page in ("baselines", "ablations"):
        for name, row in _stored(folder / f"{page}-{dataset}.md"):
            yield name, _figures(row)
            if row.get(f"{_SOFTMAX} accuracy", _NOT_MEASURED) != _NOT_MEASURED:
                yield f"{name}, by its {_SOFTMAX}", _figures(row, f"{_SOFTMAX} ")
    motion = _stored(folder / f"motion-{dataset}.md")
    for method in list(motion[0][1])[1:] if motion else ():
        yield method, _figures({name: row[method] for name, row in motion})
    tuned = dict(_stored(folder / f"by-subject-{dataset}.md")).get("mean")
    study = folder / _STUDIES.get(dataset, "none")
    if tuned:
        yield _NETWORK, _figures(tuned)
    elif study.is_file():
        figures = json.loads(study.read_text())
        yield _NETWORK, {"accuracy": f"{figures['accuracy']:.3f}", "balanced": f"{figures['balanced_accuracy']:.3f}"}


def _figures(row: Row, way: str = "") -> dict[str, str]:
    balanced = row.get(f"{way}balanced") or row[f"{way}balanced accuracy"]
    return {"accuracy": row[f"{way}accuracy"], "balanced": balanced}


def _stored(page: Path) -> list[tuple[str, Row]]:
    """The rows of a stored page's table, each with its first cell; none where it is not stored."""
    return [(next(iter(row.values())), row) for row in read_table(page.read_text())] if page.is_file() else []
