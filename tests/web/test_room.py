"""Room for uploads: what is on its way takes it as what is there does, until it has arrived or ended."""

from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from siamese.web.room import FullError, Room
from tests.web.api.conftest import in_a_loop


def test_what_is_there_and_what_is_on_its_way_take_room(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(bytes(40))
    room = Room(tmp_path, most=100)

    async def fits(count: int) -> bool:
        try:
            async with room.taken(count):
                return True
        except FullError:
            return False

    async def work() -> None:
        assert await fits(60) and not await fits(61)
        async with AsyncExitStack() as uploads:
            await uploads.enter_async_context(room.taken(30))
            assert await fits(30) and not await fits(31)
        assert await fits(60)

    in_a_loop(work)


def test_there_is_no_more_room_than_on_what_the_folder_lies_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=50))
    room = Room(tmp_path, most=100)

    async def work() -> None:
        async with room.taken(30):
            with pytest.raises(FullError):
                await room.taken(21).__aenter__()
            async with room.taken(20):
                pass

    in_a_loop(work)


def test_bytes_that_have_arrived_are_not_counted_twice(tmp_path: Path) -> None:
    room = Room(tmp_path, most=100)

    async def work() -> None:
        async with room.taken(60) as coming:
            (tmp_path / "part").write_bytes(bytes(50))
            coming.arrived(50)
            async with room.taken(40):
                with pytest.raises(FullError):
                    await room.taken(1).__aenter__()

    in_a_loop(work)
