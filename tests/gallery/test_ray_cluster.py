"""Photos looked at on a Ray cluster: the gallery is the one that a single process makes, and trouble is told."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from siamese.errors import GalleryError
from siamese.gallery import ray_cluster
from siamese.gallery.adding import add_photos
from siamese.gallery.gallery import Gallery
from siamese.gallery.looking import Lookers, in_processes
from siamese.gallery.ray_cluster import on_ray
from tests.gallery.made_up import NETWORK, SIZE
from tests.gallery.test_adding import Looks

PHOTOS = 40
LARGEST = 1000  # bytes


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lookers]:
    """Two workers on this machine, which find the tests as well as Semblance."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")
    monkeypatch.setenv("SEMBLANCE_MAX_FILE_BYTES", str(LARGEST))
    with on_ray("local", Looks(tmp_path / "log"), processes=2) as lookers:
        yield lookers


@pytest.fixture
def photos(tmp_path: Path) -> list[tuple[Path, str | None]]:
    """Some of one face, some of two; every tenth shows none, the last is too large to be sent."""
    (tmp_path / "photos").mkdir()
    paths = [tmp_path / "photos" / f"{number}.jpg" for number in range(PHOTOS)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([0 if number % 10 == 9 else 1 + number % 2, number]))
    paths[-1].write_bytes(bytes(LARGEST + 1))
    return [(path, "fear" if number == 0 else None) for number, path in enumerate(paths)]


@pytest.mark.slow
@pytest.mark.timeout(600)  # a cluster takes its time to start on busy cores
def test_two_workers_make_the_same_gallery_as_one_process(cluster: Lookers, photos: list, tmp_path: Path) -> None:
    ours, theirs = (Gallery.create(tmp_path / name, "A test", NETWORK, SIZE) for name in ("ours", "theirs"))
    with in_processes(Looks(tmp_path / "our log")) as alone:
        expected = add_photos(ours, photos[:-1], alone, ("mine",))
    done = add_photos(theirs, photos, cluster, ("mine",))
    assert theirs.items == ours.items
    assert (theirs.embeddings == ours.embeddings).all()
    assert (done.done, done.added, done.known) == (PHOTOS, expected.added, 0)
    too_large = done.refused.pop(str(photos[-1][0]))
    assert "too large" in too_large
    assert done.refused == expected.refused
    assert expected.refused.keys() == {str(path) for path, _ in photos[9:-1:10]}

    sent = (tmp_path / "log").read_text().split()
    assert sorted(sent) == sorted(path.name for path, _ in photos[:-1])
    (tmp_path / "photos" / "new.jpg").write_bytes(b"\x01new")
    again = add_photos(theirs, [*photos, (tmp_path / "photos" / "new.jpg", None)], cluster)
    assert (again.known, again.added) == (PHOTOS - len(again.refused), 1)
    refused = {Path(name).name for name in expected.refused}  # these are looked at again; the one too large is not sent
    assert set((tmp_path / "log").read_text().split()[len(sent) :]) == {"new.jpg", *refused}


@pytest.mark.parametrize("address", ["nowhere", "host:port", "http://localhost:80", "ray://"])
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "_imported", lambda: None)
    with pytest.raises(GalleryError, match=f"«{address}» is no address"), on_ray(address, Looks(Path("log"))):
        pass


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "_imported", lambda: None)
    with socket.socket() as unheard:  # bound, so that nobody else takes the port, but it does not listen
        unheard.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*unheard.getsockname())
        with (
            pytest.raises(GalleryError, match=f"No Ray cluster answers at {address}"),
            on_ray(address, Looks(Path("log"))),
        ):
            pass


def test_a_missing_package_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(GalleryError, match="pip install -r requirements-ray"), on_ray("local", Looks(Path("log"))):
        pass
