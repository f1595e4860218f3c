"""Disks that fail: a full one and one that may not be written, both real, where the tests may mount them."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from siamese import ExpressionService
from siamese.errors import GalleryError
from siamese.gallery.gallery import Gallery
from siamese.gallery.store import Store
from siamese.network.runtime import Embedder
from siamese.web.api import routes
from tests.gallery.made_up import NETWORK, SIZE, items, unit_rows
from tests.tiny import draw_face
from tests.web.api.conftest import png, refused

Remount = Callable[[str], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Remount]]:
    """A disk of one megabyte, and what mounts it again with other options."""
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("Nothing can be mounted here: that takes root's rights.")
    yield tmp_path, lambda options: subprocess.run(["mount", "-o", f"remount,{options}", str(tmp_path)], check=True)
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_on_a_full_disk_nothing_acknowledged_is_lost_and_adding_goes_on_once_there_is_room(disk):
    folder, remount = disk
    path = folder / "gallery.sqlite"
    store = Store.create(path, "A test", NETWORK, SIZE)
    acknowledged: list[str] = []

    def add(number: int) -> None:
        (item,) = items(["fear"], f"photo {number}-")
        crop = np.random.default_rng(number).bytes(9000)
        store.add([item], unit_rows(1, number), [crop])
        acknowledged.append(item.id)

    def fill() -> None:
        for number in range(1000):
            add(number)

    with pytest.raises(GalleryError, match=r"gallery\.sqlite: .*full.*[Ff]ree"):
        fill()
    assert 10 < len(acknowledged) < 1000
    assert len(store) == len(acknowledged)
    remount("size=4m")
    add(1000)
    store.close()
    opened = Store(path)
    assert {item.id for item in opened.items(opened.rows()).values()} == set(acknowledged)
    opened.close()


def test_on_a_full_disk_the_api_says_so_and_adds_once_there_is_room(disk, reference: Path):
    folder, remount = disk
    embedder = Embedder(reference / "network.onnx")
    Gallery.create(folder, "A test", embedder.fingerprint, embedder.embedding_size).close()
    api = TestClient(routes.build(ExpressionService.load(reference, folder)))
    photo = {"photo": png(draw_face(1, size=96))}
    with (folder / "others").open("wb", buffering=0) as others, suppress(OSError):
        while True:
            others.write(bytes(100))
    for _ in range(2):
        sentence = refused(api.post("/gallery", files=photo, data={"emotion": "fear"}), 507, "no-room")
        assert sentence.endswith("Free some space and do it again; what was there before is kept.")
        assert api.post("/recognise", files=photo).status_code == 200
    remount("size=4m")
    (added,) = api.post("/gallery", files=photo, data={"emotion": "fear"}).json()["examples"]
    assert api.get(f"/gallery/{added['id']}").json() == added


def test_on_a_disk_that_may_only_be_read_a_gallery_is_read_and_not_written(disk):
    folder, remount = disk
    path = folder / "gallery.sqlite"
    store = Store.create(path, "A test", NETWORK, SIZE)
    store.add(items(["fear"] * 3), unit_rows(3))
    store.seal()
    store.close()
    remount("ro")
    with pytest.raises(GalleryError, match="cannot be written"):
        Store(path)
    opened = Store(path, writable=False)
    assert len(opened) == 3
    opened.close()
