"""Labels flipped at random → how many of them the check of labels finds, against cleanlab on the same embeddings.

    python -m benchmarks.label_errors --dataset ferplus --root data/ferplus [--split train] [--draws N] [--json]

What the check has to choose was chosen on FER+'s validation and training parts, by draws that are not reported here.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from siamese.datasets.catalogue import parts_of
from siamese.datasets.samples import Samples
from siamese.evaluation.datasets import load_for
from siamese.evaluation.embeddings import embeddings
from siamese.evaluation.tables import table
from siamese.gallery.suspects import find_suspects
from siamese.network.runtime import Embedder

Embeddings = NDArray[np.float32]
Labels = NDArray[np.int64]
Groups = NDArray[np.str_]
Probabilities = NDArray[np.float64]
Ranked = tuple[NDArray[np.float64], Labels]  # scores (n,), high for doubtful labels, and the labels suggested (n,)

SHARE = 0.05  # of the labels, or of the sequences
REFERENCE = Path("prototypes")

_OURS = "Semblance"
_METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")  # cleanlab's
_FOLDS = 5
_NEIGHBOURS = 10  # as cleanlab's Datalab takes them where it is given features and no probabilities
_PAGE = """\
## Wrong labels found on {dataset}, {split}: {images:,} images, {draws} draws

```sh
python -m benchmarks.label_errors --dataset {dataset} --root data/{dataset}{options} > docs/results/{file}.md
```

In each draw, {percent:g} % of the labels are replaced by another at random. Precision is that of the first so many of
the ranking as were flipped, where recall is the same figure; figures are the mean ± standard deviation over the draws.
Ratios are ours to the other's. Images that were labelled wrongly from the start count as mistakes of a ranking that
finds them. The last column: for how many of the flipped the true label is suggested. cleanlab is given probabilities of
a logistic regression on the embeddings, out of sample in {folds} folds; or of {k} neighbours, as its Datalab makes
them. Ours is `siamese/gallery/suspects.py`; what it has to choose was chosen on FER+'s validation and training parts,
by other draws.{caution}

{tables}"""
_CAUTION = """

The network has learnt from these images with their true labels, so that on new faces all rankings will find less."""
_FLIPPED = {
    "images": "Single images flipped:",
    "sequences": (
        "Whole sequences flipped; ours lets no image vouch for others of its sequence, and all of them are in one fold "
        "of cleanlab's regression (its neighbours know of no groups):"
    ),
}
_NAMED = """\
`cleanlab.filter.find_label_issues`, which decides itself how many to name, names {named:.0f}: precision
{precision:.3f}, recall {recall:.3f}. Ours takes {seconds:.1f} s of one core for a draw."""


@dataclass
class Ranking:
    """One way of ranking, with its figures of each draw."""

    name: str
    precision: list[float] = field(default_factory=list)  # and recall, at the number flipped
    average_precision: list[float] = field(default_factory=list)
    suggested: list[float] = field(default_factory=list)


@dataclass
class Measured:
    """All rankings of labels that were flipped in units of `flipped`, ours first.

    `notes` are, for each draw, how many cleanlab names of itself, their precision and recall, and the seconds of ours.
    """

    flipped: str
    rankings: dict[str, Ranking] = field(default_factory=dict)
    notes: list[dict[str, float]] = field(default_factory=list)


def flip(labels: Labels, units: Groups, share: float, seed: int) -> Labels:
    """Labels (n,), those of a share of the units replaced: each such unit gets one other label that occurs."""
    random = np.random.default_rng(seed)
    names, of = np.unique(units, return_inverse=True)
    answer = labels.copy()
    for unit in random.choice(len(names), max(1, round(share * len(names))), replace=False):
        rows = of == unit
        answer[rows] = random.choice(np.setdiff1d(labels, labels[rows]))
    return answer


def sequences(samples: Samples) -> Groups | None:
    """The sequence of each of CK+'s frames, by sources like …/S010_004_00000017.png; None for pictures on their own."""
    if not samples.dataset.startswith("ckplus"):
        return None
    return np.array([Path(source).name.rsplit("_", 1)[0] for source in samples.sources])


def measure(rows: Embeddings, labels: Labels, groups: Groups | None, draws: int) -> list[Measured]:
    """Every ranking of images flipped one by one and, with groups (n,), of groups flipped as wholes."""
    alone = np.arange(len(labels)).astype(str)
    kinds = [("images", alone, None)] if groups is None else [("images", alone, None), ("sequences", groups, groups)]
    return [_measured(flipped, rows, labels, units, kept, draws) for flipped, units, kept in kinds]


def page(samples: Samples, options: str, file: str, draws: int, measured: list[Measured]) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    return _PAGE.format(
        dataset=samples.dataset,
        split=samples.split,
        images=len(samples),
        draws=draws,
        options=options,
        file=file,
        percent=100 * SHARE,
        folds=_FOLDS,
        k=_NEIGHBOURS,
        caution=_CAUTION if (samples.dataset, samples.split) == ("ferplus", "train") else "",
        tables="\n\n".join(_table(each) for each in measured),
    )


