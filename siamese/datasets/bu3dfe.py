"""BU-3DFE, files like F0001/F0001_AN01WH_F2D.bmp → frontal photos of 100 people posing seven expressions.

Yin, Wei, Sun, Wang, Rosato: A 3D facial expression database for facial behavior research, FG 2006.
"""

import re
from pathlib import Path

from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.folder import WHOLE
from siamese.datasets.pictures import PHOTO_SIDE, read, rows_by_name
from siamese.datasets.samples import Samples

NAME = re.compile(r"(?P<subject>[FM]\d{4})_(?P<label>[A-Z]{2})\d{2}[A-Z]{2}_F2D\.bmp")


def load(root: str | Path, split: str) -> Samples:
    """The frontal texture (F2D) of every expression at each of its four levels; `all` is the only split.

    Raises DatasetError when there is none, or the split is unknown.
    """
    require_choice("split", split, (WHOLE,), "bu3dfe")
    rows = rows_by_name(Path(root), NAME)
    if not rows:
        raise wrong_root("bu3dfe", Path(root), "a folder per person with files like F0001/F0001_AN01WH_F2D.bmp")
    return read("bu3dfe", split, rows, PHOTO_SIDE)
