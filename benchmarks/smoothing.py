"""How steady readings are, and how soon they follow a change: one table of ways to average them over frames.

Each clip is one face of FER+'s validation part, still but for what a camera adds: noise, jitter of place, size and
brightness, and JPEG's losses. It is followed as the tab Live follows a camera, and what single frames show is then
averaged in each way. A change is one clip after another; it is seen once the label of the second is shown.

    python -m benchmarks.smoothing --root ../shared/data/ferplus [--clips 300] [--frames 40] [--json]
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from siamese.datasets import ferplus
from siamese.evaluation.tables import table
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.video.smoothing import Smoother, Smoothing, exponential, linear, none

RATE = 20  # frames a second
FRAME, FACE = (320, 240), 150  # pixels of a frame, and of the picture of a face in it
NOISE = 5.0  # standard deviations from here on: of each pixel's value, of 255
SHIFT, ZOOM, TURN = 1.5, 0.01, 0.7  # pixels; share; degrees
LIGHT = 0.03  # share
_QUALITY = 80  # of JPEG
_NEXT = 5  # clips after each, to which a change is made
_SETTLING = 7  # frames at a clip's start that do not count

WINDOWS, STRENGTHS, LEADS = (3, 5, 7, 10), (0.4, 0.5, 0.6, 0.7, 0.8, 0.9), (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
NONE, LINEAR, EXPONENTIAL, SHIPPED = "none", "linear over five", "exponential over seven", "as it ships"
_USUAL_STRENGTH = 0.7

_PAGE = """\
## How steady live readings are, and how soon they follow a change

```sh
python -m benchmarks.smoothing --root data/ferplus > docs/results/smoothing.md
```

A clip is one face of FER+'s validation part, still before a camera that is not: {frames} frames, {rate} a second. Of
{asked} faces {found} were seen in every frame; half of these, {clips}, are measured here. Flicker is how often a second
the label changes on a still face. Delay is how many frames pass from a change until its label is shown, the frame of
the change itself counted, on average and at the 95th percentile of {changes} changes. Right is the share of frames that
are shown as people labelled the face.

{rows}