def _measured(
    flipped: str, rows: Embeddings, labels: Labels, units: Groups, groups: Groups | None, draws: int
) -> Measured:
    found = Measured(flipped)
    for seed in range(draws):
        given = flip(labels, units, SHARE, seed)
        wrong = given != labels
        began = time.process_time()
        ours = _ours(rows, given, groups)
        seconds = time.process_time() - began
        shares = _regression(rows, given, groups)
        for name, (scores, suggested) in {_OURS: ours, **_cleanlab(rows, given, shares)}.items():
            ranking = found.rankings.setdefault(name, Ranking(name))
            first = np.argsort(-scores, kind="stable")[: wrong.sum()]
            ranking.precision.append(float(wrong[first].mean()))
            ranking.average_precision.append(float(average_precision_score(wrong, scores)))
            ranking.suggested.append(float((suggested == labels)[wrong].mean()))
        found.notes.append({**_named(given, shares, wrong), "seconds": seconds})
    return found


def _ours(rows: Embeddings, given: Labels, groups: Groups | None) -> Ranked:
    found = sorted(find_suspects(rows, given.astype(str), groups), key=lambda each: each.row)
    return np.array([each.score for each in found]), np.array([int(each.suggested) for each in found])


def _cleanlab(rows: Embeddings, given: Labels, shares: Probabilities) -> dict[str, Ranked]:
    """Its scores, turned so that doubtful labels come first, by the regression's shares and by neighbours'."""
    occurring, codes = np.unique(given, return_inverse=True)
    sources = {f"regression, {method}": (method, shares) for method in _METHODS}
    sources[f"{_NEIGHBOURS} neighbours, {_METHODS[0]}"] = (_METHODS[0], _by_neighbours(rows, codes))
    return {
        f"cleanlab, {name.replace('_', ' ')}": (
            1 - get_label_quality_scores(codes, each, method=method),
            occurring[each.argmax(axis=1)],
        )
        for name, (method, each) in sources.items()
    }


def _regression(rows: Embeddings, given: Labels, groups: Groups | None) -> Probabilities:
    """Out of sample, with groups kept together: (n, labels that occur)."""
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    apart = np.arange(len(given)) if groups is None else groups
    model = LogisticRegression(max_iter=1000)
    return cross_val_predict(model, rows, given, groups=apart, cv=folds, method="predict_proba")


def _by_neighbours(rows: Embeddings, codes: Labels) -> Probabilities:
    """What cleanlab's LabelIssueManager makes of features: shares of the nearest, its own vote taken out."""
    nearest = _NEIGHBOURS + 1
    shares = KNeighborsClassifier(nearest).fit(rows, codes).predict_proba(rows)
    own = np.eye(shares.shape[1])[codes]
    return np.clip((shares * nearest - own) / _NEIGHBOURS, 0, 1)


def _named(given: Labels, shares: Probabilities, wrong: NDArray[np.bool_]) -> dict[str, float]:
    named = find_label_issues(np.unique(given, return_inverse=True)[1], shares, n_jobs=1)
    hits = float((named & wrong).sum())
    return {"named": float(named.sum()), "precision": hits / max(named.sum(), 1), "recall": hits / wrong.sum()}


def _table(measured: Measured) -> str:
    head = ("ranking", "precision = recall", "ratio", "average precision", "ratio", "true label suggested")
    ours = measured.rankings[_OURS]
    rows = (
        (
            each.name,
            _spread(each.precision),
            _ratio(ours.precision, each.precision),
            _spread(each.average_precision),
            _ratio(ours.average_precision, each.average_precision),
            _spread(each.suggested),
        )
        for each in measured.rankings.values()
    )
    notes = {name: np.mean([each[name] for each in measured.notes]) for name in measured.notes[0]}
    return "\n\n".join([_FLIPPED[measured.flipped], table(head, rows), _NAMED.format(**notes)])


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values):.3f}"


def _ratio(ours: list[float], theirs: list[float]) -> str:
    return f"{np.mean(ours) / np.mean(theirs):.3f}" if any(theirs) else "–"


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help="its labels are flipped")
    parser.add_argument("--root", required=True, help="its folder")
    parser.add_argument("--split", help="by default train, or the only one")
    parser.add_argument("--draws", type=int, default=5, help="seeds 0, 1, … of the flips")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="the reference set whose network embeds")
    parser.add_argument("--cache", default="cache", help="folder of embeddings made before")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    splits = parts_of(words.dataset, words.root)
    split = words.split or ("train" if "train" in splits else splits[-1])
    samples = load_for(words.dataset, words.root, split, "majority", words.reference)
    rows = embeddings(samples, Embedder(words.reference / "network.onnx"), words.cache)
    measured = measure(rows, samples.labels, sequences(samples), words.draws)
    if words.json:
        found = [asdict(each) | {"rankings": [asdict(one) for one in each.rankings.values()]} for each in measured]
        print(json.dumps({"dataset": words.dataset, "split": split, "images": len(samples), "measured": found}))
        return
    options = f" --split {words.split}" if words.split else ""
    options += f" --draws {words.draws}" if words.draws != parser.get_default("draws") else ""
    file = "-".join(["label-errors", words.dataset, *([words.split] if words.split else [])])
    print(page(samples, options, file, words.draws, measured))


if __name__ == "__main__":
    main()
