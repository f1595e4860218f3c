"""Where the time of one photo goes: two tables of stages, before and after the port of the detector.

Before: facenet-pytorch's MTCNN alone, at its defaults, on which the page stood at first. After: Semblance's whole path.
Both are profiled by Python's own profiler in one run, on one photo in memory.

    python -m benchmarks.stages [--width 1280 --height 720] [--repeats 20] [--threads 2] [--json]
"""

import argparse
import cProfile
import json
import pstats
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
import skimage.data
from facenet_pytorch import MTCNN
from facenet_pytorch.models import mtcnn
from facenet_pytorch.models.utils import detect_face
from PIL import Image

from benchmarks.scenes import framed
from siamese.evaluation.tables import table
from siamese.evaluation.timing import torch_threads
from siamese.faces import align, decode, detect
from siamese.faces.areas import Areas
from siamese.faces.cascade import Cascade
from siamese.network.runtime import Embedder
from siamese.service import ExpressionService
from siamese.settings import Settings

Function = Callable[..., Any]
Spent = Mapping[str, float]  # milliseconds of each stage

FIRST, SECOND, THIRD = "first network, at all scales", "second network", "third network"
OTHER = "all else"
_RUN = onnxruntime.InferenceSession.run
BEFORE: dict[str, tuple[Function, ...]] = {
    "scaling, and bringing crops to one size": (detect_face.imresample,),
    FIRST: (mtcnn.PNet.forward,),
    SECOND: (mtcnn.RNet.forward,),
    THIRD: (mtcnn.ONet.forward,),
    "keeping boxes apart": (detect_face.batched_nms, detect_face.batched_nms_numpy),
}
AFTER: dict[str, tuple[Function, ...]] = {
    "decoding, here a copy of the array": (decode.decode,),
    "shrinking, where it is large": (detect._shrunk,),
    "summing": (Areas.__init__,),
    "scaling": (Areas.scaled,),
    "bringing crops to one size": (Areas.crops,),
    "aligned crop": (align.face_crop,),
}
RUNS = {  # of ONNX Runtime, by who asks for them
    FIRST: Cascade._at_scale,
    SECOND: Cascade._refined,
    THIRD: Cascade._judged,
    "keeping boxes apart": Cascade._apart,
    "embedding": Embedder._embed_batch,
}
_PAGE = """\
## Where the time of one photo goes

```sh
python -m benchmarks.stages > docs/results/stages.md
```

One face on {width}×{height} pixels, {threads} threads. Before: facenet-pytorch's MTCNN alone.

{before}

After: the whole path of Semblance, on the thread that was asked; what it waits for the other is in «all else».

{after}"""


def profiled(action: Callable[[], object], repeats: int) -> pstats.Stats:
    """What repeated calls of an action spend where, after two that are not counted."""
    for _ in range(2):
        action()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(repeats):
        action()
    profiler.disable()
    return pstats.Stats(profiler)


def spent(stats: pstats.Stats, function: Function, caller: Function | None = None) -> float:
    """Seconds in a function and what it calls, or only where `caller` calls it."""
    entry: Any = vars(stats)["stats"].get(_key(function))
    if entry is None:
        return 0.0
    callers: Mapping[Any, tuple[float, ...]] = entry[4]
    return float(entry[3] if caller is None else callers.get(_key(caller), (0.0,) * 4)[3])


def _key(function: Function) -> tuple[str, int, str]:
    code = function.__code__
    return code.co_filename, code.co_firstlineno, code.co_name


def stages(
    stats: pstats.Stats, named: Mapping[str, tuple[Function, ...]], runs: Mapping[str, Function], repeats: int
) -> dict[str, float]:
    """Milliseconds of each stage in one photo, and of what is in none of them."""
    seconds = {name: sum(spent(stats, each) for each in functions) for name, functions in named.items()}
    seconds |= {name: spent(stats, _RUN, caller) for name, caller in runs.items()}
    seconds[OTHER] = vars(stats)["total_tt"] - sum(seconds.values())
    return {name: 1000 * each / repeats for name, each in seconds.items()}


def measure(width: int, height: int, repeats: int, threads: int) -> dict[str, Spent]:
    """Both ways' stages on the same photo."""
    photo = framed(Image.fromarray(skimage.data.astronaut()), width, height)
    service = ExpressionService.load(settings=Settings(threads=threads))
    facenet = MTCNN(keep_all=True, device="cpu")
    with torch_threads(threads):
        before = profiled(partial(facenet.detect, np.asarray(photo)), repeats)
    after = profiled(partial(service.recognise, photo), repeats)
    return {"before": stages(before, BEFORE, {}, repeats), "after": stages(after, AFTER, RUNS, repeats)}


def rows(found: Spent) -> str:
    """One table as Markdown, the longest first."""
    whole = sum(found.values())
    lines = sorted(found.items(), key=lambda each: -each[1])
    return table(
        ("stage", "ms", "share"),
        [(name, f"{each:.1f}", f"{each / whole:.0%}") for name, each in [*lines, ("all", whole)]],
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=1280, help="of the photo, in pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=720, help="of the photo, in pixels (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=20, help="of each way (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of each way (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    found = measure(words.width, words.height, words.repeats, words.threads)
    if words.json:
        print(json.dumps({"width": words.width, "height": words.height, "threads": words.threads, **found}))
        return
    tables = {name: rows(each) for name, each in found.items()}
    print(_PAGE.format(width=words.width, height=words.height, threads=words.threads, **tables))


if __name__ == "__main__":
    main()
