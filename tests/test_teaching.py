"""Teaching the service an expression: known at once, kept where it can be, and questioned where it looks wrong."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.answers import FaceFound
from siamese.errors import DoubtError, NoFaceError, TeachingError
from siamese.gallery import teaching
from siamese.gallery.gallery import STORE_FILE, Gallery
from siamese.gallery.items import Wanted
from siamese.network.runtime import Embedder
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.vocabulary import EMOTIONS
from tests.test_service import BLANK
from tests.tiny import draw_face


@pytest.fixture
def service(reference: Path) -> ExpressionService:
    return ExpressionService.load(reference)


@pytest.fixture
def own(reference: Path, tmp_path: Path) -> Path:
    """A gallery of one's own, empty yet."""
    embedder = Embedder(reference / "network.onnx")
    Gallery.create(tmp_path / "own", "Mine", embedder.fingerprint, embedder.embedding_size).close()
    return tmp_path / "own"


def faces(count: int = 3, label: int = 7) -> list[NDArray[np.uint8]]:
    return [draw_face(label, seed, size=96) for seed in range(count)]


def test_a_taught_prototype_is_the_normalised_mean_of_its_photos_embeddings(service: ExpressionService) -> None:
    mean = np.mean([service.recognise(photo)[0].embedding for photo in faces()], axis=0)
    lesson = service.teach("smirk", faces(), anyway=True)
    assert service.prototypes.names == (*EMOTIONS, "smirk")
    assert service.prototypes.vectors[-1] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    assert lesson.prototype == pytest.approx(service.prototypes.vectors[-1], abs=1e-6)


