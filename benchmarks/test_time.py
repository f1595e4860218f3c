"""Whether choices made at test time help: averages over views, other contrast; on clean and on spoiled images.

Each choice is compared with the way that ships, on the same images of FER+'s validation part. Copies of these are
spoiled as a bad photo would be, before faces are sought in them.

    python -m benchmarks.test_time --root data/ferplus [--limit 500] [--repeats 31] [--json]
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from benchmarks import spoiling, views
from benchmarks.choosing import Copies, Difference, Outcome, Pick, outcomes, picks
from benchmarks.speed import milliseconds
from benchmarks.spoiling import CLEAN, SPOILINGS
from benchmarks.views import CHOICES, SHIPPED, VIEWS, Choice
from siamese.datasets.crops import detections, fingerprint, transforms
from siamese.datasets.samples import Samples
from siamese.evaluation.datasets import labels_among, load_for
from siamese.evaluation.tables import table
from siamese.faces import contrast
from siamese.metric.calibration import Calibration
from siamese.metric.prototypes import Prototypes
from siamese.network.runtime import NETWORK_FILES, Embedder
from siamese.settings import Settings

_SEED = 0
_UP, _DOWN = "▲", "▼"
_PAGE = """\
## Choices at test time, on ferplus, validation: {images:,} images

```sh
python -m benchmarks.test_time --root data/ferplus{options} > docs/results/test-time.md
```

«{shipped}», the mean over a crop and its mirror image, is what ships; «plain» leaves the mirror image out. The others
look at further views, or at other ones: a crop whose contrast is stretched ({contrast.CUTOFF} % of its pixels may turn
black, and white), that is equalised, or equalised by CLAHE (tiles of {views.CLAHE_TILE} pixels, at most
{views.CLAHE_CLIP} of a tile in one bin); one made darker and brighter (brightness to the power of {views.GAMMA}, and
its inverse); or five crops, cut anew from the image: as aligned, {views.ZOOM} times as near and as far, and shifted by
{views.SHIFT:g} pixels up and left, down and right. An embedding is the mean over all views, brought to unit length.

Labels are the majority's, answers the likeliest expression. Accuracy is in per cent; «more» are points above those of
«{shipped}» on the same images, with their 95 % bootstrap interval; {up} and {down} mark intervals above and below zero.
Prototypes and calibration are those that ship, made of «{shipped}»: another choice changes what similarities are usual,
and some of its calibration error (ECE) may come of that alone. Time is that of cutting and embedding one face, as a
multiple of that of «{shipped}», by medians of {repeats} calls; all took turns.

{clean}

### Spoiled copies

Each image was spoiled whole and its face sought anew in what was left, as in use; where none is found, the whole image
is read. «Darkened»: {spoiling.DARK} times the light; «brightened»: {spoiling.BRIGHT} times, what is above white being
lost; «blurred» by a Gaussian of {spoiling.BLUR} pixels; «noisy» by one of {spoiling.NOISE:g} of 255 grey levels;
«rotated» by {spoiling.TURN:g}° to either side; «half-hidden»: the left, right, upper or lower half is an even grey.

{accuracies}

{gains}

{errors}

### What helps

