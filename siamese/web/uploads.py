"""Photos that are sent to the page → files in a private folder, in memory where there is room, and soon gone again.

Gradio hands photos over as files and would keep them; here is decided where they lie, and for how long.
"""

import fcntl
import logging
import os
import shutil
import signal
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Lock

from siamese.errors import ImageError
from siamese.settings import Settings
from siamese.web.repeating import repeated
from siamese.web.temporary import writable

FOLDER = "GRADIO_TEMP_DIR"  # the variable by which Gradio is told where to keep files; it is read as Gradio is imported

_PREFIX = "semblance-uploads-"
_SWEEPS = 10  # while a file's time passes
_JUST_MADE = 60  # seconds in which a folder may not be locked yet
_MOUNTS = Path("/proc/self/mounts")

_MOST_HELD = 1000  # files; of more, those that were held first are kept no longer than others

_held: OrderedDict[str, tuple[Path, float]] = OrderedDict()  # by who waits for a file: which, and until when at most
_holding = Lock()

logger = logging.getLogger(__name__)


@contextmanager
def upload_folder(settings: Settings) -> Iterator[Path]:
    """Where the page's uploads lie while this block runs: a folder that no other user can open, and that ends with it.

    In memory, unless `settings.uploads` is not; then the log says so. A file goes when it was not used for
    `settings.upload_seconds`. What programs left that were killed is removed as well. Raises SettingsError where no
    folder can be made.
    """
    with writable("photos that are sent to the page"):
        place = _place(settings.uploads, settings.upload_bytes)
        _remove_leftovers(place)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    with _locked(folder), _told_to_gradio(folder), _removed_at_the_end(folder), _swept(folder, settings.upload_seconds):
        yield folder


def needed(path: str | Path) -> Path:
    """A photo that was uploaded, whose time begins anew. Raises ImageError when it is gone."""
    try:
        os.utime(path)
    except OSError as error:
        raise ImageError(
            f"{Path(path).name} is no longer here: files are removed a few minutes after they were last used. "
            "Choose it again."
        ) from error
    return Path(path)


def hold(key: str, path: str | Path, seconds: float) -> None:
    """Let no sweep remove a file that somebody waits for, until it is released or so many seconds have passed.

    One for each key. Its time among other files begins anew.
    """
    with suppress(OSError):  # it is gone, which whoever reads it is told
        os.utime(path)
    with _holding:
        _held.pop(key, None)
        _held[key] = Path(path), time.monotonic() + seconds
        if len(_held) > _MOST_HELD:
            _held.popitem(last=False)


def release(key: str) -> None:
    """What was held for this key is no longer waited for."""
    with _holding:
        _held.pop(key, None)


def held() -> set[Path]:
    """The files that somebody waits for; those that were waited for too long are so no more."""
    now = time.monotonic()
    with _holding:
        for key in [key for key, (_, until) in _held.items() if until <= now]:
            del _held[key]
        return {path for path, _ in _held.values()}


def sweep(folder: Path, before: float) -> None:
    """Remove files and empty folders that nothing has touched since this moment (seconds since 1970)."""
    kept = held()
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files + folders:
            path = Path(place, name)
            with suppress(OSError):  # it was removed meanwhile, or is a folder that is not empty
                # Unlike the time of writing, a copy does not inherit this one.
                if path not in kept and path.lstat().st_ctime < before:
                    path.rmdir() if name in folders else path.unlink()


def bytes_in(folder: Path) -> int:
    """How many bytes the files in a folder take."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                total += Path(place, name).lstat().st_size
    return total


def _place(wanted: Path, room: int) -> Path:
    """The folder that is wanted, if it is in memory and has so many bytes free; otherwise that of temporary files."""
    if in_memory(wanted) and os.access(wanted, os.W_OK) and shutil.disk_usage(wanted).free >= room:
        return wanted
    place = Path(tempfile.gettempdir())
    logger.warning(
        f"Photos sent to the page are kept on disk while they are needed, in a private folder in {place}: {wanted} is "
        f"not in memory, or has less than {room / 1e6:g} MB free. SEMBLANCE_UPLOADS names another place."
    )
    return place


def in_memory(folder: Path) -> bool:
    """Whether what is written to a folder stays in memory, as Linux tells."""
    if not (folder.is_dir() and _MOUNTS.exists()):
        return False
    kinds = {Path(point): kind for _, point, kind, *_ in map(str.split, _MOUNTS.read_text().splitlines())}
    resolved = folder.resolve()
    return next(kinds[each] for each in (resolved, *resolved.parents) if each in kinds) == "tmpfs"


def _remove_leftovers(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # it is another user's, or that of a program that runs
            if folder.lstat().st_ctime < time.time() - _JUST_MADE:
                with _locked(folder):
                    shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder, for others to know that it is in use. Raises OSError where somebody holds it."""
    opened = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


@contextmanager
def _told_to_gradio(folder: Path) -> Iterator[None]:
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(FOLDER) if before is None else os.environ.update({FOLDER: before})


@contextmanager
def _removed_at_the_end(folder: Path) -> Iterator[None]:
    """Remove the folder at the end of the block, and where SIGTERM ends the program in the midst of it."""

    def end(number: int, _frame: object) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        shutil.rmtree(folder, ignore_errors=True)


def _swept(folder: Path, seconds: float) -> AbstractContextManager[None]:
    return repeated(lambda: sweep(folder, time.time() - seconds), seconds / _SWEEPS)
