"""Teaching, and the gallery's examples over HTTP: listed, shown, added and removed as the store has them."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from siamese import ExpressionService
from siamese.gallery.gallery import Gallery
from siamese.network.runtime import Embedder
from siamese.web.api import routes
from tests.tiny import draw_face
from tests.web.api.conftest import MakeClient, png, refused

FACE = png(draw_face(1, size=96))


@pytest.fixture
def own(reference: Path, tmp_path: Path, client: MakeClient) -> TestClient:
    """The API on a gallery of one's own, empty yet."""
    embedder = Embedder(reference / "network.onnx")
    Gallery.create(tmp_path / "own", "Mine", embedder.fingerprint, embedder.embedding_size).close()
    return client(tmp_path / "own")


def test_a_page_that_no_gallery_has_is_refused_or_empty(client: MakeClient) -> None:
    api = client()
    assert api.get("/gallery", params={"page": 10**9}).json()["examples"] == []
    assert api.get("/gallery", params={"page": 184467440737095518}).status_code == 422


def test_the_gallery_is_listed_page_by_page_and_by_what_is_wanted(client: MakeClient) -> None:
    api = client()
    told = api.get("/gallery", params={"size": 5, "page": 2}).json()
    assert (told["count"], told["page"], len(told["examples"])) == (48, 2, 5)
    first = api.get("/gallery", params={"size": 10}).json()["examples"]
    assert first[5:] == told["examples"]
    happy = api.get("/gallery", params={"emotion": "Happy"}).json()
    assert happy["count"] == 6 and {each["emotion"] for each in happy["examples"]} == {"happiness"}
    sentence = refused(api.get("/gallery", params={"page": 0, "size": 501}), 422, "not-valid")
    assert "query.page: Input should be greater than or equal to 1; query.size:" in sentence


def test_a_misspelt_emotion_is_refused_and_one_without_examples_has_none(client: MakeClient, own: TestClient) -> None:
    shipped = client().get("/gallery", params={"emotion": "hapiness"})
    assert "has no examples of «hapiness», only of: neutral, happiness, " in refused(shipped, 409, "gallery")
    assert own.get("/gallery", params={"emotion": "happiness"}).json()["count"] == 0


def test_an_example_is_shown_with_its_picture(client: MakeClient) -> None:
    api = client()
    (some,) = api.get("/gallery", params={"size": 1}).json()["examples"]
    assert api.get(f"/gallery/{some['id']}").json() == some
    answer = api.get(f"/gallery/{some['id']}/thumbnail")
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).format == "WEBP"
    for path in ("/gallery/nothing", "/gallery/nothing/thumbnail"):
        assert "no example «nothing»" in refused(api.get(path), 404, "not-found")


def test_faces_are_added_once_and_removed(own: TestClient) -> None:
    fields = {"emotion": "Happy", "source": "<b>me</b>", "tags": ["mine", "today"]}
    answer = own.post("/gallery", files={"photo": FACE}, data=fields)
    (added,) = answer.json()["examples"]
    assert answer.status_code == 201
    assert (added["emotion"], added["labelled_by"], added["tags"]) == ("happiness", "hand", ["mine", "today"])
    assert added["source"] == "<b>me</b>" and len(added["box"]) == 4
    again = own.post("/gallery", json={"photo": base64.b64encode(FACE).decode(), "emotion": "fear"})
    assert again.json() == {"examples": []}
    assert own.get("/gallery", params={"tag": "mine"}).json()["examples"] == [added]
    assert own.delete(f"/gallery/{added['id']}").status_code == 204
    refused(own.delete(f"/gallery/{added['id']}"), 404, "not-found")
    assert own.get("/gallery").json()["count"] == 0


def test_without_a_label_the_network_reads_the_face(own: TestClient) -> None:
    (added,) = own.post("/gallery", files={"photo": FACE}).json()["examples"]
    (face,) = own.post("/recognise", files={"photo": FACE}).json()["faces"]
    assert (added["labelled_by"], added["emotion"]) == ("reading", face["emotion"])


def test_what_cannot_be_added_is_refused(own: TestClient, client: MakeClient) -> None:
    unknown = own.post("/gallery", files={"photo": FACE}, data={"emotion": "grin"})
    assert "There is no label «grin»" in refused(unknown, 409, "gallery")
    shipped = client().post("/gallery", files={"photo": FACE})
    assert "Nothing can be written to the gallery" in refused(shipped, 409, "gallery")
    (some,) = client().get("/gallery", params={"size": 1}).json()["examples"]
    assert "it stays as it is" in refused(client().delete(f"/gallery/{some['id']}"), 409, "gallery")


def test_an_expression_is_taught_by_a_form_of_several_photos_and_by_json(own: TestClient) -> None:
    photos = [png(draw_face(7, seed, size=96)) for seed in range(5)]
    answer = own.post("/teach", files=[("photos", each) for each in photos[:3]], data={"name": "smirk", "anyway": True})
    assert answer.status_code == 201 and len(answer.json()["agreements"]) == 3
    packed = [base64.b64encode(each).decode() for each in photos[3:]]
    assert own.post("/teach", json={"name": "leer", "photos": packed, "anyway": True}).status_code == 201
    assert own.get("/version").json()["expressions"][-2:] == ["leer", "smirk"]
    known = own.post("/teach", files={"photos": photos[0]}, data={"name": "smirk"})
    assert "is known already" in refused(known, 409, "not-teachable")


def test_a_lesson_that_looks_wrong_comes_with_its_figures(reference: Path) -> None:
    service = ExpressionService.load(reference)
    service.verification = replace(service.verification, threshold=0.99999)  # which nothing reaches
    unlike = [("photos", png(draw_face(label, size=96))) for label in (1, 4, 6)]
    answer = TestClient(routes.build(service)).post("/teach", files=unlike, data={"name": "mixed"})
    assert "«mixed» was not learned. Photo" in refused(answer, 409, "doubtful-lesson")
    lesson = answer.json()["lesson"]
    assert len(lesson["agreements"]) == 3 and lesson["doubts"] and "mixed" not in service.taught


@pytest.mark.parametrize("sent", [{"data": {"name": "grin"}}, {"json": {"name": "grin", "photos": []}}])
def test_teaching_takes_a_photo(own: TestClient, sent: dict) -> None:
    if "data" in sent:
        sent = {**sent, "files": {"anyway": (None, "true")}}
    assert "photos" in refused(own.post("/teach", **sent), 422, "not-valid")


def test_without_teaching_there_is_no_such_route(client: MakeClient) -> None:
    refused(client(teaching=False).post("/teach", files={"photos": FACE}), 404, "not-found")


def test_no_more_photos_and_letters_are_taken_than_the_settings_say(client: MakeClient) -> None:
    asked = client(teach_photos=2, teach_letters=8)
    packed = base64.b64encode(FACE).decode()
    for sent in ({"json": {"name": "smirk", "photos": [packed] * 3}}, {"files": [("photos", FACE)] * 3}):
        told = refused(
            asked.post("/teach", data={"name": "smirk"} if "files" in sent else None, **sent), 422, "not-valid"
        )
        assert "photos: List should have at most 2 items" in told
    told = refused(asked.post("/teach", json={"name": "a long name", "photos": [packed]}), 422, "not-valid")
    assert "name: String should have at most 8 characters" in told


def test_a_form_has_room_for_as_many_photos_as_may_be(client: MakeClient) -> None:
    answer = client(teach_photos=120).post("/teach", files=[("photos", FACE)] * 120, data={"name": "smirk"})
    assert "Photo 2 shows what photo 1 shows" in refused(answer, 409, "not-teachable")
