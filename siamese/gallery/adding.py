"""Photos on a disk → the faces of a gallery: what was taken before is passed over, what is done is kept.

Whoever looks at the photos (`siamese.gallery.looking`), one process writes. A photo is told by the hash of its file, so
that the same one under another name is looked at once, and an addition that was cut short goes on where it ended. What
was refused is looked at again: limits may have changed since.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from siamese.gallery.build import printable
from siamese.gallery.gallery import Gallery
from siamese.gallery.looking import Answer, Looked, Lookers, Task, refusal

BATCH = 64  # photos that are acknowledged together

Labelled = tuple[Path, str | None]  # a photo with its label, if it has one


@dataclass(frozen=True)
class Progress:
    """How many photos are done, of how many; how many faces are new; how many photos were taken before; and which
    nothing was taken of, with the reason."""

    done: int = 0
    total: int = 0
    added: int = 0
    known: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def content_hash(path: Path) -> str:
    """The hash of a file's bytes. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def add_photos(
    gallery: Gallery,
    photos: Sequence[Labelled],
    lookers: Lookers,
    tags: tuple[str, ...] = (),
    told: Callable[[Progress], None] = lambda _: None,
    root: Path | None = None,
) -> Progress:
    """Add the faces of photos, each with its label or None; `told` hears how far it is after each batch.

    Their source is the photo's path below `root`, so that photos of one name are told apart; without it, the name.

    They are added in the photos' order, however many look at them. Whatever interrupts it, batches it was told of are
    on the disk. What was refused is kept in the store with the reason, `Store.refused`.
    """
    progress = Progress(total=len(photos))
    refused_before = gallery.store.refused().keys()
    under_way: set[str] = set()  # files that were handed over and are not yet in the store
    answers = _in_turn((_asked(gallery, photo, root, tags, lookers, under_way) for photo in photos), lookers.ahead)
    while batch := list(islice(answers, BATCH)):
        looked = [each for each in batch if each is not None]
        added = _acknowledge(gallery, looked)
        if taken := refused_before & {each.photo.source for each in looked if each.faces is not None}:
            gallery.store.forget_refusals(taken)  # those noted for what else was in the file, or as unreadable
        under_way.difference_update(each.photo.content for each in looked)
        progress = Progress(
            done=progress.done + len(batch),
            total=len(photos),
            added=progress.added + added,
            known=progress.known + len(batch) - len(looked),
            refused=progress.refused | {each.photo.source: each.photo.refused for each in looked if each.photo.refused},
        )
        told(progress)
    return progress


def _asked(
    gallery: Gallery,
    photo: Labelled,
    root: Path | None,
    tags: tuple[str, ...],
    lookers: Lookers,
    under_way: set[str],
) -> Answer | None:
    """What waits for a photo's answer; None where its file was taken, or is under way, under whatever name."""
    path, emotion = photo
    try:
        content = content_hash(path)
    except OSError as error:
        nameless = hashlib.sha256(str(path).encode(errors="surrogateescape")).hexdigest()[:32]
        unread = refusal(Task(path, f"unread-{nameless}"), f"The file cannot be read: {error.strerror or error}.")
        return lambda: unread
    if content in under_way or gallery.store.looked_at([content]):
        return None
    under_way.add(content)
    source = printable(path.relative_to(root) if root else path.name)
    return lookers.submit(Task(path, content, source, emotion, tags))


def _in_turn(asked: Iterable[Answer | None], ahead: int) -> Iterator[Looked | None]:
    """The answers in the photos' order, or None for one that was not asked; never more than `ahead` are waited for."""
    waiting: deque[Answer | None] = deque()
    for answer in asked:
        waiting.append(answer)
        if len(waiting) >= ahead:
            yield _awaited(waiting.popleft())
    yield from map(_awaited, waiting)


def _awaited(answer: Answer | None) -> Looked | None:
    return None if answer is None else answer()


def _acknowledge(gallery: Gallery, looked: Sequence[Looked]) -> int:
    """Write what came of a batch, all or nothing; how many faces were new."""
    faces = [each.faces for each in looked if each.faces is not None]
    size = gallery.store.embedding_size
    embeddings = [each.embeddings for each in faces]
    return gallery.add(
        [item for each in faces for item in each.items],
        np.concatenate(embeddings) if embeddings else np.empty((0, size), np.float32),
        [crop for each in faces for crop in each.crops],
        [each.photo for each in looked],
    )
