"""How much memory and time a video takes, short and long: made films of 720 lines, each read by a process of its own.

python -m benchmarks.videos [--minutes 1 10] [--width 1280 --height 720] [--json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from time import perf_counter

from benchmarks import films
from siamese.evaluation.tables import table
from siamese.service import ExpressionService

ALLOWED = 0.10  # by which a long video's memory may exceed a short one's

_STATUS = Path("/proc/self/status")
_SEED = 7
_PAGE = """\
## Memory and time of videos

```sh
python -m benchmarks.videos --minutes {minutes} > docs/results/videos.md
```

Made films of {width}×{height} pixels and {rate} frames a second, in which one face changes its expression; the longer
are the shortest over and over. Each is read by a process of its own, {per_second:g} frames a second, and its
representative frames are fetched. Memory is the most that was resident; before is when the service had answered once.

{table}

The longest takes {ratio:.3f} times the memory of the shortest; at most {allowed:.2f} is aimed at."""


def read(path: Path) -> dict[str, float]:
    """One film, read in this process: its frames, the seconds it took, and megabytes before and at most."""
    service = ExpressionService.load()
    service.warm_up()
    before, begun = _megabytes("VmRSS"), perf_counter()
    report = service.watch(path)
    moments = sum(1 for _ in service.pictures(report, chain.from_iterable(report.key_frames.values())))
    return {
        "video_seconds": report.read_seconds,
        "frames": report.frames,
        "moments": moments,
        "seconds": perf_counter() - begun,
        "megabytes_before": before,
        "megabytes": _megabytes("VmHWM"),
    }


def _megabytes(name: str) -> float:
    """What Linux tells of this process: VmRSS is what it holds now, VmHWM the most that it has held."""
    (line,) = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1000


def measure(minutes: Sequence[float], width: int, height: int) -> list[dict[str, float]]:
    """The figures of films of these lengths, the shortest first."""
    service = ExpressionService.load()
    shortest = min(minutes)
    with tempfile.TemporaryDirectory() as folder:
        film = films.made_film(films.looks_of(service.gallery), 60 * shortest, still=False, seed=_SEED)
        once = films.write(film, Path(folder) / "once.mp4", width, height)
        found = []
        for length in sorted(minutes):
            path = films.repeat(once, round(length / shortest), Path(folder) / f"{length:g}.mp4")
            command = [sys.executable, "-m", "benchmarks.videos", "--read", str(path)]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found.append({"minutes": length, **json.loads(told)})
    return found


def rows(found: Sequence[dict[str, float]]) -> str:
    """The table as Markdown."""
    head = ("minutes", "frames read", "seconds", "times as fast as it plays", "MB before", "MB at most")
    lines = [
        (
            f"{each['video_seconds'] / 60:.1f}",
            f"{each['frames']:,}",
            f"{each['seconds']:.0f}",
            f"{each['video_seconds'] / each['seconds']:.1f}",
            f"{each['megabytes_before']:.0f}",
            f"{each['megabytes']:.0f}",
        )
        for each in found
    ]
    return table(head, lines)


def ratio(found: Sequence[dict[str, float]]) -> float:
    """The longest video's memory in multiples of the shortest's."""
    return found[-1]["megabytes"] / found[0]["megabytes"]


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10], help="lengths, multiples of the shortest")
    parser.add_argument("--width", type=int, default=1280, help="of the films, in pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=720, help="of the films, in pixels (default: %(default)s)")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)  # what the other processes are asked
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    if words.read:
        print(json.dumps(read(words.read)))
        return
    found = measure(words.minutes, words.width, words.height)
    if words.json:
        print(json.dumps({"width": words.width, "height": words.height, "ratio": ratio(found), "videos": found}))
        return
    from siamese.settings import Settings

    print(
        _PAGE.format(
            minutes=" ".join(f"{each:g}" for each in words.minutes),
            width=words.width,
            height=words.height,
            rate=films.RATE,
            per_second=Settings().frames_per_second,
            table=rows(found),
            ratio=ratio(found),
            allowed=1 + ALLOWED,
        )
    )


if __name__ == "__main__":
    main()