Whoever picks the best of many is deceived by chance. So the images were halved at random: a choice is picked where, on
the first half, its interval lies above zero on some copies, and not below zero on the images {clean_name}; it is
confirmed where both are so on the second half, too. Of {comparisons} comparisons, {picked} picked, {confirmed}
confirmed.{picks}"""

Looks = Mapping[str, NDArray[np.float32]]


def measure(samples: Samples, embedder: Embedder, reference: Path, cache: Path) -> dict[str, Copies]:
    """Read every kind of copy of labelled samples by every choice; faces and embeddings are kept in the cache."""
    prototypes = Prototypes.load(reference / "prototypes.npz")
    calibration = Calibration.load(reference / "calibration.json")
    labels = labels_among(samples, prototypes.names)
    found = {}
    for name in SPOILINGS:
        copies = spoiled(samples, name)
        looks = looks_at(copies, embedder, cache)
        probabilities = {
            choice: calibration.probabilities(prototypes.similarities(embedding_of(looks, made)))
            for choice, made in CHOICES.items()
        }
        no_face = 1 - float(detections(copies, cache).found.mean())
        found[name] = Copies(no_face, outcomes(probabilities, labels, SHIPPED))
    return found


def spoiled(samples: Samples, name: str) -> Samples:
    """The same samples with spoiled images, under a name of their own, by which their faces are kept."""
    if name == CLEAN:
        return samples
    images = SPOILINGS[name](samples.images, np.random.default_rng(_SEED))
    return replace(samples, dataset=f"{samples.dataset}-{name}", images=images)


def looks_at(samples: Samples, embedder: Embedder, cache: Path) -> dict[str, NDArray[np.float32]]:
    """By view, the embeddings (2, n, embedding_size) of the samples' faces: upright and mirrored."""
    faces = list(zip(samples.images, transforms(samples, cache=cache), strict=True))
    shown = track(VIEWS.items(), f"Looking at {samples.dataset}", console=Console(stderr=True))
    return {name: _embedded(np.stack([view.crop(*face) for face in faces]), embedder, cache) for name, view in shown}


def _embedded(crops: NDArray[np.uint8], embedder: Embedder, cache: Path) -> NDArray[np.float32]:
    path = cache / f"views-{embedder.fingerprint}-{fingerprint(crops)}.npy"
    if not path.is_file():
        unfinished = path.with_suffix(f".{os.getpid()}.npy")
        np.save(unfinished, np.stack([embedder.embed(each, mirror=False) for each in (crops, crops[:, :, ::-1])]))
        unfinished.replace(path)
    return np.load(path, allow_pickle=False)


def embedding_of(looks: Looks, choice: Choice) -> NDArray[np.float32]:
    """The choice's unit embeddings (n, embedding_size) from those of each view, (2, n, embedding_size)."""
    return _mean(np.concatenate([looks[view][: 1 + choice.mirror] for view in choice.views]))


def read(
    image: NDArray[np.uint8], transform: NDArray[np.float32], embedder: Embedder, choice: Choice
) -> NDArray[np.float32]:
    """The choice's embedding (embedding_size,) of one face, from its image and crop-to-image transform (2, 3)."""
    crops = np.stack([VIEWS[view].crop(image, transform) for view in choice.views])
    return _mean(embedder.embed(np.concatenate([crops, crops[:, :, ::-1]]) if choice.mirror else crops, mirror=False))


