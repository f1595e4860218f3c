"""Samples of a data set → the crop-to-image transforms that bring each face to where the network expects it.

Detection over a data set takes minutes, so its answers are kept in a cache file, each by its image's own content.
`python -m siamese.datasets.crops ROOT` prints the template of `faces/align.py` as measured on FER+'s training images.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from siamese.datasets import ferplus
from siamese.datasets.samples import Samples
from siamese.errors import DatasetError
from siamese.faces.align import alignment, box_transform, face_crop, warp, whole_picture
from siamese.faces.detect import Face, FaceDetector

KINDS = ("aligned", "box", "whole")
_BATCH = 256
_PHOTO_SIDE = 128  # pixels; smaller images are tight crops, larger ones photos, as for the service


@dataclass(frozen=True, eq=False)
class Detections:
    """The largest face of each image: `found` (n,) bool, `boxes` (n, 4) and `landmarks` (n, 5, 2), else nan."""

    found: NDArray[np.bool_]
    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]

    def take(self, rows: NDArray[np.int64]) -> "Detections":
        """These rows only, in this order."""
        return Detections(self.found[rows], self.boxes[rows], self.landmarks[rows])

    def followed_by(self, other: "Detections") -> "Detections":
        """These rows, then the other's."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Detections(*(np.concatenate(pair) for pair in pairs))


def detections(samples: Samples, cache: str | Path = "cache") -> Detections:
    """The face in every image of a data set; images seen in an earlier call are not searched again."""
    path = Path(cache) / f"faces-{samples.dataset}.npz"
    keys, known = _read(path)
    wanted = np.array([fingerprint(image) for image in samples.images])
    unknown = np.flatnonzero(~np.isin(wanted, keys))
    if len(unknown):
        keys = np.concatenate([keys, wanted[unknown]])
        known = known.followed_by(_detect(samples.take(unknown)))
        _write(path, keys, known)
    row_of = {key: row for row, key in enumerate(keys)}
    return known.take(np.array([row_of[key] for key in wanted], dtype=np.int64))


def transforms(samples: Samples, kind: str = "aligned", cache: str | Path = "cache") -> NDArray[np.float32]:
    """Crop-to-image transforms (n, 2, 3): `aligned` by landmarks, the detector's square `box`, or the `whole` image.

    An image in which no face is found is taken whole. Raises DatasetError on another kind.
    """
    if kind not in KINDS:
        raise DatasetError(f"Unknown kind of crop «{kind}». Choose one of: {', '.join(KINDS)}.")
    height, width = samples.images.shape[1:3]
    answer = np.repeat(whole_picture(height, width)[None], len(samples), axis=0)
    if kind == "whole":
        return answer
    faces = detections(samples, cache)
    if kind == "aligned":
        answer[faces.found] = alignment(faces.landmarks[faces.found])
    else:
        for row in np.flatnonzero(faces.found):
            answer[row] = box_transform(_square(faces.boxes[row]))
    return answer


def crops(samples: Samples, kind: str = "aligned", cache: str | Path = "cache") -> NDArray[np.uint8]:
    """The network's inputs (n, 96, 96) uint8, as the service would cut them from the same images."""
    pairs = zip(samples.images, transforms(samples, kind, cache), strict=True)
    return np.stack([face_crop(image, transform) for image, transform in pairs])


def portraits(samples: Samples, size: int = 96, cache: str | Path = "cache") -> Iterator[NDArray[np.uint8]]:
    """The same faces as `crops` for people to look at, each (size, size) uint8, one after the other."""
    for image, transform in zip(samples.images, transforms(samples, "aligned", cache), strict=True):
        yield warp(image, transform, size)


def measured_template(samples: Samples, cache: str | Path = "cache") -> NDArray[np.float32]:
    """The median landmarks (5, 2) of the images in which the detector finds a face."""
    faces = detections(samples, cache)
    return np.median(faces.landmarks[faces.found], axis=0)


def _detect(samples: Samples) -> Detections:
    detector = FaceDetector()
    batches = [samples.images[start : start + _BATCH] for start in range(0, len(samples), _BATCH)]
    found: list[Face | None] = []
    for batch in track(batches, f"Finding faces in {samples.dataset} {samples.split}", console=Console(stderr=True)):
        found += _in_photos(detector, batch) if max(batch.shape[1:]) >= _PHOTO_SIDE else detector.detect_crops(batch)
    nothing = Face(np.full(4, np.nan, np.float32), 0.0, np.full((5, 2), np.nan, np.float32))
    return Detections(
        found=np.array([face is not None for face in found]),
        boxes=np.stack([(face or nothing).box for face in found]),
        landmarks=np.stack([(face or nothing).landmarks for face in found]),
    )


def _in_photos(detector: FaceDetector, photos: NDArray[np.uint8]) -> list[Face | None]:
    """The largest face of each photo, which may be small in it; else the face that fills it, as in a tight crop."""
    coloured = (np.repeat(photo[..., None], 3, axis=2) for photo in photos)
    return [next(iter(detector.detect(photo) or detector.detect_tight(photo)), None) for photo in coloured]


def _read(path: Path) -> tuple[NDArray[np.str_], Detections]:
    if not path.is_file():
        nothing = Detections(np.empty(0, bool), np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32))
        return np.empty(0, "U16"), nothing
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["keys"], Detections(arrays["found"], arrays["boxes"], arrays["landmarks"])


def _write(path: Path, keys: NDArray[np.str_], known: Detections) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(unfinished, keys=keys, **vars(known))
    unfinished.replace(path)


def fingerprint(images: NDArray[np.uint8]) -> str:
    """What names these very images in a cache."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()[:16]


def _square(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """The square with the box's centre and its longer side."""
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]).max() / 2
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


if __name__ == "__main__":
    print(np.array2string(measured_template(ferplus.load(sys.argv[1], "train")), precision=1, separator=", "))
