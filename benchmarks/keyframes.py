"""Which moments of a film represent it: the published method and ours, on made films whose expressions are known.

A film shows eight faces, averages of many, one after another, for one to twelve seconds each; some come again. A method
has found a face when one of its frames shows it. Evenly spaced frames are what any method must beat.

    python -m benchmarks.keyframes [--films 6] [--seconds 60] [--width 480 --height 270] [--seed 100] [--json]
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time

import numpy as np

from benchmarks import films
from benchmarks.films import Film
from siamese.evaluation.tables import table
from siamese.service import ExpressionService
from siamese.video.frames import opened
from siamese.video.keyframes import MOST, Choosing, brightness, outlying

OURS, PUBLISHED, EVEN = "ours, on embeddings", "published, on brightness", f"{MOST} evenly spaced"
KINDS = {True: "nothing else changes", False: "the head sways, light drifts, noise"}
_PAGE = """\
## Representative frames of films

```sh
python -m benchmarks.keyframes --films {films} --seconds {seconds:g} > docs/results/keyframes.md
```

Films of {seconds:g} seconds, {films} of each kind, in each of which a face takes on eight looks, one after another, for
one to twelve seconds; some come again. The looks are averages of many faces. Found is a look of which one frame is
chosen, and a scene in which one is. Duplicates show a look that another chosen frame shows, and those in between show
two looks at once. Times are of one processor, for each frame that is read, besides its reading.

{table}"""


@dataclass
class Tally:
    """What a method chose in several films."""

    looks: list[float] = field(default_factory=list)
    scenes: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    duplicates: list[int] = field(default_factory=list)
    between: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def add(self, film: Film, chosen: Sequence[float], milliseconds: float) -> None:
        """The moments (seconds) that were chosen in a film."""
        places = [scene_at(film, seconds) for seconds in chosen]
        looks = {film.scenes[place].look for place in places}
        self.looks.append(len(looks) / len({scene.look for scene in film.scenes}))
        self.scenes.append(len(set(places)) / len(film.scenes))
        self.frames.append(len(chosen))
        self.duplicates.append(len(chosen) - len(looks))
        self.between.append(sum(_between(film, seconds) for seconds in chosen))
        self.milliseconds.append(milliseconds)

    def to_dict(self) -> dict[str, float]:
        """Means over the films."""
        return {name: float(np.mean(values)) for name, values in vars(self).items()}


def scene_at(film: Film, seconds: float) -> int:
    """Which scene is shown at a time: while one turns into the next, that of which more is seen."""
    begun = [place for place, scene in enumerate(film.scenes) if seconds >= scene.start + films.BLEND / 2]
    return begun[-1] if begun else 0


def _between(film: Film, seconds: float) -> bool:
    return any(scene.start <= seconds < scene.start + films.BLEND for scene in film.scenes[1:])


def choices(path: Path, service: ExpressionService) -> dict[str, tuple[list[float], float]]:
    """The moments that each method chooses in a video, and its milliseconds for each frame; read once for all."""
    stream, choosing = service.follow(), {}
    times: list[float] = []
    sums: list[float] = []
    spent = dict.fromkeys((OURS, PUBLISHED, EVEN), 0.0)

    def timed(method: str, action: Callable[[], object]) -> object:
        begun = thread_time()
        done = action()
        spent[method] += 1000 * (thread_time() - begun)
        return done

    settings = service.settings.video
    with opened(path, settings) as video:
        for frame in video.frames(settings.frames_per_second, settings.longest_side):
            times.append(frame.seconds)
            for each in stream.read(frame.picture, frame.seconds):
                mine = choosing.setdefault(each.number, Choosing(settings.key_frames))
                timed(OURS, lambda mine=mine, each=each, at=frame.seconds: mine.add(at, each))
            timed(PUBLISHED, lambda picture=frame.picture: sums.append(brightness(picture)))
    found = {
        OURS: [moment.seconds for number, mine in choosing.items() for moment in mine.chosen(number)],
        PUBLISHED: [times[place] for place in outlying(np.array(sums))],
        EVEN: [times[place] for place in np.linspace(0, len(times) - 1, MOST + 2).round().astype(int)[1:-1]],
    }
    return {method: (moments, spent[method] / len(times)) for method, moments in found.items()}


def measure(count: int, seconds: float, width: int, height: int, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Each method's figures on so many films of each kind."""
    service = ExpressionService.load()
    looks = films.looks_of(service.gallery)
    tallies = {kind: {method: Tally() for method in (OURS, PUBLISHED, EVEN)} for kind in KINDS.values()}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            for still, kind in KINDS.items():
                film = films.made_film(looks, seconds, still, seed + number)
                path = films.write(film, Path(folder) / "film.mp4", width, height)
                for method, (moments, milliseconds) in choices(path, service).items():
                    tallies[kind][method].add(film, moments, milliseconds)
    return {kind: {method: tally.to_dict() for method, tally in methods.items()} for kind, methods in tallies.items()}


def rows(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """The table as Markdown."""
    head = ("film", "method", "looks found", "scenes found", "frames", "duplicates", "in between", "ms a frame")
    lines = [
        (
            kind,
            method,
            f"{figures['looks']:.0%}",
            f"{figures['scenes']:.0%}",
            *(f"{figures[name]:.1f}" for name in ("frames", "duplicates", "between")),
            f"{figures['milliseconds']:.2f}",
        )
        for kind, methods in found.items()
        for method, figures in methods.items()
    ]
    return table(head, lines)


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=6, help="of each kind (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="that each lasts (default: %(default)s)")
    parser.add_argument("--width", type=int, default=480, help="of the films, in pixels (default: %(default)s)")
    parser.add_argument("--height", type=int, default=270, help="of the films, in pixels (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=100, help="of the first (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    found = measure(words.films, words.seconds, words.width, words.height, words.seed)
    if words.json:
        print(json.dumps({"films": words.films, "seconds": words.seconds, "kinds": found}))
        return
    print(_PAGE.format(films=words.films, seconds=words.seconds, table=rows(found)))


if __name__ == "__main__":
    main()