def test_it_is_recognised_and_browsed_at_once(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    before = len(service.gallery)
    service.teach(" smirk ", [astronaut], anyway=True)
    (reading,) = service.recognise(astronaut)
    assert reading.emotion == "smirk"
    assert reading.similarities["smirk"] == pytest.approx(1, abs=1e-5)
    assert sum(reading.probabilities.values()) == pytest.approx(1)
    (found,) = service.similar(astronaut, 5, emotion="smirk")
    assert (found.item.labelled_by, found.similarity) == ("teaching", pytest.approx(1, abs=1e-5))
    assert service.gallery.emotions == (*EMOTIONS, "smirk") and len(service.gallery) == before + 1


def test_others_teach_while_photos_are_looked_at(service: ExpressionService, monkeypatch: pytest.MonkeyPatch) -> None:
    read, others = service.faces, iter(["wink"])

    def reading(photo: NDArray[np.uint8]) -> list[FaceFound]:
        for name in others:  # once
            service.teach(name, faces(label=4), anyway=True)
        return read(photo)

    monkeypatch.setattr(service, "faces", reading)
    service.teach("smirk", faces(), anyway=True)
    assert service.taught == ("smirk", "wink")


def test_as_many_photos_are_taken_as_the_settings_say_and_no_endless_names(reference: Path) -> None:
    service = ExpressionService.load(reference, settings=Settings(teach_photos=2, teach_letters=8))
    with pytest.raises(TeachingError, match="3 photos, and 2 are taken"):
        service.teach("smirk", faces(3), anyway=True)
    service.teach("smirk", faces(2), anyway=True)
    with pytest.raises(TeachingError, match="3 photos, and 2 are taken"):
        service.extend("smirk", faces(3), anyway=True)
    with pytest.raises(TeachingError, match="longer than 8"):
        service.rename("smirk", "a long name")


def test_the_reference_set_stays_as_it_is(service: ExpressionService, reference: Path) -> None:
    before = (reference / "gallery" / STORE_FILE).read_bytes()
    service.teach("smirk", faces(), anyway=True)
    assert not service.keeps_changes
    assert (reference / "gallery" / STORE_FILE).read_bytes() == before
    assert ExpressionService.load(reference).taught == ()


def test_a_gallery_of_ones_own_keeps_what_was_taught(reference: Path, own: Path) -> None:
    service = ExpressionService.load(reference, own)
    service.teach("smirk", faces(), anyway=True)
    assert service.keeps_changes
    again = ExpressionService.load(reference, own)
    assert again.taught == ("smirk",)
    np.testing.assert_allclose(again.prototypes.vectors, service.prototypes.vectors, atol=1e-6)


def test_what_was_taught_is_extended_renamed_and_removed(reference: Path, own: Path) -> None:
    service = ExpressionService.load(reference, own)
    service.teach("smirk", faces(2), anyway=True)
    service.extend("smirk", faces(4)[2:], anyway=True)
    mean = np.mean([service.recognise(photo)[0].embedding for photo in faces(4)], axis=0)
    assert service.prototypes.vectors[-1] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    service.rename("smirk", "grin")
    assert ExpressionService.load(reference, own).prototypes.names == (*EMOTIONS, "grin")
    service.forget("grin")
    assert service.prototypes.names == EMOTIONS and len(service.gallery) == 0
    assert ExpressionService.load(reference, own).taught == ()


def test_a_face_that_the_gallery_holds_keeps_its_label_and_becomes_an_example_too(reference: Path, own: Path) -> None:
    service = ExpressionService.load(reference, own)
    service.teach("grin", faces(2), anyway=True)
    service.teach("leer", faces(1), anyway=True)  # the same face again
    assert service.gallery.store.counts("emotion", Wanted(labelled_by="teaching")) == {"grin": 2, "leer": 1}
    service.forget("leer")
    assert service.taught == ("grin",) and len(service.gallery) == 2
    service.relabel(service.gallery.items[0].id, "grin")  # what it is, confirmed by hand
    assert service.gallery.store.counts("emotion", Wanted(labelled_by="teaching")) == {"grin": 2}


def test_what_another_process_teaches_and_forgets_is_known_at_once(reference: Path, own: Path) -> None:
    service, other = (ExpressionService.load(reference, own) for _ in range(2))
    other.teach("smirk", faces(), anyway=True)
    assert "smirk" in service.recognise(faces()[0])[0].probabilities
    service.extend("smirk", faces(4)[3:], anyway=True)
    service.forget("smirk")
    assert other.prototypes.names == EMOTIONS


def test_what_another_process_forgets_meanwhile_spoils_no_reading(
    reference: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, other = (ExpressionService.load(reference, own) for _ in range(2))
    other.teach("smirk", faces(), anyway=True)
    names = teaching.taught

    def meanwhile(gallery: Gallery) -> tuple[str, ...]:
        told = names(gallery)
        monkeypatch.setattr(teaching, "taught", names)
        other.forget("smirk")
        return told

    monkeypatch.setattr(teaching, "taught", meanwhile)
    assert "smirk" in service.prototypes.names
    assert service.prototypes.names == EMOTIONS


def test_the_gallery_that_ships_is_known_by_any_path(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (reference / "gallery" / STORE_FILE).read_bytes()
    monkeypatch.chdir(reference.parent)
    service = ExpressionService.load(reference, Path(reference.name) / "gallery")
    assert not service.keeps_changes
    assert (reference / "gallery" / STORE_FILE).read_bytes() == before


def test_a_lesson_that_looks_wrong_is_left_to_the_person(service: ExpressionService) -> None:
    service.verification = dataclasses.replace(service.verification, threshold=0.99999)  # which nothing reaches
    unlike = [draw_face(label, size=96) for label in (1, 4, 6)]
    with pytest.raises(DoubtError, match=r"«mixed» was not learned\. Photo \d is unlike the others") as told:
        service.teach("mixed", unlike)
    assert service.prototypes.names == EMOTIONS
    assert len(told.value.lesson.agreements) == 3 and told.value.lesson.doubts
    service.teach("mixed", unlike, anyway=True)
    assert service.taught == ("mixed",)


@pytest.mark.parametrize("name", ["anger", " Angry ", "ANGER"])
def test_a_known_expression_cannot_be_taught_again(service: ExpressionService, name: str) -> None:
    with pytest.raises(TeachingError, match="is known already"):
        service.teach(name, [draw_face(4, size=96)])


def test_a_taught_one_can_be_given_more_photos_instead(service: ExpressionService) -> None:
    service.teach("smirk", faces(), anyway=True)
    with pytest.raises(TeachingError, match="It was taught: teach it more photos, or remove it first"):
        service.teach("smirk", faces())
    with pytest.raises(TeachingError, match="is known already"):
        service.rename("smirk", "fear")
    changes = (
        lambda: service.forget("anger"),
        lambda: service.extend("grin", faces()),
        lambda: service.rename("grin", "leer"),
    )
    for change in changes:
        with pytest.raises(TeachingError, match=r"was taught\. Taught were: smirk"):
            change()


def test_a_photo_that_would_only_agree_with_itself_is_refused(service: ExpressionService) -> None:
    one, two, three = faces()
    with pytest.raises(TeachingError, match=r"Photo 3 shows what photo 1 shows\. Leave one of them out\."):
        service.teach("smirk", [one, two, one], anyway=True)
    service.teach("smirk", [one, two], anyway=True)
    service.rename("smirk", "grin")
    with pytest.raises(TeachingError, match="Photo 2 is one that «grin» was taught from before"):
        service.extend("grin", [three, one], anyway=True)
    assert len(service.gallery.store.rows(Wanted(labelled_by="teaching"))) == 2


def test_the_spelling_of_a_taught_name_can_be_changed(service: ExpressionService) -> None:
    service.teach("smirk", faces(), anyway=True)
    service.rename("smirk", "Smirk")
    assert service.taught == ("Smirk",)
    with pytest.raises(TeachingError, match="It was taught"):
        service.teach("smirk", faces(), anyway=True)


@pytest.mark.parametrize("name", ["smi\x1b[31mrk", "smirk\0", "smi\nrk", "caf\udce9"])
def test_a_name_is_of_characters_that_can_be_shown(service: ExpressionService, name: str) -> None:
    with pytest.raises(TeachingError, match="characters that cannot be shown"):
        service.teach(name, faces(), anyway=True)
    service.teach("grimace 😬 ñandú 笑", faces(), anyway=True)


@pytest.mark.parametrize(("name", "photos"), [("smirk", []), (" ", [BLANK])])
def test_teaching_needs_a_name_and_a_photo(service: ExpressionService, name: str, photos: list) -> None:
    with pytest.raises(TeachingError, match="a name and at least one photo"):
        service.teach(name, photos)


def test_a_photo_that_teaches_nothing_is_named_and_nothing_is_learned(service: ExpressionService) -> None:
    with pytest.raises(NoFaceError, match="Photo 2: No face was found"):
        service.teach("smirk", [draw_face(7, size=96), BLANK])
    assert service.prototypes.names == EMOTIONS


def test_without_a_gallery_what_is_taught_makes_one(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference, tmp_path / "bare", ignore=shutil.ignore_patterns("gallery"))
    service = ExpressionService.load(tmp_path / "bare")
    service.teach("smirk", faces(1), anyway=True)
    assert (service.taught, len(service.gallery)) == (("smirk",), 1)
