"""RAF-DB's basic set, with its list of labels or in numbered folders → aligned 100×100 faces found on the web.

Li, Deng, Du: Reliable crowdsourcing and deep locality-preserving learning for expression recognition in the wild, CVPR
2017.
"""

from collections.abc import Iterator
from pathlib import Path

from siamese.datasets import folder
from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.pictures import Row, label_of, read
from siamese.datasets.samples import Samples

SIDE = 100  # pixels, as published
SPLITS = ("train", "test")
LABELS = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")  # from 1
LIST = Path("EmoLabel", "list_patition_label.txt")  # spelt like this
ALIGNED = Path("Image", "aligned")
NUMBERED = "DATASET"


def load(root: str | Path, split: str) -> Samples:
    """The aligned faces of `train` or `test`.

    The root holds EmoLabel/list_patition_label.txt beside Image/aligned/, or DATASET/ with train/ and test/, each with
    folders 1 to 7. Raises DatasetError when it holds neither, or the split is unknown.
    """
    root = Path(root)
    require_choice("split", split, SPLITS, "rafdb")
    if (root / LIST).is_file():
        return read("rafdb", split, _listed_rows(root, split), SIDE)
    if "train" in folder.splits(root / NUMBERED):
        return folder.load(root / NUMBERED, split, "rafdb", SIDE, LABELS)
    raise wrong_root("rafdb", root, f"{LIST} beside {ALIGNED}/", f"{NUMBERED}/train/1/ to 7/")


def _listed_rows(root: Path, split: str) -> Iterator[Row]:
    for line in (root / LIST).read_text().splitlines():
        name, _, code = line.strip().partition(" ")
        if name.startswith(f"{split}_"):
            aligned = ALIGNED / f"{Path(name).stem}_aligned.jpg"
            yield Row(root / aligned, label_of(code, LABELS, first=1), str(aligned))
