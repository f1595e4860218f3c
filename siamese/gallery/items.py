"""What a gallery holds and finds: an item, a match, and which items are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

LABELLED_BY = ("composite", "data set", "folder", "hand", "reading", "teaching")


@dataclass(frozen=True)
class Item:
    """One example: a stable id, its label and where that came from, a line on its source, a WebP file's bytes.

    `notes` are figures worth keeping with it, such as a composite's correlation with its closest source; `tags` are the
    words of whoever added it; `box` is where in its photo the face is (left, top, right, bottom), in pixels; `content`
    is the hash of the photo's file, the same for all faces of it.
    """

    id: str
    emotion: str
    source: str
    labelled_by: str  # one of LABELLED_BY
    thumbnail: bytes = field(repr=False)
    notes: Mapping[str, float] = field(default_factory=dict, hash=False)
    tags: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None
    content: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Everything but the picture, ready for JSON."""
        about = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "thumbnail"}
        box = list(self.box) if self.box else None
        return {**about, "notes": dict(self.notes), "tags": list(self.tags), "box": box}


@dataclass(frozen=True)
class Match:
    """An item and its cosine similarity to what was asked for."""

    item: Item
    similarity: float


@dataclass(frozen=True)
class Wanted:
    """Which items are meant: all, or those of an emotion, from a source, with a tag, labelled in one way.

    What is None leaves open.
    """

    emotion: str | None = None
    source: str | None = None
    tag: str | None = None
    labelled_by: str | None = None

    @property
    def everything(self) -> bool:
        """Whether no item is left out."""
        return self == Wanted()


EVERYTHING = Wanted()
