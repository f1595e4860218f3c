"""Face crops → the same crops with their contrast stretched, which makes up for too little light."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

CUTOFF = 1  # per cent of a crop's pixels that may become black, and as many white


def stretched(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey crops (n, height, width) uint8, each with a brightness from black to white, but for few pixels at the ends.

    A crop of one brightness stays as it is.
    """
    spread = (np.asarray(ImageOps.autocontrast(Image.fromarray(crop), CUTOFF)) for crop in crops)
    return np.stack([*spread]) if len(crops) else crops
