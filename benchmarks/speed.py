"""How long a photo takes, beside `fer` and facenet-pytorch, and a crop, beside PyTorch: two tables of one run.

Every photo is in memory as an RGB array. All take turns, so that what else the machine does slows all alike; told are
medians, and ratios to ours. The first table's peers: `fer` with its Haar and its MTCNN detector, which read faces as we
do, and facenet-pytorch's MTCNN alone, at its defaults and with its smallest face at a tenth of the shorter side.

    pip install -r requirements-peers.txt    # for `fer`; without it, its columns are empty
    python -m benchmarks.speed [--threads 2] [--repeats 15] [--json]
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from facenet_pytorch import MTCNN
from numpy.typing import NDArray
from PIL import Image

from benchmarks.scenes import framed, group_photos
from siamese.evaluation.tables import table
from siamese.evaluation.timing import torch_threads
from siamese.faces.align import INPUT_SIZE
from siamese.network.runtime import Embedder
from siamese.network.twin import load_network
from siamese.service import ExpressionService
from siamese.settings import Settings

OURS, DETECTION = "Semblance", "Semblance, detection alone"
HAAR, FER_MTCNN = "fer, Haar", "fer, MTCNN"
FACENET, FACENET_COARSE = "facenet-pytorch's MTCNN", "the same, a tenth"
EAGER, RUNTIME, INT8 = "PyTorch eager", "ONNX Runtime, fp32", "ONNX Runtime, int8"
SIZES = ((320, 240), (640, 480), (1280, 720), (4000, 3000))
BATCHES = (1, 64)

_SMALLEST_SHARE = 10
_WARM_UP = 2
_REST = 0.1  # seconds
_STARTS = 5

_PAGE = """\
## Speed of a photo, beside its peers

```sh
python -m benchmarks.speed{options} > docs/results/speed.md
```

Median milliseconds of ours, and everybody's as a multiple of them; {threads} threads each.

{photos}

{crops}

{starts}"""

Photo = NDArray[np.uint8]
Action = Callable[[], object]


def photos(folder: Path) -> dict[str, Photo]:
    """One face, and five where the group photos are there, in every size, by what they are called."""
    pictures = {"one face": Image.fromarray(skimage.data.astronaut())}
    groups = group_photos(folder)
    if groups:
        pictures["five faces"] = groups[4]
    return {
        f"{width}×{height}, {what}": framed(picture, width, height)
        for width, height in SIZES
        for what, picture in pictures.items()
    }


def readers(service: ExpressionService) -> dict[str, Callable[[Photo], object]]:
    """What takes a photo, by name; peers that are not installed are missing."""
    facenet = MTCNN(keep_all=True, device="cpu")

    def coarse(photo: Photo) -> object:
        return MTCNN.detect(_with_smallest(facenet, min(photo.shape[:2]) / _SMALLEST_SHARE), Image.fromarray(photo))

    return {
        OURS: service.recognise,
        DETECTION: service.detector.detect,
        **_fer(),
        FACENET: lambda photo: _with_smallest(facenet, 20).detect(Image.fromarray(photo)),
        FACENET_COARSE: coarse,
    }


def _with_smallest(detector: MTCNN, pixels: float) -> MTCNN:
    detector.min_face_size = pixels
    return detector


def _fer() -> dict[str, Callable[[Photo], object]]:
    """`fer`'s two ways; torch must have been imported before TensorFlow, which it imports."""
    try:
        from fer.fer import FER
    except ImportError as error:
        print(f"fer is left out: {error}", file=sys.stderr)
        return {}
    haar, mtcnn = FER(mtcnn=False), FER(mtcnn=True)
    return {
        HAAR: lambda photo: haar.detect_emotions(np.ascontiguousarray(photo[..., ::-1])),
        FER_MTCNN: lambda photo: mtcnn.detect_emotions(np.ascontiguousarray(photo[..., ::-1])),
    }


def embedders(reference: Path, threads: int) -> dict[str, Callable[[Photo], object]]:
    """What takes crops (n, 96, 96) uint8 to embeddings, without mirror images, by name."""
    network = load_network(reference / "network.safetensors").eval()

    @torch.inference_mode()
    def eager(crops: Photo) -> object:
        return network(torch.from_numpy(crops)[:, None] / 255)

    found: dict[str, Callable[[Photo], object]] = {EAGER: eager}
    for name, file in ((RUNTIME, "network.onnx"), (INT8, "network.int8.onnx")):
        if (reference / file).is_file():
            embedder = Embedder(reference / file, threads)
            found[name] = lambda crops, embedder=embedder: embedder.embed(crops, mirror=False)
    return found


def milliseconds(
    actions: Mapping[str, Action], repeats: int, typical: Callable[[list[float]], Any] = np.median
) -> dict[str, float]:
    """The median time of each action, or what else is `typical` of its times; they take turns.

    Before each there is a rest, in which the threads that the one before has left spinning go to sleep.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(_WARM_UP + repeats):
        for name, action in actions.items():
            time.sleep(_REST)
            started = time.perf_counter()
            action()
            times[name].append(time.perf_counter() - started)
    return {name: 1000 * float(typical(each[_WARM_UP:])) for name, each in times.items()}


def start_seconds() -> dict[str, float]:
    """How long a new process takes to import the package, and until the service has read its first picture."""
    ready = "from siamese import ExpressionService; ExpressionService.load().warm_up()"
    return {"import siamese": _run_seconds("import siamese"), "the service is ready": _run_seconds(ready)}


def _run_seconds(code: str) -> float:
    times = []
    for _ in range(_STARTS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - started)
    return float(np.median(times))


def rows(figures: Mapping[str, Mapping[str, float]], first: str, unit: str) -> str:
    """A table as Markdown: our milliseconds, and everybody's as a multiple of them."""
    names = [name for name in next(iter(figures.values())) if name != first]
    head = (unit, f"{first}, ms", *names)
    lines = [
        (what, f"{times[first]:.1f}", *(f"{times[name] / times[first]:.2f} ×" for name in names))
        for what, times in figures.items()
    ]
    return table(head, lines)


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="of everybody (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=15, help="of each, after two (default: %(default)s)")
    parser.add_argument("--photos", type=Path, default=Path(".cache/demo-photos"), help="folder of the group photos")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    service = ExpressionService.load(settings=Settings(threads=words.threads))
    with torch_threads(words.threads):
        reading = readers(service)
        whole = {
            what: milliseconds({name: lambda r=read, p=photo: r(p) for name, read in reading.items()}, words.repeats)
            for what, photo in photos(words.photos).items()
        }
        embedding = embedders(service.settings.reference, words.threads)
        chance = np.random.default_rng(0)
        crops = {n: chance.integers(0, 256, (n, INPUT_SIZE, INPUT_SIZE), dtype=np.uint8) for n in BATCHES}
        network = {
            f"{n} at once": milliseconds({k: lambda e=e, c=c: e(c) for k, e in embedding.items()}, words.repeats)
            for n, c in crops.items()
        }
    starts = start_seconds()
    found: dict[str, Any] = {"threads": words.threads, "photos_ms": whole, "crops_ms": network, "start_s": starts}
    if words.json:
        print(json.dumps(found))
        return
    tables = {
        "photos": rows(whole, OURS, "photo"),
        "crops": rows(network, RUNTIME, "crops"),
        "starts": table(("start", "seconds"), [(what, f"{seconds:.2f}") for what, seconds in starts.items()]),
    }
    options = "" if words.repeats == parser.get_default("repeats") else f" --repeats {words.repeats}"
    print(_PAGE.format(options=options, threads=words.threads, **tables))


if __name__ == "__main__":
    main()
