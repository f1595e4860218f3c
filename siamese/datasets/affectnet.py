"""AffectNet, as published in 2021 or in 2017, and the balanced selection of it → faces found on the web.

Mollahosseini, Hasani, Mahoor: AffectNet: a database for facial expression, valence, and arousal computing in the wild,
IEEE Transactions on Affective Computing 2019.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from siamese.datasets import folder
from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.pictures import Row, label_of, read
from siamese.datasets.samples import Samples

SIDE = 112  # pixels; half of the published crops' 224, so that the whole of train stays below 4 GB
BALANCED_SIDE = 75  # pixels, as published
LABELS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt", "none", "uncertain", "no face")
SETS = {"train": "train_set", "validation": "val_set"}
LISTS = {"train": "training.csv", "validation": "validation.csv"}
LIST_FOLDER, IMAGE_FOLDER = "Manually_Annotated_file_lists", "Manually_Annotated_Images"
PATH_COLUMN, LABEL_COLUMN = 0, 6
CONTEMPT = "contempt"


def load(root: str | Path, split: str, with_contempt: bool = True) -> Samples:
    """The manually labelled faces of `train` or `validation`, with the eight classes or, without contempt, the seven.

    The root holds train_set/ and val_set/, each with images/<id>.jpg and annotations/<id>_exp.npy; or
    Manually_Annotated_file_lists/ with training.csv and validation.csv beside Manually_Annotated_Images/. Raises
    DatasetError when it holds neither, or the split is unknown.
    """
    root = Path(root)
    require_choice("split", split, SETS, "affectnet")
    if (root / SETS[split]).is_dir():
        rows = _set_rows(root / SETS[split])
    elif (root / LIST_FOLDER / LISTS[split]).is_file():
        rows = _list_rows(root, LISTS[split])
    else:
        raise wrong_root(
            "affectnet",
            root,
            f"{SETS[split]}/ with images/ and annotations/",
            f"{LIST_FOLDER}/{LISTS[split]} beside {IMAGE_FOLDER}/",
        )
    left_out: Counter[str] = Counter()
    if not with_contempt:
        rows = _without_contempt(rows, left_out)
    return read("affectnet", split, rows, SIDE, left_out)


def load_balanced(root: str | Path, split: str) -> Samples:
    """Balanced AffectNet: train/, val/ and test/, each with a folder of 75×75 faces for each of the eight emotions.

    Raises DatasetError when the root is not laid out so, or the split is unknown.
    """
    if "train" not in folder.splits(root):
        raise wrong_root("affectnet-balanced", Path(root), "train/, val/ and test/, each with a folder per emotion")
    return folder.load(root, split, "affectnet-balanced", BALANCED_SIDE)


def _set_rows(part: Path) -> Iterator[Row]:
    for annotation in sorted((part / "annotations").glob("*_exp.npy")):
        picture = part / "images" / annotation.name.replace("_exp.npy", ".jpg")
        yield Row(picture, label_of(_number(annotation), LABELS), str(picture.relative_to(part.parent)))


def _number(annotation: Path) -> str:
    try:
        return str(np.load(annotation, allow_pickle=False).item())
    except (ValueError, EOFError):
        return "a damaged annotation"


def _list_rows(root: Path, name: str) -> Iterator[Row]:
    """Only training.csv was published with a heading, so columns are known by their place."""
    with (root / LIST_FOLDER / name).open(newline="", encoding="utf-8", errors="replace") as file:
        for row in csv.reader(file):
            if len(row) > LABEL_COLUMN and row[LABEL_COLUMN] != "expression":
                label = label_of(row[LABEL_COLUMN], LABELS)
                yield Row(root / IMAGE_FOLDER / row[PATH_COLUMN], label, row[PATH_COLUMN])


def _without_contempt(rows: Iterator[Row], left_out: Counter[str]) -> Iterator[Row]:
    for row in rows:
        if row.label == CONTEMPT:
            left_out[f"labelled «{CONTEMPT}», which the seven classes lack"] += 1
        else:
            yield row
