"""How many readings a second a camera gets, and how old they are: one table, over the WebSocket that the page uses.

The server is a program of its own, and so is the camera, which sends a frame each thirtieth of a second, whatever is
answered; in one row, many more. An answer's age is from when its frame was sent to when it came. Beside the way that
ships, each frame is searched as a whole, as if it were a photo.

    python -m benchmarks.live [--seconds 20] [--json]
"""

import argparse
import asyncio
import io
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from websockets.asyncio.client import connect

from benchmarks.load import program
from benchmarks.scenes import group_photos, swaying
from siamese.evaluation.tables import table
from siamese.settings import PREFIX
from siamese.web.listening import listen
from siamese.web.streaming import PATH

CAMERA, FLOOD = 30, 200  # frames a second
_FRAMES = 60
_QUALITY = 85
_WARM_UP = 1.0  # seconds at the start that do not count

_PAGE = """\
## Readings of a camera, a second

```sh
python -m benchmarks.live{options} > docs/results/live.md
```

Each row {seconds:g} seconds, over loopback, the camera's program beside the server's on the same cores. Age: from a
frame sent to its reading received. Dropped: frames that a newer one overtook.

{rows}"""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Scenario:
    """What is before the camera, in which size, so many frames a second; and whether each frame is searched whole."""

    what: str
    picture: Picture
    width: int
    height: int
    rate: float = CAMERA
    whole: bool = False

    @property
    def name(self) -> str:
        """As the table has it."""
        more = [", each frame searched"] * self.whole + [", a flood of frames"] * (self.rate > CAMERA)
        return f"{self.width}×{self.height}, {self.what}{''.join(more)}"


@dataclass(frozen=True)
class Figures:
    """Of one scenario: frames sent and read a second, ages in milliseconds, faces told, share of frames dropped."""

    sent: float
    read: float
    p50_ms: float
    p95_ms: float
    faces: float
    dropped: float


def scenarios(folder: Path) -> list[Scenario]:
    """One face in two sizes, one face with many more frames, one without following; and five where photos are there."""
    one = skimage.data.astronaut()
    found = [
        Scenario("one face", one, 640, 480),
        Scenario("one face", one, 640, 480, whole=True),
        Scenario("one face", one, 640, 480, rate=FLOOD),
        Scenario("one face", one, 1280, 720),
    ]
    groups = group_photos(folder)
    return [*found, Scenario("five faces", np.asarray(groups[4]), 640, 480)] if groups else found


def encoded(scenario: Scenario) -> list[bytes]:
    """The camera's frames as JPEG files."""
    files = []
    for frame in swaying(scenario.picture, scenario.width, scenario.height, _FRAMES):
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "JPEG", quality=_QUALITY)
        files.append(file.getvalue())
    return files


async def watch(address: str, frames: Sequence[bytes], rate: float, seconds: float) -> Figures:
    """Be the camera for so many seconds, after a second's warm-up."""
    sent: list[float] = []
    answers: list[tuple[float, dict]] = []
    async with connect(f"ws{address.removeprefix('http')}{PATH}") as socket:
        await socket.recv()

        async def receive() -> None:
            while True:
                told = json.loads(await socket.recv())
                answers.append((time.perf_counter(), told))

        receiving = asyncio.create_task(receive())
        started = time.perf_counter()
        while (due := started + len(sent) / rate) < started + _WARM_UP + seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent.append(time.perf_counter())
            await socket.send(frames[len(sent) % len(frames)])
        receiving.cancel()
    return figures(sent, answers, started + _WARM_UP, started + _WARM_UP + seconds)


def figures(sent: Sequence[float], answers: Sequence[tuple[float, dict]], start: float, end: float) -> Figures:
    """What happened between two moments, from when each frame was sent and each answer came."""
    counted = [(came, told) for came, told in answers if start <= came < end]
    ages = [1000 * (came - sent[told["frame"] - 1]) for came, told in counted]
    frames = sum(start <= moment < end for moment in sent)
    dropped = counted[-1][1]["dropped"] - counted[0][1]["dropped"]
    p50, p95 = (float(value) for value in np.percentile(ages, (50, 95)))
    faces = float(np.mean([len(told["faces"]) for _, told in counted]))
    return Figures(frames / (end - start), len(counted) / (end - start), p50, p95, faces, dropped / frames)


def measure(scenario: Scenario, seconds: float) -> Figures:
    """One scenario, with a server of its own."""
    with listen("127.0.0.1", 0) as free:
        port = str(free.getsockname()[1])
    extra = {f"{PREFIX}SEARCH_SECONDS": "0"} if scenario.whole else {}
    with program("siamese", "serve", "--port", port, **extra) as (address, _):
        return asyncio.run(watch(address, encoded(scenario), scenario.rate, seconds))


def rows(found: dict[str, Figures]) -> str:
    """The table as Markdown."""
    head = ("camera", "frames a second", "readings a second", "age, median", "95th percentile", "faces", "dropped")
    lines = [
        (
            name,
            f"{each.sent:.1f}",
            f"{each.read:.1f}",
            f"{each.p50_ms:.0f} ms",
            f"{each.p95_ms:.0f} ms",
            f"{each.faces:.1f}",
            f"{each.dropped:.0%}",
        )
        for name, each in found.items()
    ]
    return table(head, lines)


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of each row (default: %(default)s)")
    parser.add_argument("--photos", type=Path, default=Path(".cache/demo-photos"), help="folder of the group photos")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    todo = track(scenarios(words.photos), "Watching", console=Console(stderr=True))
    found = {each.name: measure(each, words.seconds) for each in todo}
    if words.json:
        print(json.dumps({"seconds": words.seconds, "cameras": {name: asdict(each) for name, each in found.items()}}))
        return
    options = "" if words.seconds == parser.get_default("seconds") else f" --seconds {words.seconds:g}"
    print(_PAGE.format(seconds=words.seconds, options=options, rows=rows(found)))


if __name__ == "__main__":
    main()
