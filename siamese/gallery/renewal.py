"""A gallery that another network made → the same gallery, every example read again by the network in use."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from siamese.errors import GalleryError
from siamese.faces.align import as_input
from siamese.gallery import thumbnails
from siamese.gallery.build import BATCH, Embeds
from siamese.gallery.gallery import STORE_FILE, require_own
from siamese.gallery.store import Store


def renew(folder: str | Path, embedder: Embeds, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Embed what is not of this network; how many examples that were. Cut short, it goes on where it ended, and no
    network can use the gallery until then.

    `progress` is told how many of how many are done. Raises GalleryError where examples came without the crop that
    the network reads, or the network's embeddings are of another size: such a gallery has to be built again.
    """
    require_own(Path(folder))
    store = Store(Path(folder) / STORE_FILE)
    total, done = store.of_other_networks(embedder.fingerprint), 0
    if total:
        store.begin_renewal(embedder.fingerprint)
    while batch := store.crops(embedder.fingerprint, BATCH):
        if missing := [row for row, crop in batch if crop is None]:
            raise GalleryError(
                f"Example number {missing[0]} of the gallery «{store.title}» came without the crop that a network "
                "reads. Build the gallery again with `python -m siamese gallery build`."
            )
        crops = np.stack([as_input(thumbnails.unpack(crop)) for _, crop in batch if crop])
        store.replace_embeddings(np.array([row for row, _ in batch]), embedder.embed(crops), embedder.fingerprint)
        done += len(batch)
        progress(done, total)
    if total or store.renewing or store.fingerprint != embedder.fingerprint:
        store.adopt(embedder.fingerprint)
    store.close()
    return done
