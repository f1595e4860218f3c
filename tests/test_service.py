"""The service on the tiny reference set: what it answers, and which sentence it gives instead of an answer."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from siamese import ExpressionService
from siamese.errors import AlbumError, GalleryError, NoFaceError, ReferenceSetError
from siamese.gallery.maps import draw_map
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face

BLANK = np.full((400, 600, 3), 200, dtype=np.uint8)


@pytest.fixture(scope="module")
def service(reference: Path) -> ExpressionService:
    return ExpressionService.load(reference)


def test_a_reading_is_a_comparison_with_every_prototype(
    service: ExpressionService, astronaut: NDArray[np.uint8]
) -> None:
    (reading,) = service.recognise(astronaut)
    cosines = [float(reading.embedding @ vector) for vector in service.prototypes.vectors]
    assert list(reading.similarities) == list(EMOTIONS)
    assert list(reading.similarities.values()) == pytest.approx(cosines, abs=1e-6)
    exponentials = np.exp(np.array(cosines) / service.calibration.temperature)
    assert list(reading.probabilities.values()) == pytest.approx(exponentials / exponentials.sum(), abs=1e-6)
    assert reading.emotion == EMOTIONS[int(np.argmax(cosines))]
    assert reading.confidence == max(reading.probabilities.values())


def test_the_box_encloses_the_landmarks_of_the_face(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    (reading,) = service.recognise(astronaut)
    assert reading.landmarks is not None and not reading.whole_picture
    assert (reading.landmarks > reading.box[:2]).all() and (reading.landmarks < reading.box[2:]).all()


def test_results_are_ready_for_json(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    results = [service.recognise(astronaut)[0], service.compare(astronaut, astronaut), service.similar(astronaut, 1)[0]]
    for result in results:
        assert json.loads(json.dumps(result.to_dict())) == result.to_dict()


def test_a_photo_without_a_face_is_refused_with_advice(service: ExpressionService) -> None:
    with pytest.raises(NoFaceError, match="larger, well lit"):
        service.recognise(BLANK)


def test_only_who_can_ask_for_the_whole_picture_is_advised_to(service: ExpressionService, tmp_path: Path) -> None:
    Image.fromarray(BLANK).save(tmp_path / "wall.png")
    with pytest.raises(NoFaceError, match="can be read as it is: by a tick"):
        service.recognise(BLANK)
    with pytest.raises(NoFaceError, match=r"^Photo 1 \(wall\.png\): No face .* turned to the camera\.$"):
        service.teach("smirk", [tmp_path / "wall.png"])
    with pytest.raises(AlbumError, match=r"turned to the camera\.$"):
        service.summarise([BLANK])


def test_a_picture_is_taken_whole_where_the_person_says_so(service: ExpressionService) -> None:
    (reading,) = service.recognise(BLANK, whole=True)
    assert reading.whole_picture and reading.landmarks is None
    assert reading.box.tolist() == [0, 0, 600, 400]


@pytest.mark.parametrize(
    ("height", "width", "taken"),
    [(48, 48, True), (100, 110, True), (60, 120, False), (200, 200, False), (16, 16, False), (1, 1, False)],
)
def test_only_small_square_pictures_are_taken_whole_unasked(
    service: ExpressionService, height: int, width: int, taken: bool
) -> None:
    shaded = np.repeat(np.linspace(100, 150, width, dtype=np.uint8)[None, :, None], height, axis=0).repeat(3, axis=2)
    if taken:
        assert service.recognise(shaded)[0].whole_picture
    else:
        with pytest.raises(NoFaceError):
            service.recognise(shaded)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 30)])
def test_a_blank_is_taken_for_a_face_only_where_the_person_says_so(
    service: ExpressionService, colour: tuple[int, int, int]
) -> None:
    blank = np.full((64, 64, 3), colour, dtype=np.uint8)
    with pytest.raises(NoFaceError):
        service.recognise(blank)
    assert service.recognise(blank, whole=True)[0].whole_picture


def test_a_detected_face_wins_over_the_whole_picture(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    assert not service.recognise(astronaut, whole=True)[0].whole_picture


def test_a_face_shows_the_same_expression_as_itself(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    result = service.compare(astronaut, astronaut)
    assert result.similarity == pytest.approx(1, abs=1e-5)
    assert result.same_expression
    assert result.probability == pytest.approx(float(service.verification.probability(result.similarity)))


def test_comparing_is_symmetric(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    drawn = draw_face(2, size=96)
    there, back = service.compare(astronaut, drawn), service.compare(drawn, astronaut)
    assert (there.similarity, there.same_expression) == (pytest.approx(back.similarity), back.same_expression)


def test_a_face_that_the_photo_does_not_have_is_named(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    with pytest.raises(NoFaceError, match="no face number 3: the photo has 1"):
        service.compare(astronaut, astronaut, face_b=2)


def test_similar_is_a_brute_force_search_of_the_gallery(
    service: ExpressionService, astronaut: NDArray[np.uint8]
) -> None:
    embedding = service.recognise(astronaut)[0].embedding
    expected = np.sort(service.gallery.embeddings @ embedding)[::-1][:5]
    assert [found.similarity for found in service.similar(astronaut, 5)] == pytest.approx(expected.tolist(), abs=1e-5)


def test_similar_can_be_held_to_one_emotion(service: ExpressionService, astronaut: NDArray[np.uint8]) -> None:
    assert {found.emotion for found in service.similar(astronaut, 4, emotion="fear")} == {"fear"}


def test_an_example_is_not_among_its_own_neighbours(service: ExpressionService) -> None:
    item = service.gallery.items[0]
    assert item.id not in {found.item.id for found in service.similar_to_item(item.id, len(service.gallery))}


def test_the_shades_of_an_emotion_share_its_examples_among_them(service: ExpressionService) -> None:
    shades = service.shades("happy")
    found = [match.item for shade in shades for match in shade.examples]
    assert {item.id for item in found} == {item.id for item in service.gallery.items if item.emotion == "happiness"}
    assert sum(shade.share for shade in shades) == pytest.approx(1)
    assert service.shades("happiness") is shades


def test_without_shades_in_the_reference_set_an_emotion_has_none(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference, tmp_path / "older")
    (tmp_path / "older" / "shades.npz").unlink()
    assert ExpressionService.load(tmp_path / "older").shades("fear") == []


def test_the_map_has_every_example_and_a_place_for_a_face(service: ExpressionService) -> None:
    drawn = service.map()
    assert drawn is service.map() and len(drawn.rows) == len(service.gallery)
    x, y = service.place(service.recognise(draw_face(1, size=96))[0])
    assert 0 <= x <= 1 and 0 <= y <= 1 and type(x) is type(y) is float


def test_a_map_that_was_drawn_anew_is_shown_at_once(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference / "gallery", tmp_path / "gallery")
    service = ExpressionService.load(reference, tmp_path / "gallery")
    assert len(service.map().rows) == len(service.gallery)
    draw_map(service.gallery, 5)
    assert len(service.map().rows) == 5 and service.map() is service.map()


@pytest.mark.parametrize("spelling", ["happiness", "happy", "Joy"])
def test_an_emotion_may_be_spelled_as_people_do(service: ExpressionService, spelling: str) -> None:
    assert {found.emotion for found in service.similar(draw_face(1, size=96), 3, emotion=spelling)} == {"happiness"}


def test_an_emotion_without_examples_is_refused_with_those_that_have_some(service: ExpressionService) -> None:
    with pytest.raises(GalleryError, match=r"no examples of «boredom», only of: neutral, happiness"):
        service.similar(draw_face(1, size=96), emotion="boredom")


def test_a_missing_reference_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReferenceSetError, match="no reference set"):
        ExpressionService.load(tmp_path / "nowhere")


def test_warming_up_changes_no_answer(reference: Path, tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    shutil.copytree(reference, tmp_path / "set", ignore=shutil.ignore_patterns("gallery"))
    for folder in (reference, tmp_path / "set"):
        cold, warm = ExpressionService.load(folder), ExpressionService.load(folder)
        warm.warm_up()
        (one,), (other,) = cold.recognise(astronaut), warm.recognise(astronaut)
        assert one.to_dict() == other.to_dict()


def test_without_a_gallery_all_but_similar_works(reference: Path, astronaut: NDArray[np.uint8]) -> None:
    loaded = ExpressionService.load(reference)
    service = ExpressionService(loaded.embedder, loaded.prototypes, loaded.calibration, loaded.verification)
    assert service.recognise(astronaut)
    with pytest.raises(GalleryError, match="gallery build"):
        service.similar(astronaut)
    with pytest.raises(GalleryError, match="gallery build"):
        service.map()


def test_a_service_starts_without_the_libraries_that_only_training_needs(reference: Path):
    code = (
        "import sys; from siamese import ExpressionService; "
        f"ExpressionService.load({str(reference)!r}).warm_up(); "
        "print({'torch', 'sklearn', 'gradio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
