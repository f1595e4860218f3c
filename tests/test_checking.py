"""Checking labels and summing up albums through the service: what is cached, what is kept, what is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese.errors import AlbumError, GalleryError
from siamese.gallery.album import MOST_FACES
from siamese.gallery.gallery import STORE_FILE
from siamese.service import ExpressionService
from tests.browser.labelled import labelled_copy
from tests.test_service import BLANK
from tests.tiny import draw_face


@pytest.fixture
def own(reference: Path, tmp_path: Path) -> Path:
    """A gallery of one's own, with labels."""
    labelled_copy(reference, tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def service(reference: Path, own: Path) -> ExpressionService:
    return ExpressionService.load(reference, own)


def test_a_check_is_made_anew_only_when_the_gallery_has_changed(service: ExpressionService) -> None:
    check = service.check_labels()
    assert service.shades("fear") is service.shades("fear")
    assert check.doubted and service.check_labels() is check
    service.relabel(check.doubted[0].id, "fear")
    assert any(match.item.id == check.doubted[0].id for shade in service.shades("fear") for match in shade.examples)
    after = service.check_labels()
    assert after is not check and after.checked == check.checked - 1
    service.remove(check.doubted[1].id)
    assert service.check_labels().checked == after.checked - 1


def test_a_correction_is_browsed_at_once_survives_a_restart_and_can_be_undone(
    service: ExpressionService, reference: Path, own: Path
) -> None:
    doubted = service.check_labels().doubted[0]
    before = service.relabel(doubted.id, doubted.suggested)
    for each in (service, ExpressionService.load(reference, own)):
        item = each.gallery.item(doubted.id)
        assert (item.emotion, item.labelled_by) == (doubted.suggested, "hand")
    service.undo(before)
    assert ExpressionService.load(reference, own).gallery.item(doubted.id) == before.item


def test_an_example_of_what_was_taught_may_be_taken_from_it(service: ExpressionService) -> None:
    service.teach("smirk", [draw_face(7, seed, size=96) for seed in (50, 51)], anyway=True)
    first, second = (item.id for item in service.gallery.items if item.labelled_by == "teaching")
    before = service.relabel(first, "contempt")
    left = service.gallery.store.embeddings(np.array([service.gallery.store.row(second)]))[0]
    np.testing.assert_allclose(service.prototypes.vectors[-1], left, atol=1e-6)
    service.remove(second)
    assert service.taught == ()
    service.undo(before)
    assert service.taught == ("smirk",)


def test_what_ships_stays_as_it_is(reference: Path) -> None:
    service = ExpressionService.load(reference)
    stored = (reference / "gallery" / STORE_FILE).read_bytes()
    item_id = service.gallery.items[0].id
    with pytest.raises(GalleryError, match="composites \\(48\\)"):
        service.check_labels()
    for change in (lambda: service.relabel(item_id, "fear"), lambda: service.remove(item_id)):
        with pytest.raises(GalleryError, match="it stays as it is"):
            change()
    assert (reference / "gallery" / STORE_FILE).read_bytes() == stored


def test_a_summary_names_photos_by_path_or_number_and_says_what_was_left_out(
    service: ExpressionService, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{label}.png" for label in range(3)]
    for label, path in enumerate(paths):
        Image.fromarray(draw_face(label, size=96)).save(path)
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    summary = service.summarise([*paths, tmp_path / "broken.jpg", draw_face(4, 9, size=96), BLANK], 10)
    assert summary.photos == sum(each.stands_for for each in summary.highlights) == 4
    assert {each.photo for each in summary.highlights} <= {*map(str, paths), "photo 5"}
    assert list(summary.left_out) == [str(tmp_path / "broken.jpg"), "photo 6"]
    assert "No face" in summary.left_out["photo 6"]
    assert summary.to_dict()["photos"] == 4


def test_an_album_without_a_face_says_why(service: ExpressionService) -> None:
    with pytest.raises(AlbumError, match="None of the 2 photos can be used; the first, photo 1: No face was found"):
        service.summarise([BLANK, BLANK])
    with pytest.raises(AlbumError, match="no face in these photos"):
        service.summarise([])


def test_an_album_that_is_too_large_is_refused_before_all_of_it_is_read(
    service: ExpressionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siamese.gallery.album.MOST_FACES", 2)
    photos = iter([draw_face(1, size=96)] * 9)
    with pytest.raises(AlbumError, match="may have 2 faces"):
        service.summarise(photos)
    assert len(list(photos)) == 6 and MOST_FACES > 1000
