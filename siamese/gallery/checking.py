"""A gallery → the labels that people gave its examples and that other examples doubt, the most doubtful first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from siamese.errors import GalleryError
from siamese.gallery.gallery import Gallery
from siamese.gallery.sequences import sequences_of
from siamese.gallery.store import Claim
from siamese.gallery.suspects import Suspect, find_suspects

CHECKED = ("data set", "folder")
VOUCHING = (*CHECKED, "hand", "teaching")  # the last two are asked, and not doubted: a person has looked at each
FEWEST = 20  # labels, below which chance has more to say than likeness

_NOT_CHECKED = {
    "composite": "composites",
    "hand": "labels by hand",
    "reading": "the network's own readings",
    "teaching": "taught expressions",
}


@dataclass(frozen=True)
class DoubtedLabel:
    """An example whose label others contradict, the label they suggest, and how doubtful its own is: `score`, 0 to 1.

    `disagreeing` are the ids of the nearest examples that have another label, most similar first.
    """

    id: str
    label: str
    suggested: str
    score: float
    source: str
    labelled_by: str
    disagreeing: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "id": self.id,
            "label": self.label,
            "suggested": self.suggested,
            "score": self.score,
            "source": self.source,
            "labelled_by": self.labelled_by,
            "disagreeing": list(self.disagreeing),
        }


@dataclass(frozen=True)
class LabelCheck:
    """The doubted labels, most doubtful first; how many were checked; and how many not, by who labelled them."""

    doubted: tuple[DoubtedLabel, ...]
    checked: int
    not_checked: dict[str, int]

    @property
    def summary(self) -> str:
        """The counts, in words."""
        doubted = "1 of them is" if len(self.doubted) == 1 else f"{len(self.doubted):,} of them are"
        told = f"{self.checked:,} labels that people gave were checked, and {doubted} doubted."
        return told + _left_out(self.not_checked)


def check_labels(gallery: Gallery) -> LabelCheck:
    """Check every label that people gave by the examples around it; some seconds for 20,000 of them.

    The network's own readings and composites are not asked, since theirs are no one's claims. Frames of one sequence do
    not vouch for each other. Raises GalleryError when too few examples are labelled, or all alike.
    """
    with gallery.store.snapshot():
        every = gallery.store.claims()
        claims = [claim for claim in every if claim.labelled_by in VOUCHING]
        rows = np.array([claim.row for claim in claims], dtype=np.int64)
        embeddings, crops = gallery.store.embeddings(rows), gallery.store.crops_of(rows)
    labels = [claim.emotion for claim in claims]
    not_checked = dict(Counter(claim.labelled_by for claim in every if claim.labelled_by not in CHECKED))
    if len(claims) < FEWEST or len(set(labels)) < 2:
        raise GalleryError(_too_few(gallery.title, len(claims), len(set(labels)), not_checked))
    sequences = sequences_of([claim.source for claim in claims], labels, [crops.get(claim.row) for claim in claims])
    suspects = find_suspects(embeddings, labels, sequences.astype(str).tolist())
    doubted = [_doubted(suspect, claims) for suspect in suspects if _is_doubted(suspect, claims)]
    return LabelCheck(tuple(doubted), len(claims) - sum(not_checked.get(each, 0) for each in VOUCHING), not_checked)


def still_doubted(gallery: Gallery, doubted: Sequence[DoubtedLabel]) -> list[DoubtedLabel]:
    """Those whose example is still in the gallery with the label and the author it had."""
    now = {(claim.id, claim.emotion, claim.labelled_by) for claim in gallery.store.claims()}
    return [each for each in doubted if (each.id, each.label, each.labelled_by) in now]


def doubted_as(gallery: Gallery, doubted: Sequence[DoubtedLabel], emotion: str) -> list[DoubtedLabel]:
    """Those that are labelled with an emotion, however it is spelled. Raises GalleryError when nothing has it."""
    label = gallery.label(emotion)
    return [each for each in doubted if each.label == label]


def _is_doubted(suspect: Suspect, claims: Sequence[Claim]) -> bool:
    return suspect.suggested != suspect.label and claims[suspect.row].labelled_by in CHECKED


def _doubted(suspect: Suspect, claims: Sequence[Claim]) -> DoubtedLabel:
    claim = claims[suspect.row]
    disagreeing = tuple(claims[row].id for row in suspect.disagreeing)
    return DoubtedLabel(
        claim.id, claim.emotion, suspect.suggested, suspect.score, claim.source, claim.labelled_by, disagreeing
    )


def _too_few(title: str, count: int, kinds: int, not_checked: dict[str, int]) -> str:
    alike = ", all labelled alike" if count > 1 == kinds else ""
    return (
        f"The labels of the gallery «{title}» cannot be checked: that takes at least {FEWEST} examples that people "
        f"have labelled, in two ways or more, and it has {count:,}{alike}."
        + _left_out({kind: number for kind, number in not_checked.items() if kind not in VOUCHING})
    )


def _left_out(not_checked: dict[str, int]) -> str:
    counts = ", ".join(f"{_NOT_CHECKED.get(kind, kind)} ({count:,})" for kind, count in sorted(not_checked.items()))
    return f" Not checked: {counts}." if counts else ""
