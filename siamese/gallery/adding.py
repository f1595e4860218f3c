"""Photos on a disk → the faces of a gallery: what was looked at before is passed over, what is done is kept.

Photos are looked at by several processes; one writes. A photo is told by the hash of its file, so that the same one
under another name is looked at once, and an addition that was cut short goes on where it ended.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from siamese.errors import SemblanceError
from siamese.gallery.build import Embedded
from siamese.gallery.gallery import Gallery
from siamese.gallery.store import Photo

BATCH = 64  # photos that are acknowledged together
_AHEAD = 4  # photos waiting for each process


@dataclass(frozen=True)
class Task:
    """A photo to look at: its file, the hash of that, its label or None, and words to tag its faces with."""

    path: Path
    content: str
    emotion: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Looked:
    """What came of a photo: its faces, or why there are none."""

    photo: Photo
    faces: Embedded | None


@dataclass(frozen=True)
class Progress:
    """How many photos are done, of how many; how many faces are new; how many photos were looked at before; and which
    nothing was taken of, with the reason."""

    done: int = 0
    total: int = 0
    added: int = 0
    known: int = 0
    refused: dict[str, str] = field(default_factory=dict)


Look = Callable[[Task], Embedded]  # raises SemblanceError where a photo cannot be read or shows no face
MakeLook = Callable[[], Look]  # called once in each process


def content_hash(path: Path) -> str:
    """The hash of a file's bytes. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def add_photos(
    gallery: Gallery,
    photos: Sequence[tuple[Path, str | None]],
    make_look: MakeLook,
    processes: int = 1,
    tags: tuple[str, ...] = (),
    told: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Add the faces of photos, each with its label or None; `told` hears how far it is after each batch.

    Whatever interrupts it, batches it was told of are on the disk. What was refused is kept in the store with the
    reason, `Store.refused`.
    """
    progress = Progress(total=len(photos))
    with _executor(make_look, processes) as submit:
        for start in range(0, len(photos), BATCH):
            batch = photos[start : start + BATCH]
            tasks, unreadable = _tasks(gallery, batch, tags)
            looked = [*unreadable, *_in_turn(submit, tasks, _AHEAD * processes)]
            refused = {each.photo.source: each.photo.refused for each in looked if each.photo.refused}
            added = _acknowledge(gallery, looked)
            progress = Progress(
                done=progress.done + len(batch),
                total=len(photos),
                added=progress.added + added,
                known=progress.known + len(batch) - len(looked),
                refused=progress.refused | refused,
            )
            told(progress)
    return progress


def _tasks(
    gallery: Gallery, batch: Sequence[tuple[Path, str | None]], tags: tuple[str, ...]
) -> tuple[list[Task], list[Looked]]:
    """What is to be looked at of a batch, each file once; and the files that cannot even be read."""
    tasks: dict[str, Task] = {}
    unreadable = []
    for path, emotion in batch:
        try:
            content = content_hash(path)
        except OSError as error:
            nameless = hashlib.sha256(str(path).encode(errors="surrogateescape")).hexdigest()[:32]
            unreadable.append(Looked(Photo(f"unread-{nameless}", str(path), f"The file cannot be read: {error}"), None))
            continue
        tasks.setdefault(content, Task(path, content, emotion, tags))
    known = gallery.store.looked_at(tasks.keys())
    return [task for content, task in tasks.items() if content not in known], unreadable


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


_look: Look | None = None  # of this process


def _begin(make_look: MakeLook) -> None:
    global _look
    _look = make_look()


def _look_at(task: Task) -> Looked:
    assert _look is not None
    try:
        return Looked(Photo(task.content, str(task.path)), _look(task))
    except SemblanceError as error:
        return Looked(Photo(task.content, str(task.path), str(error)), None)


Submit = Callable[[Task], Future[Looked]]


@contextmanager
def _executor(make_look: MakeLook, processes: int) -> Iterator[Submit]:
    """What looks at photos: this process alone, or several beside it."""
    if processes == 1:
        _begin(make_look)
        yield _at_once
        return
    pool: Executor = ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(make_look,)
    )
    try:
        yield lambda task: pool.submit(_look_at, task)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _at_once(task: Task) -> Future[Looked]:
    future: Future[Looked] = Future()
    future.set_result(_look_at(task))
    return future


def _in_turn(submit: Submit, tasks: Iterable[Task], ahead: int) -> Iterator[Looked]:
    """The answers in the tasks' order, never more than `ahead` waiting."""
    waiting: list[Future[Looked]] = []
    for task in tasks:
        waiting.append(submit(task))
        if len(waiting) >= ahead:
            yield waiting.pop(0).result()
    yield from (each.result() for each in waiting)
