"""A data set's name, root and split → its samples, whichever set it is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from siamese.datasets import affectnet, bu3dfe, ckplus, fer2013, ferplus, folder, jaffe, mmi, rafdb
from siamese.datasets.checks import require_choice
from siamese.datasets.samples import Samples
from siamese.errors import DatasetError

Root = str | Path


@dataclass(frozen=True)
class Dataset:
    """One data set: `load(root, split, protocol)` reads a split, and `splits(root)` names those that lie at a root."""

    load: Callable[[Root, str, str], Samples]
    splits: Callable[[Root], tuple[str, ...]]


def _with_one_label(load: Callable[[Root, str], Samples], splits: Callable[[Root], tuple[str, ...]]) -> Dataset:
    """A set without votes, whose labels are the same under every protocol."""
    return Dataset(lambda root, split, _protocol: load(root, split), splits)


def _always(*splits: str) -> Callable[[Root], tuple[str, ...]]:
    return lambda _root: splits


DATASETS: dict[str, Dataset] = {
    "ferplus": Dataset(ferplus.load, ferplus.splits),
    "fer2013": _with_one_label(fer2013.load, fer2013.splits),
    "ckplus": _with_one_label(ckplus.load, _always(folder.WHOLE)),
    "ckplus-neutral": _with_one_label(partial(ckplus.load, first_as_neutral=True), _always(folder.WHOLE)),
    "jaffe": _with_one_label(jaffe.load, _always(folder.WHOLE)),
    "mmi": _with_one_label(mmi.load, _always(folder.WHOLE)),
    "bu3dfe": _with_one_label(bu3dfe.load, _always(folder.WHOLE)),
    "affectnet": _with_one_label(affectnet.load, _always(*affectnet.SETS)),
    "affectnet7": _with_one_label(partial(affectnet.load, with_contempt=False), _always(*affectnet.SETS)),
    "affectnet-balanced": _with_one_label(affectnet.load_balanced, folder.splits),
    "rafdb": _with_one_label(rafdb.load, _always(*rafdb.SPLITS)),
    "folder": _with_one_label(folder.load, folder.splits),
}

_FER2013 = {"ferplus", "fer2013"}

# Names of the same pictures, in another choice of them or with other labels.
_SAME_PICTURES = (
    _FER2013,
    {"ckplus", "ckplus-neutral"},
    {"affectnet", "affectnet7", "affectnet-balanced"},
)


def load_dataset(dataset: str, root: Root, split: str, protocol: str = "majority") -> Samples:
    """A split of a data set by name. Raises DatasetError when there is no such data set, or not at this root."""
    known = _known(dataset)
    require_choice("protocol", protocol, ferplus.PROTOCOLS, dataset)
    return known.load(root, split, protocol)


def parts_of(dataset: str, root: Root) -> tuple[str, ...]:
    """The splits of a data set that lie at a root. Raises DatasetError when there is no such data set."""
    return _known(dataset).splits(root)


def part_to_measure(dataset: str, root: Root) -> str:
    """The split to measure on where nobody named one: test; of a set without it, the last. Raises DatasetError."""
    parts = parts_of(dataset, root)
    return "test" if "test" in parts else parts[-1]


def same_pictures(dataset: str, root: Root, other: str, other_root: Root) -> bool:
    """Whether two data sets show the same people: folders at one root, or one within the other, or published sets,
    wherever they lie."""
    if dataset == other == "folder":
        return folder.overlap(root, other_root)
    return dataset == other or any({dataset, other} <= names for names in _SAME_PICTURES)


def holds_out_test(dataset: str, root: Root, other: str, other_root: Root) -> bool:
    """Whether no picture of a data set's test part is in train and validation of another that shows the same people.

    So it is at one root, and wherever a published set lies that was cut in one way only.
    """
    if dataset == other == "folder":
        return folder.holds_out_test(root, other_root)
    if dataset == other and Path(root).resolve() == Path(other_root).resolve():
        return True
    if {dataset, other} <= _FER2013:
        learned = [_usages(other, other_root, part) for part in ("train", "validation")]
        return _usages(dataset, root, "test").isdisjoint(frozenset.union(*learned))
    return dataset == other


def _usages(dataset: str, root: Root, split: str) -> frozenset[str]:
    """Of FER+, whose layouts are all cut in one way, the split's own."""
    return fer2013.usages(root, split) if dataset == "fer2013" else frozenset({fer2013.USAGES[split]})


def _known(dataset: str) -> Dataset:
    if dataset not in DATASETS:
        raise DatasetError(f"There is no data set «{dataset}» here. Choose: {', '.join(DATASETS)}.")
    return DATASETS[dataset]
