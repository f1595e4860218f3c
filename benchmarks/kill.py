"""Kills a process that changes a gallery, at random moments, many times: what it had acknowledged has to be so.

It adds batches of examples, and after every third batch removes one again. After each kill the gallery is opened again,
every acknowledged example is compared with what was added, and the index is asked for the neighbours of the newest
ones, among which none may be that was removed; then the next process goes on in the same gallery.

    python -m benchmarks.kill [--kills 50] [--json]
"""

import argparse
import hashlib
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.evaluation.tables import table
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item

_NETWORK, _SIZE, _ENGINE = "a network", 32, "hnsw"
_BATCH, _INDEX_EVERY, _REMOVE_EVERY = 8, 5, 3
_NEIGHBOURS = 5  # asked for at once
_LONGEST_LIFE = 2.0  # seconds after its first word; a killed process lives for a random share of it
_PAGE = """\
## A gallery whose writer is killed

```sh
python -m benchmarks.kill > docs/results/kill.md
```

{table}"""


@dataclass(frozen=True)
class Evidence:
    """What became of the gallery over all kills; `unharmed` counts the kills after which everything was right."""

    kills: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0  # on the disk already, though there was no time to say so
    lost: int = 0
    altered: int = 0
    removed: int = 0
    back_again: int = 0  # removed, and yet in the gallery or among the neighbours that the index finds
    not_found_by_the_index: int = 0
    searches_short_of_neighbours: int = 0
    unharmed: int = 0


def batch(number: int) -> tuple[list[Item], NDArray[np.float32]]:
    """What is added as number `number`: made up, and the same whenever it is asked for."""
    rows = np.random.default_rng(number).normal(size=(_BATCH, _SIZE)).astype(np.float32)
    names = [f"{number}-{place}" for place in range(_BATCH)]
    items = [Item(name, "fear", name, "folder", hashlib.sha256(name.encode()).digest() * 64) for name in names]
    return items, rows / np.linalg.norm(rows, axis=1, keepdims=True)


def removed_after(number: int) -> str | None:
    """The id of the example that is removed once batch `number` is added, if one is."""
    return f"{number - 1}-0" if number % _REMOVE_EVERY == _REMOVE_EVERY - 1 else None


def change_for_ever(folder: str, first: int) -> None:
    """Add batch after batch, remove, and say the number of each that is acknowledged; keep the index now and then."""
    gallery = Gallery.open(folder, _NETWORK, writable=True, engine=_ENGINE)
    for number in itertools.count(first):
        gallery.add(*batch(number))
        if gone := removed_after(number):
            gallery.remove([gone])
        print(number, flush=True)
        if number % _INDEX_EVERY == 0:
            gallery.keep_index()


def kill_one(folder: Path, first: int, moment: float) -> int:
    """Let a process go on from batch `first`, and kill it that long after its first word.

    Returns how many batches it acknowledged.
    """
    command = [sys.executable, "-m", "benchmarks.kill", "--change", str(folder), "--first", str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as adding:
        assert adding.stdout is not None
        said = [adding.stdout.readline()]
        time.sleep(moment)
        adding.kill()
        said += adding.stdout.readlines()
    return len([line for line in said if line.endswith(b"\n")])


def check(folder: Path, acknowledged: int, so_far: Evidence) -> Evidence:
    """Open the gallery after a kill and look at everything that was acknowledged, `acknowledged` batches."""
    gallery = Gallery.open(folder, _NETWORK, engine=_ENGINE)
    held = dict(zip([item.id for item in gallery.items], gallery.embeddings, strict=True))
    gone = set(filter(None, map(removed_after, range(acknowledged))))
    undecided = removed_after(acknowledged)  # it may have been removed with no time left to say so
    lost = altered = unfound = short = added = 0
    back = len(gone & held.keys())
    for number in range(acknowledged):
        there = [pair for pair in zip(*batch(number), strict=True) if pair[0].id not in gone | {undecided}]
        added += len(there)
        lost += sum(item.id not in held for item, _ in there)
        altered += sum(not np.array_equal(held.get(item.id, row), row) for item, row in there)
        if number >= acknowledged - _INDEX_EVERY:
            for item, row in there:
                found = [match.item for match in gallery.search(row, _NEIGHBOURS)]
                unfound += found[:1] != [item]
                back += sum(each.id in gone for each in found)
                short += len(found) < min(_NEIGHBOURS, len(held))
    gallery.store.close()
    return replace(
        so_far,
        kills=so_far.kills + 1,
        acknowledged=added,
        unacknowledged=so_far.unacknowledged + len(held.keys() - {undecided}) - added,
        lost=so_far.lost + lost,
        altered=so_far.altered + altered,
        removed=len(gone),
        back_again=so_far.back_again + back,
        not_found_by_the_index=so_far.not_found_by_the_index + unfound,
        searches_short_of_neighbours=so_far.searches_short_of_neighbours + short,
        unharmed=so_far.unharmed + (not lost and not altered and not back and not unfound and not short),
    )


def measure(kills: int, folder: Path, seed: int = 0) -> Evidence:
    """Kill so many processes, one after the other."""
    Gallery.create(folder, "Killed", _NETWORK, _SIZE).close()
    evidence, done, moments = Evidence(), 0, random.Random(seed)
    for _ in range(kills):
        done += kill_one(folder, done, moments.uniform(0, _LONGEST_LIFE))
        evidence = check(folder, done, evidence)
    return evidence


def page(evidence: Evidence) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    rows = ((name.replace("_", " "), f"{value:,}") for name, value in asdict(evidence).items())
    return _PAGE.format(table=table(("over all kills", "count"), rows))


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object; fails where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--change", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    words = parser.parse_args(arguments)
    if words.change:
        change_for_ever(words.change, words.first)
        return
    with tempfile.TemporaryDirectory() as folder:
        evidence = measure(words.kills, Path(folder) / "gallery")
    print(json.dumps(asdict(evidence)) if words.json else page(evidence))
    if evidence.unharmed < evidence.kills:
        raise SystemExit("The gallery came to harm.")
    if not evidence.acknowledged:
        raise SystemExit("Nothing was added, and so nothing could be lost: the adding process does not start.")


if __name__ == "__main__":
    main()
