"""Adding photos: each file is looked at once, nothing is lost when it is cut short, and it says what was left out."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from siamese.errors import GalleryError, ImageError, NoFaceError
from siamese.gallery import adding
from siamese.gallery.adding import Progress, add_photos
from siamese.gallery.build import Embedded, Entry, embedded
from siamese.gallery.gallery import Gallery
from siamese.gallery.looking import Look, Lookers, Task, in_processes, look_at
from tests.gallery.made_up import NETWORK, SIZE, PixelEmbedder

PHOTOS = 10


@dataclass(frozen=True)
class Looks:
    """Reads a made-up photo: as many faces as its first byte says, and a note of every file that was looked at."""

    log: Path

    def __call__(self) -> Callable[[Task], Embedded]:
        return self.look

    def look(self, task: Task) -> Embedded:
        with self.log.open("a") as log:
            log.write(f"{task.path.name}\n")
        content = task.path.read_bytes()
        if not content[0]:
            raise NoFaceError("No face was found in this photo.")
        crops = np.random.default_rng(list(content)).integers(0, 256, (content[0], 48, 48), dtype=np.uint8)
        entries = [
            Entry(crop, crop, task.emotion, task.source, "folder", tags=task.tags, content=task.content)
            for crop in crops
        ]
        return embedded(entries, PixelEmbedder(), lambda rows: ["surprise"] * len(rows))


@pytest.fixture
def photos(tmp_path: Path) -> list[tuple[Path, str | None]]:
    """Ten of one or two faces each, the first labelled; the last shows none."""
    (tmp_path / "photos").mkdir()
    paths = [tmp_path / "photos" / f"{number}.jpg" for number in range(PHOTOS)]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([0 if number == PHOTOS - 1 else 1 + number % 2, number]))
    return [(path, "fear" if number == 0 else None) for number, path in enumerate(paths)]


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    return Gallery.create(tmp_path / "gallery", "A test", NETWORK, SIZE)


def add(gallery: Gallery, photos: list, looks: Looks, told: Callable[[Progress], None] = lambda _: None) -> Progress:
    """By this process alone."""
    with in_processes(looks) as lookers:
        return add_photos(gallery, photos, lookers, told=told)


def looked_at(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().split()


@pytest.mark.parametrize("processes", [1, 2])
def test_every_face_is_added_in_order_and_refusals_are_told(
    gallery: Gallery, photos: list, tmp_path: Path, processes: int
) -> None:
    told: list[Progress] = []
    with in_processes(Looks(tmp_path / "log"), processes) as lookers:
        done = add_photos(gallery, photos, lookers, ("mine",), told.append)
    expected = [
        (path.name, label or "surprise")
        for number, (path, label) in enumerate(photos[:-1])
        for _ in range(1 + number % 2)
    ]
    assert [(item.source, item.emotion) for item in gallery.items] == expected
    assert {item.tags for item in gallery.items} == {("mine",)}
    assert (done.done, done.added, done.known) == (PHOTOS, len(expected), 0)
    assert done.refused == gallery.store.refused() == {str(photos[-1][0]): "No face was found in this photo."}
    assert told[-1] == done


def test_what_was_looked_at_is_passed_over_under_any_name(gallery: Gallery, photos: list, tmp_path: Path) -> None:
    add(gallery, photos, Looks(tmp_path / "log"))
    count = len(gallery)
    shutil.copy(photos[3][0], tmp_path / "photos" / "copy.jpg")
    (tmp_path / "photos" / "new.jpg").write_bytes(b"\x01new")
    more = [*photos, (tmp_path / "photos" / "copy.jpg", None), (tmp_path / "photos" / "new.jpg", None)]
    done = add(gallery, more, Looks(tmp_path / "log"))
    assert looked_at(tmp_path)[PHOTOS:] == [photos[-1][0].name, "new.jpg"]  # the first was refused
    assert (len(gallery), done.added, done.known) == (count + 1, 1, PHOTOS)


def test_a_file_is_looked_at_once_while_its_copy_is_under_way(gallery: Gallery, photos: list, tmp_path: Path) -> None:
    copy = tmp_path / "photos" / "copy.jpg"
    shutil.copy(photos[3][0], copy)
    lookers = Lookers(lambda task: partial(look_at, Looks(tmp_path / "log").look, task), ahead=PHOTOS)
    done = add_photos(gallery, [*photos[:4], (copy, None)], lookers)
    assert looked_at(tmp_path) == [f"{number}.jpg" for number in range(4)]
    assert (done.known, done.done) == (1, 5)


def test_what_is_done_is_kept_when_it_is_interrupted(
    gallery: Gallery, photos: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding, "BATCH", 2)

    def stop_after_six(progress: Progress) -> None:
        if progress.done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(gallery, photos, Looks(tmp_path / "log"), told=stop_after_six)
    assert {item.source for item in gallery.items} == {f"{number}.jpg" for number in range(6)}
    add(gallery, photos, Looks(tmp_path / "log"))
    assert sorted(looked_at(tmp_path)) == sorted(path.name for path, _ in photos)  # each once
    assert {item.source for item in gallery.items} == {f"{number}.jpg" for number in range(PHOTOS - 1)}


def test_a_file_that_cannot_be_read_does_not_stop_the_others(gallery: Gallery, photos: list, tmp_path: Path) -> None:
    gone = tmp_path / "photos" / "gone.jpg"
    done = add(gallery, [(gone, None), *photos], Looks(tmp_path / "log"))
    assert "cannot be read" in done.refused[str(gone)]
    assert len(gallery) == 13
    gone.write_bytes(b"\x02here again")
    assert add(gallery, [(gone, None)], Looks(tmp_path / "log")).added == 2
    assert str(gone) not in gallery.store.refused()


def test_what_was_refused_is_looked_at_again(gallery: Gallery, photos: list, tmp_path: Path) -> None:
    def refuse(task: Task) -> Embedded:
        raise ImageError("It has too many pixels.")

    add_photos(gallery, photos[:1], Lookers(lambda task: partial(look_at, refuse, task), ahead=1))
    assert gallery.store.refused() == {str(photos[0][0]): "It has too many pixels."}
    assert add(gallery, photos[:1], Looks(tmp_path / "log")).added == 1
    assert gallery.store.refused() == {}


def test_names_need_not_be_utf_8(gallery: Gallery, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    taken, refused = folder / "a.jpg", folder / "b.jpg"
    taken.write_bytes(b"\x01")
    refused.write_bytes(b"\x00")
    done = add(gallery, [(taken, None), (refused, None)], Looks(tmp_path / "log"))
    assert (done.added, list(gallery.store.refused())) == (1, [f"{tmp_path}/caf\ufffd/b.jpg"])


def die() -> Look:
    """In place of a network: something ends the process that looks."""
    return lambda task: os._exit(1)


def test_a_process_that_is_ended_from_outside_is_told_in_a_sentence(gallery: Gallery, photos: list) -> None:
    told = pytest.raises(GalleryError, match="One of the 2 processes that look at photos was ended from outside")
    with told, in_processes(die, 2) as lookers:
        add_photos(gallery, photos, lookers)
