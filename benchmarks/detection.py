"""How well faces are found, beside facenet-pytorch: two tables of recall, false boxes, and readings that stay the same.

Made photos have FER+ faces at known places and of known sizes on varied backgrounds. Real photos are the groups that
`make setup-test` fetches, in several sizes and mirrored; their faces are where the original finds them at full size,
which was checked by eye.

    python -m benchmarks.detection --root data/ferplus [--part validation] [--scenes 600] [--json]
"""

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.utils.detect_face import detect_face
from numpy.typing import NDArray
from PIL import Image, ImageOps

from benchmarks.scenes import Scene, enlarged, group_photos, made_scenes
from siamese.datasets import ferplus
from siamese.evaluation.tables import table
from siamese.faces.align import alignment, face_crop
from siamese.faces.areas import Areas
from siamese.faces.cascade import Cascade
from siamese.faces.detect import Face
from siamese.service import ExpressionService

ORIGINAL, CERTAIN, PORT, SHIPPED = (
    "facenet-pytorch",
    "facenet-pytorch, at least 0.9 certain",
    "Semblance, the original's search",
    "Semblance, as it ships",
)
BANDS = ((0, 1 / 12), (1 / 12, 1 / 6), (1 / 6, 1 / 3), (1 / 3, 1.0))  # of the shorter side, that a face spans
_REAL_SIZES = ((480, 320), (960, 640), (1440, 960), (2880, 1920))
_SMALLEST = 20  # pixels, facenet-pytorch's default
_CERTAIN = 0.9

_PAGE = """\
## Faces found, beside facenet-pytorch

```sh
python -m benchmarks.detection --root data/ferplus{options} > docs/results/detection.md
```

Columns in percent are recall by how much of the photo's shorter side a face spans. A reading is the same when the
expression is, of a face that the original finds too; landmarks are apart in shares of the distance between the eyes.

{tables}"""

Detect = Callable[[NDArray[np.uint8]], list[Face]]


@dataclass
class Tally:
    """What one detector found in all scenes."""

    there: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(BANDS), np.int64))
    found: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(BANDS), np.int64))
    false: int = 0
    seconds: float = 0.0
    compared: int = 0  # faces that the original found too
    same: int = 0  # of these, those that are read alike
    apart: list[float] = field(default_factory=list)  # of landmarks, as shares of the distance between the eyes

    def to_dict(self, scenes: int) -> dict[str, Any]:
        """The figures of the table."""
        return {
            "recall": float(self.found.sum() / self.there.sum()),
            "recall_by_size": [float(f / t) if t else None for f, t in zip(self.found, self.there, strict=True)],
            "faces": int(self.there.sum()),
            "false_per_100": 100 * self.false / scenes,
            "same_reading": self.same / self.compared if self.compared else None,
            "compared": self.compared,
            "landmarks_apart": float(np.mean(self.apart)) if self.apart else None,
            "milliseconds": 1000 * self.seconds / scenes,
        }


def facenet(networks: MTCNN, least: float, photo: NDArray[np.uint8]) -> list[Face]:
    """What facenet-pytorch finds with its defaults; nothing where it fails, as on photos without a candidate."""
    parts = networks.pnet, networks.rnet, networks.onet
    with torch.inference_mode():
        pixels = torch.from_numpy(photo[None].astype(np.float32))
        boxes, points = detect_face(pixels, _SMALLEST, *parts, networks.thresholds, networks.factor, "cpu")
    found = zip(boxes[0].astype(np.float32), points[0].astype(np.float32), strict=True)
    return [Face(box[:4], float(box[4]), landmarks) for box, landmarks in found if box[4] >= least]


def port(cascade: Cascade, photo: NDArray[np.uint8]) -> list[Face]:
    """What the port finds as the original looks."""
    boxes, landmarks = cascade.find(Areas(photo[None]), _SMALLEST)
    rows = zip(boxes.corners, boxes.probability, landmarks, strict=True)
    return [Face(box, float(probability), points) for box, probability, points in rows]


def matched(faces: list[Face], places: NDArray[np.float32]) -> list[Face | None]:
    """For each place the face whose box has its middle there and half to twice its size, the most probable first."""
    answer: list[Face | None] = []
    rest = sorted(faces, key=lambda face: face.probability, reverse=True)
    for place in places:
        face = next((face for face in rest if _fits(face, place)), None)
        rest = [other for other in rest if other is not face]
        answer.append(face)
    return answer


def _fits(face: Face, place: NDArray[np.float32]) -> bool:
    middle = (face.box[:2] + face.box[2:]) / 2
    ratio = np.sqrt(face.area / np.prod(place[2:] - place[:2]))
    return bool((place[:2] < middle).all() and (middle < place[2:]).all() and 0.5 < ratio < 2)


