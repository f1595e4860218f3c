"""RGB photo → the faces in it: boxes, probabilities and five landmarks, largest first.

MTCNN (Zhang et al. 2016) with the weights that facenet-pytorch carries in its wheel.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from facenet_pytorch import MTCNN
from facenet_pytorch.models.utils.detect_face import detect_face
from numpy.typing import NDArray
from PIL import Image

from siamese.settings import DetectorSettings

LANDMARKS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")

_SMALLEST_FACE = 20.0  # pixels; MTCNN's first network cannot see faces under 12
_THRESHOLDS = [0.6, 0.7, 0.7]
_LONGEST_TIGHT_SIDE = 320  # pixels; ample for a face that fills the picture
_PYRAMID_FACTOR = 0.709
_FIRST_NETWORK_SIDE = 12  # pixels that the first network sees at once


@dataclass(frozen=True)
class Face:
    """One detected face, in pixels of the photo: box (left, top, right, bottom), landmarks (5, 2) as (x, y).

    Of a face that the photo cuts off, both may lie outside the photo.
    """

    box: NDArray[np.float32]
    probability: float
    landmarks: NDArray[np.float32]

    @property
    def area(self) -> float:
        """The box's area in square pixels."""
        left, top, right, bottom = (float(edge) for edge in self.box)
        return max(0.0, right - left) * max(0.0, bottom - top)


class FaceDetector:
    """Finds faces in photos; loads its three small networks at first use."""

    def __init__(self, settings: DetectorSettings | None = None) -> None:
        self.settings = settings or DetectorSettings()

    @cached_property
    def _mtcnn(self) -> MTCNN:
        return MTCNN(keep_all=True, device="cpu").eval()

    def detect(self, photo: NDArray[np.uint8]) -> list[Face]:
        """All faces in an RGB photo (height, width, 3) uint8, largest first; an empty list where there is none."""
        photo, scale = _shrunk(photo, self.settings.longest_side)
        smallest = max(_SMALLEST_FACE, self.settings.smallest_face_share * min(photo.shape[:2]))
        pixels = torch.from_numpy(photo.astype(np.float32)).permute(2, 0, 1)[None]
        return [_scaled(face, 1 / scale) for face in self._detect(pixels, smallest)[0]]

    def detect_tight(self, picture: NDArray[np.uint8]) -> list[Face]:
        """The face of one picture (height, width, 3) uint8 of any size that shows little else; a list of one, or none.

        As in `detect_crops`, which the data sets' crops go through.
        """
        picture, scale = _shrunk(picture, _LONGEST_TIGHT_SIDE)
        (face,) = self.detect_crops(picture[None])
        return [_scaled(face, 1 / scale)] if face else []

    def detect_crops(self, crops: NDArray[np.uint8]) -> list[Face | None]:
        """The largest face of each tight crop (n, height, width[, 3]) uint8, all of one size; None where none is found.

        MTCNN wants surroundings, which a tight crop lacks: its border is repeated outwards by a third before detection,
        and small crops are doubled. On FER+ this finds a face in more crops than the bare image.
        """
        pixels = torch.from_numpy(crops.astype(np.float32))
        pixels = pixels[:, None].expand(-1, 3, -1, -1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
        margin = min(pixels.shape[2:]) // 3
        zoom = 2.0 if min(pixels.shape[2:]) < 96 else 1.0
        framed = F.pad(pixels, (margin,) * 4, mode="replicate")
        framed = F.interpolate(framed, scale_factor=zoom, mode="bilinear") if zoom > 1 else framed
        smallest = 0.4 * zoom * min(pixels.shape[2:])
        found = self._detect(framed, smallest)
        return [_shifted(_scaled(faces[0], 1 / zoom), -margin) if faces else None for faces in found]

    @torch.inference_mode()
    def _detect(self, pixels: torch.Tensor, smallest: float) -> list[list[Face]]:
        """Faces per image of a batch (n, 3, height, width) float, 0–255, largest first."""
        if min(pixels.shape[2:]) * (_FIRST_NETWORK_SIDE / smallest) < _FIRST_NETWORK_SIDE:
            # Not one level of the pyramid of scales is left, on which detect_face itself fails.
            return [[] for _ in pixels]
        nets = self._mtcnn
        boxes, points = detect_face(
            pixels.permute(0, 2, 3, 1), smallest, nets.pnet, nets.rnet, nets.onet, _THRESHOLDS, _PYRAMID_FACTOR, "cpu"
        )
        return [self._faces(*each) for each in zip(boxes, points, strict=True)]

    def _faces(self, boxes: NDArray[np.float32], points: NDArray[np.float32]) -> list[Face]:
        faces = [
            Face(np.asarray(box[:4], np.float32), float(box[4]), np.asarray(landmarks, np.float32))
            for box, landmarks in zip(boxes, points, strict=True)
            if box[4] >= self.settings.probability
        ]
        return sorted(faces, key=lambda face: face.area, reverse=True)


def _shrunk(photo: NDArray[np.uint8], longest_side: int) -> tuple[NDArray[np.uint8], float]:
    """A photo no longer than that, and its size as a share of the original's."""
    height, width = photo.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    if scale == 1:
        return photo, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BOX)), scale


def _scaled(face: Face, factor: float) -> Face:
    return Face(face.box * np.float32(factor), face.probability, face.landmarks * np.float32(factor))


def _shifted(face: Face, offset: float) -> Face:
    return Face(face.box + np.float32(offset), face.probability, face.landmarks + np.float32(offset))
