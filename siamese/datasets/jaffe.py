"""JAFFE, files like KA.AN1.39.tiff → photos of ten Japanese women posing seven expressions.

Lyons, Akamatsu, Kamachi, Gyoba: Coding facial expressions with Gabor wavelets, FG 1998.
"""

import re
from pathlib import Path

from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.folder import WHOLE
from siamese.datasets.pictures import PHOTO_SIDE, read, rows_by_name
from siamese.datasets.samples import Samples

NAME = re.compile(r"(?P<subject>[A-Z]{2})\.(?P<label>[A-Z]{2})\d\.\d+\.tiff?")


def load(root: str | Path, split: str) -> Samples:
    """Every photo whose name says its person and expression; `all` is the only split.

    Raises DatasetError when there is none, or the split is unknown.
    """
    require_choice("split", split, (WHOLE,), "jaffe")
    rows = rows_by_name(Path(root), NAME)
    if not rows:
        raise wrong_root("jaffe", Path(root), "files like KA.AN1.39.tiff")
    return read("jaffe", split, rows, PHOTO_SIDE)
