"""Many faces of one expression → one soft portrait of it that shows none of them."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from siamese.gallery.closeness import ellipse_radius

_DARKEST, _BRIGHTEST = 32, 226  # grey levels that the face's first and last percentile are stretched to
_SHARPEN = ((0.016, 0.5), (0.05, 0.35))  # radius (share of the side) and strength of each unsharp mask
_FADE = (1.02, 1.3)  # radii, of the face's ellipse, between which the picture fades into its background


def average(images: NDArray[np.uint8], transforms: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """The mean of the faces in grey images (n, height, width), laid over each other, (size, size) uint8.

    `transforms` (n, 2, 3) lead from the aligned crop to each image. Every face counts alike: its brightness and
    contrast are evened out first. What averaging takes of sharpness and contrast is given back afterwards.
    """
    return blend(_aligned(images, transforms, size))


def blend(faces: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.uint8]:
    """The same of faces (n, size, size) that lie over each other already."""
    face = ellipse_radius(faces.shape[1]) < 1
    mean = _evened(faces, face).mean(axis=0)
    low, high = np.percentile(mean[face], [1, 99])
    levels = _DARKEST + (mean - low) / max(high - low, 1e-6) * (_BRIGHTEST - _DARKEST)
    levels = np.clip(levels, 0, 255)
    for radius, strength in _SHARPEN:
        levels = levels + strength * (levels - gaussian_filter(levels, radius * len(levels)))
    return np.clip(levels, 0, 255).round().astype(np.uint8)


def faded(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A portrait (size, size) whose surroundings fade into one even grey."""
    radius = ellipse_radius(portrait.shape[0])
    share = np.clip((radius - _FADE[0]) / (_FADE[1] - _FADE[0]), 0, 1)
    share = share * share * (3 - 2 * share)
    background = np.median(portrait[radius < 1])
    return (portrait * (1 - share) + background * share).round().astype(np.uint8)


def _aligned(images: NDArray[np.uint8], transforms: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Each image's face at `size`, (n, size, size), bicubic: the sources are smaller than the portrait."""
    import torch  # seconds to import, which only who averages should wait for
    import torch.nn.functional as F

    from siamese.faces.grid import sampling_grid

    _, height, width = images.shape
    grid = sampling_grid(torch.from_numpy(transforms), height, width, size)
    pixels = torch.from_numpy(images).float()[:, None]
    return F.grid_sample(pixels, grid, mode="bicubic", padding_mode="border", align_corners=False)[:, 0].numpy()


def _evened(faces: NDArray[np.uint8] | NDArray[np.float32], face: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Faces with mean 0 and standard deviation 1 inside the ellipse."""
    inside = faces[:, face].astype(np.float32)
    mean, deviation = inside.mean(axis=1), inside.std(axis=1)
    return (faces - mean[:, None, None]) / np.maximum(deviation, 1e-6)[:, None, None]
