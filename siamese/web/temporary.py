"""A temporary folder that cannot be made → a sentence that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from siamese.errors import SettingsError


@contextmanager
def writable(what: str) -> Iterator[None]:
    """Raise SettingsError where this block, which makes a temporary folder for `what`, can write nowhere."""
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"No temporary folder can be made for {what} ({error}). Where nothing may be written to the disk, name a "
            "folder that is in memory: TMPDIR=/dev/shm."
        ) from error
