"""An example and what a person says of it → another label, or its removal; either can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from siamese.errors import GalleryError
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.gallery.teaching import TEACHING
from siamese.vocabulary import EMOTIONS, emotion_of

HAND = "hand"


@dataclass(frozen=True, eq=False)
class Correction:
    """An example as it was before it was changed or removed: enough to restore it."""

    item: Item
    embedding: NDArray[np.float32]
    crop: bytes | None


def relabel(gallery: Gallery, item_id: str, emotion: str) -> Correction:
    """Label an example by hand, with its own label to confirm that. Raises GalleryError for what is not known."""
    before = _as_it_is(gallery, item_id)
    relabel_all(gallery, [item_id], emotion)
    return before


def relabel_all(gallery: Gallery, ids: Sequence[str], emotion: str) -> str:
    """Label several by hand, all or none; the label as galleries spell it. Raises GalleryError as `relabel` does."""
    label = label_of(gallery, emotion)
    items = [gallery.item(each) for each in ids]
    # What taught an expression goes on to, unless it gets another label.
    changed = [item.id for item in items if (item.emotion, item.labelled_by) != (label, TEACHING)]
    gallery.store.relabel(changed, label, HAND)
    return label


def remove(gallery: Gallery, item_id: str) -> Correction:
    """Take an example out of the gallery. Raises GalleryError when there is none of this id."""
    before = _as_it_is(gallery, item_id)
    gallery.remove([item_id])
    return before


def undo(gallery: Gallery, correction: Correction) -> None:
    """Bring an example back as it was."""
    item = correction.item
    if not gallery.add([item], correction.embedding, [correction.crop]):
        gallery.store.relabel([item.id], item.emotion, item.labelled_by)


def label_of(gallery: Gallery, emotion: str) -> str:
    """A label as galleries spell it. Raises GalleryError when it is neither an emotion nor the label of an example."""
    label, known = emotion_of(emotion.strip()).name, labels(gallery)
    if label not in known:
        raise GalleryError(f"There is no label «{emotion}». Choose one of: {', '.join(known)}.")
    return label


def labels(gallery: Gallery) -> tuple[str, ...]:
    """What an example of the gallery can be labelled: every emotion, then what else its examples show."""
    return (*EMOTIONS, *(name for name in gallery.emotions if name not in EMOTIONS))


def _as_it_is(gallery: Gallery, item_id: str) -> Correction:
    row = np.array([gallery.store.row(item_id)])
    crop = gallery.store.crops_of(row).get(int(row[0]))
    return Correction(gallery.item(item_id), gallery.store.embeddings(row), crop)
