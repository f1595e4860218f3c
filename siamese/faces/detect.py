"""RGB photo → the faces in it: boxes, probabilities and five landmarks, largest first.

MTCNN (Zhang et al. 2016) with the weights of facenet-pytorch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siamese.faces.areas import Areas
from siamese.faces.cascade import ORIGINAL, Cascade
from siamese.settings import DetectorSettings

LANDMARKS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")

_SMALLEST_FACE = 20.0  # pixels; MTCNN's first network cannot see faces under 12
_SHARP_ENOUGH = 32  # pixels that the smallest face keeps where a photo is shrunk before faces are sought
_LONGEST_TIGHT_SIDE = 320  # pixels; ample for a face that fills the picture
_SMALL_CROP = 96  # pixels; a smaller one is doubled before its face is sought
_SMALLEST_SHARE_OF_CROP = 0.4  # that its face spans

_NEARBY = 1.0  # how far around the middle of a face it is sought in the next frame, in its sides
_SHARP_NEARBY = 96  # pixels that it keeps where the frame is shrunk for that
_SHIFT = 0.2  # of its side, from one guess where it is now to the next

# The corners of boxes where a face may be now, (5, 4), in its sides from its middle.
_GUESSES = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]).repeat(2, axis=0).reshape(5, 4) * _SHIFT + np.array(
    [-0.5, -0.5, 0.5, 0.5]
)

_CERTAIN_IN_CROP = 0.9  # as training found its faces, whatever is asked of photos


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

    def __init__(self, settings: DetectorSettings | None = None, threads: int = 0) -> None:
        self.settings = settings or DetectorSettings()
        self.threads = threads

    @cached_property
    def _cascade(self) -> Cascade:
        return Cascade(threads=self.threads)

    def detect(self, photo: NDArray[np.uint8]) -> list[Face]:
        """All faces in an RGB photo (height, width, 3) uint8, largest first; an empty list where there is none."""
        height, width = photo.shape[:2]
        smallest = _at_a_scale(max(_SMALLEST_FACE, self.settings.smallest_face_share * min(height, width)))
        factor = max(int(smallest / _SHARP_ENOUGH), math.ceil(max(height, width) / self.settings.longest_side), 1)
        least = max(_SMALLEST_FACE, smallest / factor)
        (faces,) = self._faces(_shrunk(photo, factor)[None], least, self.settings.probability)
        return [_scaled(face, factor) for face in faces]

    def detect_tight(self, picture: NDArray[np.uint8]) -> list[Face]:
        """The face of one picture (height, width, 3) uint8 of any size that shows little else; a list of one, or none.

        As in `detect_crops`, which the data sets' crops go through.
        """
        factor = math.ceil(max(picture.shape[:2]) / _LONGEST_TIGHT_SIDE)
        picture = np.asarray(Image.fromarray(picture).reduce(factor)) if factor > 1 else picture
        (face,) = self.detect_crops(picture[None])
        return [_scaled(face, factor)] if face else []

    def detect_crops(self, crops: NDArray[np.uint8]) -> list[Face | None]:
        """The largest face of each tight crop (n, height, width[, 3]) uint8, all of one size; None where none is found.

        MTCNN wants surroundings, which a tight crop lacks: its border is repeated outwards by a third before detection,
        and small crops are doubled. On FER+ this finds a face in more crops than the bare image.
        """
        pixels = crops.astype(np.float32)
        pixels = np.repeat(pixels[..., None], 3, axis=3) if pixels.ndim == 3 else pixels
        side = min(pixels.shape[1:3])
        margin = side // 3
        framed = np.pad(pixels, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
        zoom = 2 if side < _SMALL_CROP else 1
        framed = _doubled(_doubled(framed, axis=1), axis=2) if zoom > 1 else framed
        found = self._faces(framed, _SMALLEST_SHARE_OF_CROP * zoom * side, _CERTAIN_IN_CROP)
        return [_moved(_scaled(faces[0], 1 / zoom), -margin, -margin) if faces else None for faces in found]

    def detect_again(self, frame: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face | None]:
        """Faces of the frame before, each sought where it was, in an RGB frame (height, width, 3) uint8; None if lost.

        The first network, which searches everywhere, is left out, so that this is several times as fast as `detect`.
        """
        return [self._nearby(frame, face) for face in faces]

    def _nearby(self, frame: NDArray[np.uint8], face: Face) -> Face | None:
        middle, side = (face.box[:2] + face.box[2:]) / 2, float(max(face.box[2:] - face.box[:2]))
        height, width = frame.shape[:2]
        left, top = np.clip(middle - _NEARBY * side, 0, [width - 1, height - 1]).astype(int).tolist()
        right, bottom = np.clip(middle + _NEARBY * side, [left + 1, top + 1], [width, height]).astype(int).tolist()
        factor = max(1, int(side / _SHARP_NEARBY))
        around = Image.fromarray(frame[top:bottom, left:right])
        views = Areas(np.asarray(around.reduce(factor) if factor > 1 else around)[None])
        guesses = np.tile(middle - [left, top], 2) + np.float32(side) * _GUESSES
        boxes, landmarks = self._cascade.find_near(views, (guesses / factor).astype(np.float32))
        if not len(boxes) or boxes.probability.max() < self.settings.probability:
            return None
        best = int(boxes.probability.argmax())
        found = Face(boxes.corners[best], float(boxes.probability[best]), landmarks[best])
        return _moved(_scaled(found, factor), left, top)

    def _faces(
        self, photos: NDArray[np.uint8] | NDArray[np.float32], smallest: float, certain: float
    ) -> list[list[Face]]:
        """Faces of at least `smallest` pixels and so `certain`, per photo, largest first."""
        boxes, landmarks = self._cascade.find(Areas(photos, self._cascade.parts), smallest)
        faces: list[list[Face]] = [[] for _ in photos]
        for photo, box, probability, points in zip(
            boxes.photo, boxes.corners, boxes.probability, landmarks, strict=True
        ):
            if probability >= certain:
                faces[photo].append(Face(box, float(probability), points))
        return [sorted(each, key=lambda face: face.area, reverse=True) for each in faces]


def _at_a_scale(smallest: float) -> float:
    """The size of face, at most that, at which the original has a scale, so that it proposes the same boxes."""
    steps = int(math.log(smallest / _SMALLEST_FACE) / -math.log(ORIGINAL.factor))
    return float(_SMALLEST_FACE / ORIGINAL.factor**steps)


def _shrunk(photo: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """A photo a whole number of times smaller, for which one row in so many is looked at: a quick look is enough."""
    if factor == 1:
        return photo
    rows = photo[min(factor // 2, len(photo) - 1) :: factor]
    return np.asarray(Image.fromarray(rows).reduce((factor, 1)))


def _doubled(images: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Images twice as long along an axis, bilinear: each pixel becomes two, a quarter of the way to its neighbours."""
    values = np.moveaxis(images, axis, 0)
    before, after = np.concatenate([values[:1], values[:-1]]), np.concatenate([values[1:], values[-1:]])
    near, far = np.float32(0.75), np.float32(0.25)
    both: NDArray[np.float32] = np.stack([near * values + far * before, near * values + far * after], axis=1)
    return np.moveaxis(both.reshape(-1, *values.shape[1:]), 0, axis)


def _scaled(face: Face, factor: float) -> Face:
    return Face(face.box * np.float32(factor), face.probability, face.landmarks * np.float32(factor))


def _moved(face: Face, right: float, down: float) -> Face:
    offset = np.array([right, down], np.float32)
    return Face(face.box + np.tile(offset, 2), face.probability, face.landmarks + offset)
