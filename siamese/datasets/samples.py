"""The one interface every data set is loaded into: grey images, vote distributions and labels, held in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from siamese.vocabulary import EMOTIONS

UNLABELLED = -1
ONE_LABEL = "label"  # the protocol of a set that gives each picture one label, and no votes


@dataclass(frozen=True)
class Samples:
    """The faces of one split of one data set.

    `images` is (n, height, width) uint8 grey; `targets` is (n, 8) float32, each row the share of votes per emotion;
    `labels` is (n,) int64, `UNLABELLED` where the protocol leaves the row out; `sources` names each row and `subjects`
    its person, who is the group to keep together in a split (empty names where the set does not tell people apart).
    `left_out` counts what the data set holds beside these rows, by the reason why it is not among them.
    """

    dataset: str
    split: str
    protocol: str
    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    labels: NDArray[np.int64]
    sources: tuple[str, ...]
    subjects: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.subjects:
            object.__setattr__(self, "subjects", ("",) * len(self.images))

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Samples":
        """These rows only, in this order."""
        rows = np.asarray(rows, dtype=np.int64)
        return replace(
            self,
            images=self.images[rows],
            targets=self.targets[rows],
            labels=self.labels[rows],
            sources=tuple(self.sources[row] for row in rows),
            subjects=tuple(self.subjects[row] for row in rows),
        )

    def labelled(self) -> "Samples":
        """The rows to which the protocol gives a label; the others are counted as left out."""
        rows = np.flatnonzero(self.labels != UNLABELLED)
        if len(rows) == len(self):
            return self
        reason = f"no label under the {self.protocol} protocol"
        return replace(self.take(rows), left_out={**self.left_out, reason: len(self) - len(rows)})

    def without(self, emotions: Collection[str]) -> "Samples":
        """These as if nobody had ever named these emotions: no row labelled so, and no vote for them.

        The other votes of a row are stretched to shares again; rows without any are left out too.
        """
        if not emotions:
            return self
        gone = np.isin(EMOTIONS, list(emotions))
        votes = np.where(gone, 0, self.targets)
        shares = votes.sum(axis=1, keepdims=True)
        labelled_so = (self.labels != UNLABELLED) & gone[self.labels]
        kept = (shares[:, 0] > 0) & ~labelled_so
        stretched = np.divide(votes, shares, out=np.zeros_like(votes), where=shares > 0)
        reason = f"to be left out: {', '.join(sorted(emotions))}"
        told = {reason: int((~kept).sum())} if not kept.all() else {}
        return replace(self, targets=stretched, left_out={**self.left_out, **told}).take(np.flatnonzero(kept))