def measure(scenes: Iterable[Scene], detectors: dict[str, Detect], service: ExpressionService) -> dict[str, Tally]:
    """Every detector on every scene; the first is the one that the others' readings are compared with."""
    tallies = {name: Tally() for name in detectors}
    for scene in scenes:
        bands = [_band(place, scene.photo) for place in scene.faces]
        reference: list[Face | None] = []
        for name, detect in detectors.items():
            started = perf_counter()
            faces = detect(scene.photo)
            tally = tallies[name]
            tally.seconds += perf_counter() - started
            places = matched(faces, scene.faces)
            reference = reference or places
            tally.false += len(faces) - sum(place is not None for place in places)
            for band, place in zip(bands, places, strict=True):
                tally.there[band] += 1
                tally.found[band] += place is not None
            _compare(tally, scene.photo, reference, places, service)
    return tallies


def _band(place: NDArray[np.float32], photo: NDArray[np.uint8]) -> int:
    share = float((place[2:] - place[:2]).max()) / min(photo.shape[:2])
    return next(row for row, (_, end) in enumerate(BANDS) if share <= end or row == len(BANDS) - 1)


def _compare(
    tally: Tally,
    photo: NDArray[np.uint8],
    reference: list[Face | None],
    faces: list[Face | None],
    service: ExpressionService,
) -> None:
    pairs = [(one, other) for one, other in zip(reference, faces, strict=True) if one and other]
    if not pairs:
        return
    crops = [face_crop(photo, alignment(face.landmarks[None])[0]) for pair in pairs for face in pair]
    emotions = service.emotions(service.embedder.embed(np.stack(crops)))
    tally.compared += len(pairs)
    tally.same += sum(one == other for one, other in zip(emotions[::2], emotions[1::2], strict=True))
    for one, other in pairs:
        eyes = float(np.linalg.norm(one.landmarks[0] - one.landmarks[1]))
        tally.apart.append(float(np.linalg.norm(one.landmarks - other.landmarks, axis=1).mean()) / eyes)


def real_scenes(photos: list[Image.Image], original: Detect) -> list[Scene]:
    """The photos in several sizes, straight and mirrored, with their faces where the original finds them."""
    scenes = []
    for photo in photos:
        for width, height in _REAL_SIZES:
            small = Image.fromarray(enlarged(photo, width, height))
            large = Image.fromarray(enlarged(photo, *_REAL_SIZES[-1]))
            for turn in (lambda picture: picture, ImageOps.mirror):
                boxes = [face.box for face in original(np.asarray(turn(large)))]
                places = np.array(boxes, np.float32).reshape(-1, 4) * (width / large.width)
                scenes.append(Scene(np.asarray(turn(small)), places))
    return scenes


def rows(figures: dict[str, dict[str, Any]]) -> str:
    """One table as Markdown; times are beside the first row's."""
    names = [f"{100 * start:.0f}–{100 * end:.0f} %" for start, end in BANDS]
    head = ("detector", "recall", *names, "false boxes in 100 photos", "same reading", "landmarks apart", "time")
    first = next(iter(figures.values()))["milliseconds"]
    lines = [
        (
            name,
            _share(row["recall"]),
            *map(_share, row["recall_by_size"]),
            f"{row['false_per_100']:.1f}",
            _share(row["same_reading"]),
            _share(row["landmarks_apart"]),
            f"{row['milliseconds'] / first:.2f} ×",
        )
        for name, row in figures.items()
    ]
    return table(head, lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="folder of FER+")
    parser.add_argument("--part", default="test", help="of FER+, whose faces are used (default: %(default)s)")
    parser.add_argument("--scenes", type=int, default=600, help="made photos (default: %(default)s)")
    parser.add_argument("--photos", type=Path, default=Path(".cache/demo-photos"), help="folder of the group photos")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    networks = MTCNN(keep_all=True, device="cpu").eval()
    service = ExpressionService.load()
    certain = partial(facenet, networks, _CERTAIN)
    detectors: dict[str, Detect] = {
        ORIGINAL: partial(facenet, networks, 0.0),
        CERTAIN: certain,
        PORT: partial(port, Cascade()),
        SHIPPED: service.detector.detect,
    }
    faces = ferplus.load(words.root, words.part).labelled()
    sets = {
        "made": made_scenes(faces.images, words.scenes, seed=len(words.part)),
        "real": real_scenes(group_photos(words.photos), certain),
    }
    figures = {
        name: {detector: tally.to_dict(len(scenes)) for detector, tally in measure(scenes, detectors, service).items()}
        for name, scenes in sets.items()
    }
    if words.json:
        counts = {name: len(scenes) for name, scenes in sets.items()}
        print(json.dumps({"part": words.part, "photos": counts, **figures}))
        return
    tables = (
        f"{len(scenes)} {name} photos, {figures[name][ORIGINAL]['faces']} faces:\n\n{rows(figures[name])}"
        for name, scenes in sets.items()
    )
    options = "" if words.part == "test" else f" --part {words.part}"
    options += "" if words.scenes == parser.get_default("scenes") else f" --scenes {words.scenes}"
    print(_PAGE.format(options=options, tables="\n\n".join(tables)))


if __name__ == "__main__":
    main()
