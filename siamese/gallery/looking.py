"""Photos handed to whatever looks at them → what came of each: this process alone does it, or several beside it.

Another way to look, such as `siamese.gallery.ray_cluster`, makes `Lookers` of its own; what becomes of the answers is
the business of `siamese.gallery.adding`.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from siamese.errors import GalleryError, SemblanceError
from siamese.gallery.build import Embedded, printable
from siamese.gallery.store import Photo

AHEAD = 4  # photos waiting for each process


@dataclass(frozen=True)
class Task:
    """A photo to look at: its file, the hash of that, where its faces are said to come from, its label or None, and
    words to tag them with."""

    path: Path
    content: str
    source: str = ""
    emotion: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Looked:
    """What came of a photo: its faces, or why there are none."""

    photo: Photo
    faces: Embedded | None


Look = Callable[[Task], Embedded]  # raises SemblanceError where a photo cannot be read or shows no face
MakeLook = Callable[[], Look]  # called once in each process
Answer = Callable[[], Looked]  # waits for what came of a photo


@dataclass(frozen=True)
class Lookers:
    """What looks at photos: `submit` hands one over, and up to `ahead` may be handed over before one is answered."""

    submit: Callable[[Task], Answer]
    ahead: int


def look_at(look: Look, task: Task) -> Looked:
    """What comes of a photo, be it a refusal."""
    try:
        return Looked(Photo(task.content, printable(task.path)), look(task))
    except SemblanceError as error:
        return refusal(task, str(error))


def refusal(task: Task, why: str) -> Looked:
    """What came of a photo of which nothing is taken."""
    return Looked(Photo(task.content, printable(task.path), printable(why)), None)


@contextmanager
def in_processes(make_look: MakeLook, processes: int = 1) -> Iterator[Lookers]:
    """Lookers on this machine: this process alone, or several beside it. None begins before there is a photo."""
    if processes == 1:
        look = cache(make_look)
        yield Lookers(lambda task: lambda: look_at(look(), task), ahead=1)
        return
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(make_look,))
    try:
        yield Lookers(lambda task: pool.submit(_look_here, task).result, AHEAD * processes)
    except BrokenProcessPool as error:
        raise GalleryError(
            f"One of the {processes} processes that look at photos was ended from outside, as where memory runs short. "
            "What was added is kept: the same command goes on, with fewer --processes."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_look: Look | None = None  # of this process, where it is one of several


def _begin(make_look: MakeLook) -> None:
    global _look
    _look = make_look()


def _look_here(task: Task) -> Looked:
    assert _look is not None
    return look_at(_look, task)
