"""Whether people of an edited film are told apart where it cuts from one to another: made films of CK+'s people.

In a scene, one picture of a person turns into another, often of another expression, while the head sways. The next
scene shows somebody else at the same place and size, which is hardest: before another background, or before the same.

    python -m benchmarks.cuts --root data/ckplus [--films 6] [--scenes 20] [--seed 0] [--json]
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track

from benchmarks.scenes import backgrounds, enlarged, feathered
from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.evaluation.tables import table
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.video.following import FaceStream

WIDTH, HEIGHT, SIDE = 640, 480, 260  # pixels of a frame, and of a face
FRAMES, BLEND = 30, 4  # of a scene, and those in which one expression turns into another
SWAY = 0.15  # of the face's side, to each side
KINDS = {"to another place": True, "at the same place": False}
SEEKING, NOT_SEEKING = "sought", "not sought"

_PAGE = """\
## People of edited films

```sh
python -m benchmarks.cuts --root data/ckplus{options} > docs/results/cuts.md
```

Of each kind {films} films with {scenes} scenes, each of another of CK+'s people at the same place and size, of whom one
picture turns into another; {frames} frames a scene, ten a second. Merged are cuts after which somebody has the number
of who was there before; split are people whose number changes within their scene. Searches are of whole frames. What
ships, `SEMBLANCE_CUT_BELOW` {cut_below:g} and `SEMBLANCE_SAME_LOOK` {same_look:g}, was chosen on two films of each kind
with other seeds.

{table}"""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Told:
    """How the people of films were told apart: cuts, people merged and split, share of faces seen, whole searches."""

    cuts: int
    merged: int
    split: int
    seen: float
    searches: float

    @property
    def row(self) -> tuple[str, ...]:
        """For the table."""
        return f"{self.cuts:,}", f"{self.merged:,}", f"{self.split:,}", f"{self.seen:.1%}", f"{self.searches:.1f}"


def made_film(samples: Samples, scenes: int, elsewhere: bool, seed: int) -> Iterator[list[Picture]]:
    """The frames of each scene."""
    chance, places = np.random.default_rng(seed), backgrounds()
    people = chance.permutation(np.unique(np.asarray(samples.subjects)))[:scenes]
    behind = enlarged(places[chance.integers(len(places))], WIDTH, HEIGHT)
    for person in people:
        if elsewhere:
            behind = enlarged(places[chance.integers(len(places))], WIDTH, HEIGHT)
        rows = np.flatnonzero(np.asarray(samples.subjects) == person)
        yield list(_scene(samples.images[chance.choice(rows, 2, replace=False)], behind, chance))


def _scene(faces: NDArray[np.uint8], behind: Picture, chance: np.random.Generator) -> Iterator[Picture]:
    """One face (of two, each (side, side) grey) turning into the other before a background."""
    first, second = (np.asarray(Image.fromarray(face).resize((SIDE, SIDE)), np.float32) for face in faces)
    phase, turn = chance.uniform(0, 2 * np.pi), chance.integers(BLEND, FRAMES - BLEND)
    for number in range(FRAMES):
        share = float(np.clip((number - turn) / BLEND, 0, 1))
        face = Image.fromarray(((1 - share) * first + share * second).astype(np.uint8)).convert("RGB")
        frame = Image.fromarray(behind)
        left = (WIDTH - SIDE) / 2 + SWAY * SIDE * np.sin(phase + number / 5)
        top = (HEIGHT - SIDE) / 2 + SWAY / 2 * SIDE * np.cos(phase + number / 7)
        frame.paste(face, (round(left), round(top)), feathered(SIDE))
        yield np.asarray(frame)


def told(stream: FaceStream, film: Sequence[Sequence[Picture]]) -> Told:
    """How a stream tells the people of one film apart."""
    sighted = [
        [stream.read(frame, (scene * FRAMES + place) / 10) for place, frame in enumerate(frames)]
        for scene, frames in enumerate(film)
    ]
    numbers = [[faces[0].number for faces in scene if faces] for scene in sighted]  # of the largest face
    merged = sum(not set(now).isdisjoint(before) for before, now in pairwise(numbers))
    split = sum(len(set(scene)) > 1 for scene in numbers)
    return Told(len(film) - 1, merged, split, sum(map(len, numbers)) / (len(film) * FRAMES), stream.searches)


def together(each: Sequence[Told]) -> Told:
    """Sums of what is counted over films, and means of the rest."""
    cuts, merged, split = (sum(getattr(one, name) for one in each) for name in ("cuts", "merged", "split"))
    seen, searches = (float(np.mean([getattr(one, name) for one in each])) for name in ("seen", "searches"))
    return Told(cuts, merged, split, seen, searches)


def measure(samples: Samples, films: int, scenes: int, seed: int) -> dict[str, dict[str, Told]]:
    """For each kind of cut, how people are told apart while cuts are sought, and while they are not."""
    settings = {SEEKING: Settings(), NOT_SEEKING: Settings.given(cut_below=-1)}
    services = {way: ExpressionService.load(settings=each) for way, each in settings.items()}
    found: dict[str, dict[str, list[Told]]] = {kind: {way: [] for way in services} for kind in KINDS}
    for number in track(range(films), "Watching films", console=Console(stderr=True)):
        for kind, elsewhere in KINDS.items():
            film = list(made_film(samples, scenes, elsewhere, seed + number))
            for way, service in services.items():
                found[kind][way].append(told(service.follow(), film))
    return {kind: {way: together(each) for way, each in both.items()} for kind, both in found.items()}


def rows(found: Mapping[str, Mapping[str, Told]]) -> str:
    """The table as Markdown."""
    head = ("a cut", "cuts are", "cuts", "merged", "split", "faces seen", "searches a film")
    return table(head, [(kind, way, *each.row) for kind, both in found.items() for way, each in both.items()])


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the folder of CK+")
    parser.add_argument("--films", type=int, default=6, help="of each kind")
    parser.add_argument("--scenes", type=int, default=20, help="of a film")
    parser.add_argument("--seed", type=int, default=0, help="of the first film; each has its own")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    found = measure(load_dataset("ckplus", words.root, "all"), words.films, words.scenes, words.seed)
    if words.json:
        print(json.dumps({kind: {way: asdict(each) for way, each in both.items()} for kind, both in found.items()}))
        return
    names = ("films", "scenes", "seed")
    given = {name: getattr(words, name) for name in names}
    options = "".join(f" --{name} {value}" for name, value in given.items() if value != parser.get_default(name))
    following = Settings().following
    print(
        _PAGE.format(
            options=options,
            films=words.films,
            scenes=words.scenes,
            frames=FRAMES,
            cut_below=following.cut_below,
            same_look=following.same_look,
            table=rows(found),
        )
    )


if __name__ == "__main__":
    main()
