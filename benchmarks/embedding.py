"""How near the network comes to what this machine can multiply, and what integers gain and cost: one page of tables.

The roofline: multiply-adds a crop, counted, against those a second of a large matrix product in single precision, by
NumPy. Made-up crops serve, without mirror images, and each batch is one call of ONNX Runtime. With FER+ at --root, also
ways to put the network into integers: each calibrated on one part of validation, its accuracy by the nearest prototype
measured on the rest, its speed beside single precision's. Both take turns, so that what else the machine does slows
them alike, and medians are compared. Of the roofline, which is about what can be reached, the fastest calls are told.

    python -m benchmarks.embedding [--root data/ferplus] [--repeats 15] [--json]
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType
from threadpoolctl import threadpool_limits

from benchmarks.speed import milliseconds
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.quantised import accuracy, validation_halves
from siamese.evaluation.tables import table
from siamese.evaluation.timing import multiply_adds
from siamese.faces.align import INPUT_SIZE
from siamese.metric.prototypes import Prototypes
from siamese.network.quantisation import quantise
from siamese.network.runtime import NETWORK_FILES, Embedder
from siamese.network.twin import load_network
from siamese.settings import Settings

_SIDE = 2048  # of the matrices
_THREADS, _BATCHES, _COMPARED = (1, 2), (1, 2, 8, 64), (1, 64)
_CALIBRATION = 128  # crops for a histogram, which keeps every value

_SEVEN = {"float_convolutions": 0, "seven_bits": "none", "reduce_range": True}
_PLAIN = {"float_convolutions": 2, "seven_bits": "none"}
VARIANTS: dict[str, dict[str, Any]] = {
    "what `reference quantise` makes": {},
    "the same, but every layer in integers": {"float_convolutions": 0},
    "the same, but one convolution in fp32": {"float_convolutions": 1},
    "the same, but three convolutions in fp32": {"float_convolutions": 3},
    "the same, but eight bits everywhere": _PLAIN,
    "the same, but seven bits everywhere": {**_PLAIN, "reduce_range": True},
    "the same, but unsigned weights of eight bits": {**_PLAIN, "weight_type": QuantType.QUInt8},
    "the same, but the head in fp32": {"op_types_to_quantize": ["Conv", "Clip"]},
    "the same, but ranges by percentile": {"calibrate_method": CalibrationMethod.Percentile},
    "the same, but ranges by entropy": {"calibrate_method": CalibrationMethod.Entropy},
    "seven bits everywhere, as operators, not Q and DQ": {
        **_PLAIN,
        "reduce_range": True,
        "quant_format": QuantFormat.QOperator,
    },
    "seven bits everywhere, one scale a layer": {**_PLAIN, "reduce_range": True, "per_channel": False},
    "every layer in integers, seven bits": _SEVEN,
    "every layer in integers, eight bits": {**_SEVEN, "reduce_range": False},
}

_PAGE = """\
## How fast crops are embedded, and how fast they could be

```sh
python -m benchmarks.embedding{words} > docs/results/embedding.md
```

The network multiplies and adds {millions:.0f} million times for one crop; a product of two matrices of {side}×{side} in
single precision, by NumPy, {peaks}.
In each cell: crops a second, and the share of that peak on as many threads; all of the fastest of {repeats} calls.

{roofline}"""
_INTEGERS = """

Ways to put the network into integers, calibrated on {calibrated} crops of validation (ranges by percentile and entropy
on {histogram}). Accuracy is by the nearest prototype on the other {images:,}, of which single precision reads
{accuracy:.2%} right; the way that ships was chosen on them, too. Speed is that of single precision, times so much, on
{threads} threads.

