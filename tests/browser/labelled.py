"""A reference set's own gallery → a gallery of one's own, labelled as by its folders, some of the labels wrong.

python -m tests.browser.labelled prototypes my-gallery
"""

import sys
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase

from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Item
from siamese.network.runtime import Embedder
from siamese.vocabulary import EMOTIONS

ONE_IN = 16  # labels is wrong


def labelled_copy(reference: Path, out: Path) -> list[str]:
    """Write it to a folder, and return the ids of the examples labelled wrongly."""
    shipped = Gallery.open(reference / "gallery", Embedder(reference / "network.onnx").fingerprint)
    rows = shipped.store.rows()
    embeddings, crops = shipped.store.embeddings(rows), shipped.store.crops_of(rows)
    items = [_labelled(item, place) for place, item in enumerate(shipped.items)]
    own = Gallery.create(out, "My photos", shipped.fingerprint, embeddings.shape[1])
    own.add(items, embeddings, [crops[row] for row in rows.tolist()])
    own.close()
    return [item.id for item in items[::ONE_IN]]


def _labelled(item: Item, place: int) -> Item:
    wrong = EMOTIONS[(EMOTIONS.index(item.emotion) + 3) % len(EMOTIONS)]
    emotion = item.emotion if place % ONE_IN else wrong
    return replace(item, emotion=emotion, labelled_by="folder", source=f"{_name(place)}.jpg", notes={})


def _name(place: int) -> str:
    """Letters, since numbers that count on might be those of a film."""
    first, second = divmod(place, len(ascii_lowercase))
    return f"photo {ascii_lowercase[first]}{ascii_lowercase[second]}"


if __name__ == "__main__":
    labelled_copy(Path(sys.argv[1]), Path(sys.argv[2]))