def _mean(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = embeddings.mean(axis=0)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def times(samples: Samples, embedder: Embedder, cache: Path, repeats: int) -> dict[str, float]:
    """The milliseconds in which each choice cuts and embeds one face."""
    one = samples.take([0])
    face = one.images[0], transforms(one, cache=cache)[0]
    return milliseconds({name: partial(read, *face, embedder, choice) for name, choice in CHOICES.items()}, repeats)


def page(images: int, found: Mapping[str, Copies], spent: Mapping[str, float], repeats: int, options: str = "") -> str:
    """What was measured, as Markdown with the command that measures it again."""
    picked = picks(found, CLEAN)
    return _PAGE.format(
        images=images,
        options=options,
        repeats=repeats,
        shipped=SHIPPED,
        up=_UP,
        down=_DOWN,
        contrast=contrast,
        views=views,
        spoiling=spoiling,
        clean=_clean_table(found[CLEAN].choices, spent),
        accuracies=_accuracy_table(found),
        gains=_gain_table(found),
        errors=_error_table(found),
        clean_name=CLEAN,
        comparisons=len(found) * (len(CHOICES) - 1),
        picked=_were(len(picked)),
        confirmed=_were(sum(pick.confirmed for pick in picked)),
        picks=f"\n\n{_pick_table(found, picked)}" if picked else "",
    )


def _were(count: int) -> str:
    return f"{count} was" if count == 1 else f"{count} were"


def _clean_table(choices: Mapping[str, Outcome], spent: Mapping[str, float]) -> str:
    head = ("choice", "accuracy", "more", "mean confidence", "ECE", "time")
    rows = (
        (
            name,
            f"{100 * each.accuracy:.2f}",
            _more(each.all),
            f"{100 * each.confidence:.2f}",
            f"{each.ece:.3f}",
            f"{spent[name] / spent[SHIPPED]:.2f} ×",
        )
        for name, each in choices.items()
    )
    return table(head, rows)


def _accuracy_table(found: Mapping[str, Copies]) -> str:
    no_face = ("no face found", *(f"{100 * copies.no_face:.1f}" for copies in found.values()))
    rows = _across(found, lambda each: f"{100 * each.accuracy:.1f}{_mark(each.all)}")
    return table(("accuracy", *found), [*rows, no_face])


def _gain_table(found: Mapping[str, Copies]) -> str:
    return table(("more", *found), _across(found, lambda each: _more(each.all)))


def _error_table(found: Mapping[str, Copies]) -> str:
    return table(("ECE", *found), _across(found, lambda each: f"{each.ece:.3f}"))


def _across(found: Mapping[str, Copies], cell: Callable[[Outcome], str]) -> list[tuple[str, ...]]:
    return [(choice, *(cell(copies.choices[choice]) for copies in found.values())) for choice in CHOICES]


def _pick_table(found: Mapping[str, Copies], picked: list[Pick]) -> str:
    rows = []
    for pick in picked:
        outcome, clean = found[pick.copies].choices[pick.choice], found[CLEAN].choices[pick.choice]
        shown = (outcome.choosing, clean.choosing, outcome.confirming, clean.confirming)
        rows.append((pick.choice, pick.copies, *map(_more, shown), "yes" if pick.confirmed else "no"))
    parts = (f"{half} half, {of}" for half in ("first", "second") for of in ("these copies", CLEAN))
    return table(("choice", "copies", *parts, "confirmed"), rows)


def _more(more: Difference) -> str:
    return f"{more.points:+.2f} ({more.interval[0]:+.2f} to {more.interval[1]:+.2f}){_mark(more)}"


def _mark(more: Difference) -> str:
    return f" {_UP}" if more.helps else f" {_DOWN}" if more.harms else ""


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="FER+'s folder")
    parser.add_argument("--reference", type=Path, default=Settings().reference, help="the reference set's folder")
    parser.add_argument("--limit", type=int, help="images, drawn at random (default: all)")
    parser.add_argument("--repeats", type=int, default=31, help="of each call, after two (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("cache"), help="where faces and embeddings are kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    samples = load_for("ferplus", words.root, "validation", "majority", words.reference)
    samples = samples.take(np.random.default_rng(_SEED).permutation(len(samples))[: words.limit])
    embedder = Embedder(words.reference / NETWORK_FILES["fp32"])
    found = measure(samples, embedder, words.reference, words.cache)
    spent = times(samples, embedder, words.cache, words.repeats)
    if words.json:
        print(json.dumps(_figures(len(samples), found, spent)))
        return
    limit = "" if words.limit is None else f" --limit {words.limit}"
    repeats = "" if words.repeats == parser.get_default("repeats") else f" --repeats {words.repeats}"
    print(page(len(samples), found, spent, words.repeats, limit + repeats))


def _figures(images: int, found: Mapping[str, Copies], spent: Mapping[str, float]) -> dict[str, Any]:
    return {
        "images": images,
        "copies": {name: asdict(copies) for name, copies in found.items()},
        "milliseconds": dict(spent),
        "times_as_long": {name: each / spent[SHIPPED] for name, each in spent.items()},
        "picks": [asdict(pick) for pick in picks(found, CLEAN)],
    }


if __name__ == "__main__":
    main()