{variants}"""


def roofline(reference: Path, repeats: int) -> dict[str, Any]:
    """Multiply-adds of a crop; by threads, those a second of a matrix product, and crops a second by batch."""
    peaks, crops_per_second = {}, {}
    for threads in _THREADS:
        embedder = Embedder(reference / NETWORK_FILES["fp32"], threads)
        with threadpool_limits(threads):
            times = milliseconds({"product": _product(), **_calls(embedder)}, repeats, min)
        peaks[threads] = _SIDE**3 / times.pop("product") * 1000
        crops_per_second[threads] = {int(batch): 1000 * int(batch) / each for batch, each in times.items()}
    operations = multiply_adds(load_network(reference / "network.safetensors"))
    return {
        "repeats": repeats,
        "multiply_adds": operations,
        "peak_per_second": peaks,
        "crops_per_second": crops_per_second,
    }


def _product() -> Callable[[], object]:
    left, right = np.random.default_rng(0).random((2, _SIDE, _SIDE), dtype=np.float32)
    return partial(np.matmul, left, right)


def _calls(embedder: Embedder, batches: tuple[int, ...] = _BATCHES) -> dict[str, Callable[[], object]]:
    """By the size of a batch, what embeds one of made-up crops."""
    crops = np.random.default_rng(0).integers(0, 256, (max(batches), INPUT_SIZE, INPUT_SIZE), dtype=np.uint8)
    return {f"{batch}": partial(embedder.embed, crops[:batch], mirror=False) for batch in batches}


def integers(reference: Path, root: Path, cache: Path, repeats: int) -> dict[str, Any]:
    """The accuracy of each way to put the network into integers, and times as fast as single precision by batch."""
    prototypes = Prototypes.load(reference / "prototypes.npz")
    calibration, held_out = validation_halves(reference, "ferplus", root, prototypes, cache)
    single = reference / NETWORK_FILES["fp32"]
    before = accuracy(Embedder(single), prototypes, held_out)
    with TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"{number}.onnx" for number, name in enumerate(VARIANTS)}
        for name, path in paths.items():
            drawn = calibration[: _CALIBRATION if "calibrate_method" in VARIANTS[name] else None]
            with redirect_stdout(sys.stderr):  # of what ONNX Runtime tells meanwhile
                quantise(single, path, drawn, **VARIANTS[name])
        ways = {
            name: {
                **_cost(Embedder(path), prototypes, held_out, before),
                "times_as_fast": _times_as_fast(single, path, repeats),
            }
            for name, path in paths.items()
        }
    return {"calibrated": len(calibration), "images": len(held_out), "accuracy": before, "ways": ways}


def _cost(embedder: Embedder, prototypes: Prototypes, held_out: Labelled, before: float) -> dict[str, float]:
    after = accuracy(embedder, prototypes, held_out)
    return {"accuracy": after, "points": 100 * (after - before)}


def _times_as_fast(single: Path, integers: Path, repeats: int) -> dict[int, float]:
    before, after = (_calls(Embedder(path, max(_THREADS)), _COMPARED) for path in (single, integers))
    ratios = {}
    for batch in _COMPARED:
        times = milliseconds({"before": before[f"{batch}"], "after": after[f"{batch}"]}, repeats)
        ratios[batch] = times["before"] / times["after"]
    return ratios


def page(figures: Mapping[str, Any], words: str = "") -> str:
    """What was measured, as Markdown with the command that measures it again."""
    peaks = figures["peak_per_second"]
    made = _PAGE.format(
        words=words,
        repeats=figures["repeats"],
        millions=figures["multiply_adds"] / 1e6,
        side=_SIDE,
        peaks=", ".join(f"{peak / 1e9:.1f}·10⁹ times a second on {_on(threads)}" for threads, peak in peaks.items()),
        roofline=_roofline_table(figures),
    )
    found = figures.get("integers")
    if not found:
        return made
    rows = (
        (name, f"{each['accuracy']:.2%}", f"{each['points']:+.2f}", *_times(each["times_as_fast"]))
        for name, each in found["ways"].items()
    )
    head = ("way", "accuracy", "points", *(f"{batch} at once" for batch in _COMPARED))
    told = {name: found[name] for name in ("calibrated", "images", "accuracy")}
    ways = table(head, rows)
    return made + _INTEGERS.format(**told, histogram=_CALIBRATION, threads=max(_THREADS), variants=ways)


def _on(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}"


def _times(ratios: Mapping[int, float]) -> tuple[str, ...]:
    return tuple(f"{ratios[batch]:.2f} ×" for batch in _COMPARED)


def _roofline_table(figures: Mapping[str, Any]) -> str:
    rows = []
    for threads, crops in figures["crops_per_second"].items():
        limit = figures["peak_per_second"][threads] / figures["multiply_adds"]
        rows.append((f"{threads}", *(f"{each:.0f} ({each / limit:.0%})" for each in crops.values())))
    return table(("threads", *(f"{batch} at once" for batch in _BATCHES)), rows)


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="FER+'s folder; without it, integers are left out")
    parser.add_argument("--reference", type=Path, default=Settings().reference, help="the reference set's folder")
    parser.add_argument("--repeats", type=int, default=15, help="of each call, after two (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="where faces that were found are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    figures = roofline(words.reference, words.repeats)
    if words.root:
        figures["integers"] = integers(words.reference, words.root, words.cache, words.repeats)
    asked = " --root data/ferplus" if words.root else ""
    print(json.dumps(figures) if words.json else page(figures, asked))


if __name__ == "__main__":
    main()