What ships was chosen on the other half: of {tried} ways the steadiest of those that are no later, on average, than
linear weights over five frames. Chosen there: {chosen}. Tried were exponential weights over
{windows} frames, strengths of {strengths}, and leads of {leads}."""

Readings = NDArray[np.float64]  # (frames, classes), what each frame of a clip shows by itself


@dataclass(frozen=True, eq=False)
class Clip:
    """What the frames of one face show, and the column of the label that people gave it."""

    readings: Readings
    label: int


@dataclass(frozen=True)
class Figures:
    """What one way does: label changes a second, frames until a change is shown, share of frames shown right."""

    flicker: float
    delay: float
    delay_95: float
    right: float


def clip_frames(face: NDArray[np.uint8], count: int, seed: int) -> Iterable[NDArray[np.uint8]]:
    """A grey face (48, 48) as so many frames (height, width, 3) of a camera, never twice the same."""
    chance = np.random.default_rng(seed)
    picture = Image.fromarray(face).resize((FACE, FACE), Image.Resampling.BICUBIC)
    for _ in range(count):
        frame = Image.new("L", FRAME, 118)
        side = max(1, round(FACE * (1 + ZOOM * chance.standard_normal())))
        left, top = ((whole - side) / 2 + SHIFT * chance.standard_normal() for whole in FRAME)
        frame.paste(picture.resize((side, side)), (round(left), round(top)))
        turned = frame.rotate(TURN * chance.standard_normal(), Image.Resampling.BILINEAR, fillcolor=118)
        light = 1 + LIGHT * chance.standard_normal()
        pixels = np.asarray(turned) * light + NOISE * chance.standard_normal(frame.size[::-1])
        file = BytesIO()
        Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=_QUALITY)
        yield np.asarray(Image.open(file).convert("RGB"))


def read_clip(service: ExpressionService, face: NDArray[np.uint8], frames: int, seed: int) -> Readings | None:
    """What each frame of a face shows; None where it is not seen in all of them."""
    stream, rows = service.follow(), []
    for number, frame in enumerate(clip_frames(face, frames, seed)):
        sightings = stream.read(frame, number / RATE)
        if not sightings:
            return None
        rows.append(list(sightings[0].momentary.probabilities.values()))
    return np.array(rows)


def labels_shown(readings: Readings, way: Smoothing) -> NDArray[np.int64]:
    """The label (a column) that is shown at each frame."""
    smoother = Smoother(way)
    return np.array([smoother.add(frame)[1] for frame in readings])


def measure(clips: Sequence[Clip], way: Smoothing) -> Figures:
    """Flicker on each clip, and the delay from each to those after it that show something else."""
    shown = [labels_shown(clip.readings, way) for clip in clips]
    changes = [(labels[_SETTLING:][1:] != labels[_SETTLING:][:-1]).sum() for labels in shown]
    seconds = sum(len(labels) - _SETTLING - 1 for labels in shown) / RATE
    delays = [delay(first.readings, second.readings, way) for first, second in pairs(clips)]
    right = np.mean([(labels[_SETTLING:] == clip.label).mean() for labels, clip in zip(shown, clips, strict=True)])
    return Figures(sum(changes) / seconds, float(np.mean(delays)), float(np.percentile(delays, 95)), float(right))


def pairs(clips: Sequence[Clip]) -> list[tuple[Clip, Clip]]:
    """Each clip and those of the next few that show another expression as a whole."""
    return [
        (clip, after)
        for number, clip in enumerate(clips)
        for after in (clips[(number + step) % len(clips)] for step in range(1, _NEXT + 1))
        if settled(clip.readings) != settled(after.readings)
    ]


def settled(readings: Readings) -> int:
    """What a clip shows as a whole."""
    return int(readings.mean(axis=0).argmax())


def delay(before: Readings, after: Readings, way: Smoothing) -> int:
    """Frames from a change until what comes after is shown, its first frame counted; all of them where it never is."""
    shown = labels_shown(np.concatenate([before, after]), way)[len(before) :]
    seen = np.flatnonzero(shown == settled(after))
    return int(seen[0]) + 1 if len(seen) else len(after)


def choose(clips: Sequence[Clip]) -> tuple[int, float, float]:
    """Window, strength and lead: the steadiest of those no later than linear weights over five frames."""
    latest = measure(clips, linear(5)).delay
    found = {each: measure(clips, exponential(*each)) for each in product(WINDOWS, STRENGTHS, LEADS)}
    soon = {each: figures for each, figures in found.items() if figures.delay <= latest}
    return min(soon, key=lambda each: (soon[each].flicker, soon[each].delay))


def read_clips(service: ExpressionService, root: Path, count: int, frames: int) -> list[Clip]:
    """Clips of validation faces drawn at random."""
    samples = ferplus.load(root, "validation").labelled()
    rows = np.random.default_rng(0).permutation(len(samples))[:count]
    clips = []
    for row in track(rows.tolist(), "Following faces", console=Console(stderr=True)):
        readings = read_clip(service, samples.images[row], frames, seed=row)
        if readings is not None:
            clips.append(Clip(readings, int(samples.labels[row])))
    return clips


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder of FER+'s parquet files")
    parser.add_argument("--clips", type=int, default=300, help="faces (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=40, help="of each (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    service = ExpressionService.load()
    clips = read_clips(service, words.root, words.clips, words.frames)
    chosen = choose(clips[::2])
    reported = clips[1::2]
    following = Settings.model_construct().following
    shipped = (following.smoothing_window, following.smoothing_strength, following.smoothing_lead)
    ways = {
        NONE: none(),
        LINEAR: linear(5),
        EXPONENTIAL: exponential(7, _USUAL_STRENGTH),
        SHIPPED: exponential(*shipped),
    }
    figures = {name: measure(reported, way) for name, way in ways.items()}
    counts = {"asked": words.clips, "found": len(clips), "clips": len(reported), "changes": len(pairs(reported))}
    facts = {**counts, "frames": words.frames}
    if words.json:
        told = {name: asdict(each) for name, each in figures.items()}
        print(json.dumps({**facts, "ways": told, "shipped": named(shipped), "chosen": named(chosen)}))
        return
    print(page(figures, facts, chosen))


def named(way: tuple[int, float, float]) -> dict[str, Any]:
    """A way's numbers by their names."""
    return dict(zip(("window", "strength", "lead"), way, strict=True))


def page(figures: Mapping[str, Figures], facts: Mapping[str, int], chosen: tuple[int, float, float]) -> str:
    """The page of Markdown."""
    head = ("averaged", "flicker, changes a second", "delay, frames", "95th percentile", "right")
    rows = [
        (name, f"{each.flicker:.3f}", f"{each.delay:.2f}", f"{each.delay_95:.0f}", f"{each.right:.1%}")
        for name, each in figures.items()
    ]
    grids = {"windows": WINDOWS, "strengths": STRENGTHS, "leads": LEADS}
    told = {name: ", ".join(f"{value:g}" for value in grid) for name, grid in grids.items()}
    tried = len(WINDOWS) * len(STRENGTHS) * len(LEADS)
    as_words = "{window} frames, strength {strength:g}, lead {lead:g}".format(**named(chosen))
    return _PAGE.format(rows=table(head, rows), rate=RATE, tried=tried, chosen=as_words, **told, **facts)


if __name__ == "__main__":
    main()
