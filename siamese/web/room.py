"""Uploads that begin → whether there is room for them, beside files that are there and others that are on their way."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from siamese.web.uploads import bytes_in


class FullError(Exception):
    """There is no room for an upload now."""


@dataclass(eq=False)
class Coming:
    """An upload on its way: how many of its bytes have been announced and are not here yet."""

    left: int

    def arrived(self, count: int) -> None:
        """So many bytes are here now."""
        self.left = max(0, self.left - count)


class Room:
    """A folder whose files may take so many bytes together, as far as there is room on what it lies on."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most = folder, most
        self._coming: set[Coming] = set()
        self._measuring = anyio.Lock()

    @asynccontextmanager
    async def taken(self, count: int) -> AsyncIterator[Coming]:
        """Keep room for so many bytes while this block runs. Raises FullError where there is none."""
        async with self._measuring:
            # In this order: what arrives meanwhile is counted twice rather than not at all.
            wanted = count + sum(each.left for each in self._coming)
            if wanted > await anyio.to_thread.run_sync(self._left):
                raise FullError
            coming = Coming(count)
            self._coming.add(coming)
        try:
            yield coming
        finally:
            self._coming.remove(coming)

    def _left(self) -> int:
        """How many bytes may be added: others may have filled what the folder lies on."""
        return min(self.most - bytes_in(self.folder), shutil.disk_usage(self.folder).free)
