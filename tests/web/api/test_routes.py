"""The HTTP API: the service's own answers by form and by JSON, and every refusal as a problem with a stable code."""

import base64
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel

from siamese import ExpressionService, __version__
from siamese.web.api import examples, models, problems, routes
from tests.tiny import draw_face
from tests.web.api.conftest import MakeClient, in_a_loop, png, refused

FILE = "application/octet-stream"


@pytest.fixture(scope="module")
def service(reference: Path) -> ExpressionService:
    return ExpressionService.load(reference)


@pytest.fixture(scope="module")
def api(service: ExpressionService) -> Iterator[TestClient]:
    with TestClient(routes.build(service), raise_server_exceptions=False) as asked:
        yield asked


@pytest.fixture(scope="module")
def faces() -> tuple[bytes, bytes]:
    return png(draw_face(1, size=96)), png(draw_face(4, size=96))


def post(api: TestClient, path: str, files: dict[str, bytes], **fields: Any) -> Any:
    """The answer to a form, after the same was asked in JSON and answered alike."""
    form = api.post(path, files={name: ("a.png", content, FILE) for name, content in files.items()}, data=fields)
    packed = {name: base64.b64encode(content).decode() for name, content in files.items()}
    told = api.post(path, json={**packed, **fields})
    assert form.status_code == told.status_code == 200, form.text
    assert form.json() == told.json()
    return form.json()


def test_recognise_answers_as_the_service_does(
    api: TestClient, service: ExpressionService, faces: tuple[bytes, bytes]
) -> None:
    expected = [reading.to_dict() for reading in service.recognise(faces[0])]
    assert post(api, "/recognise", {"photo": faces[0]}) == {"faces": expected}


def test_compare_answers_as_the_service_does(
    api: TestClient, service: ExpressionService, faces: tuple[bytes, bytes]
) -> None:
    told = post(api, "/compare", {"first": faces[0], "second": faces[1]}, first_face=0)
    assert told == service.compare(*faces).to_dict()


def test_similar_answers_as_the_service_does(
    api: TestClient, service: ExpressionService, faces: tuple[bytes, bytes]
) -> None:
    told = post(api, "/similar", {"photo": faces[0]}, k=3, emotion="Happy")
    assert told == {"neighbours": [each.to_dict() for each in service.similar(faces[0], 3, "happiness")]}


def test_embeddings_are_those_that_readings_rest_on(
    api: TestClient, service: ExpressionService, faces: tuple[bytes, bytes]
) -> None:
    told = post(api, "/embed", {"photo": faces[0]})
    (reading,) = service.recognise(faces[0])
    assert told["network"] == service.embedder.fingerprint
    assert told["faces"] == [{"box": reading.box.tolist(), "embedding": pytest.approx(reading.embedding.tolist())}]


def test_a_picture_without_a_face_can_be_taken_whole(api: TestClient) -> None:
    wall = png(np.full((300, 400, 3), 90, dtype=np.uint8))
    sentence = refused(api.post("/recognise", files={"photo": wall}), 422, "no-face")
    assert "No face was found" in sentence
    assert post(api, "/recognise", {"photo": wall}, whole=True)["faces"][0]["whole_picture"]


def test_a_photo_in_json_may_be_a_data_url(api: TestClient, faces: tuple[bytes, bytes]) -> None:
    url = f"data:image/png;base64,{base64.b64encode(faces[0]).decode()}"
    assert api.post("/recognise", json={"photo": url}).json() == post(api, "/recognise", {"photo": faces[0]})


@pytest.mark.parametrize(
    ("sent", "status", "code", "sentence"),
    [
        ({"files": {"photo": b"no image"}}, 422, "unreadable-photo", "not an image"),
        ({"files": {"picture": b"?"}}, 422, "not-valid", "photo: Field required; picture: Extra inputs"),
        ({"json": {"photo": "nonsense!"}}, 422, "not-valid", "photo: In JSON, a photo is its file in base64."),
        ({"json": [1]}, 422, "not-valid", "not a JSON object"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 422, "not-valid", "The body is not JSON"),
        ({"content": b"?", "headers": {"content-type": "multipart/form-data"}}, 422, "not-valid", "cannot be read"),
        ({"content": b"?", "headers": {"content-type": "text/plain"}}, 415, "wrong-type", "«text/plain» is not read"),
        ({"files": [("photo", b"1"), ("photo", b"2")]}, 422, "not-valid", "«photo» more than once"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(
    api: TestClient, sent: dict[str, Any], status: int, code: str, sentence: str
) -> None:
    assert sentence in refused(api.post("/recognise", **sent), status, code)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[" * 99_999, "JSON that is nested so deeply is not read. Send an object, with a name for each value."),
        (b'{"k": ' + b"9" * 5000 + b"}", "The body has a number of more digits than are read."),
        (b'{"photo": "\xff"}', "The body is not JSON: its bytes are no text. Send it in UTF-8."),
        (b"\xff\xfe{", "The body is not JSON: its bytes are no text. Send it in UTF-8."),
    ],
)
def test_json_that_python_cannot_hold_is_refused_in_words_of_our_own(
    api: TestClient, body: bytes, sentence: str
) -> None:
    answer = api.post("/recognise", content=body, headers={"content-type": "application/json"})
    assert refused(answer, 422, "not-valid") == sentence


@pytest.mark.parametrize(
    ("path", "given", "sentence"),
    [
        ("/teach", {"name": "x", "photos": [0] * 50_000}, "photos.0: "),
        ("/gallery", {"photo": examples.PHOTO, "tags": [0] * 50_000}, "tags.0: "),
        ("/gallery", {"photo": examples.PHOTO, "tags": ["x"] * 101}, "tags: List should have at most 100 items"),
        ("/recognise", {"photo": "", **{str(number): 0 for number in range(50_000)}}, "50,001 values"),
        ("/recognise", {"photo": [0] * 200_000}, "more than 100,000 values"),
        ("/recognise", {"photo": "", "x" * 50_000: 0}, "x: Extra inputs"),
        ("/recognise", {"photo": "?", **{str(number): 0 for number in range(6)}}, "; and 2 more."),
    ],
)
def test_of_many_faults_a_few_are_told(api: TestClient, path: str, given: dict[str, Any], sentence: str) -> None:
    told = refused(api.post(path, json=given), 422, "not-valid")
    assert sentence in told and len(told) < 500


TEXT_FORM = b'--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc\r\n--x--\r\n'


@pytest.mark.parametrize("charset", ["undefined", "punycode", "utf-7", "no-such"])
def test_the_text_of_a_form_is_utf_8(api: TestClient, charset: str) -> None:
    kind = {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}
    assert f"«{charset}»" in refused(api.post("/recognise", content=TEXT_FORM, headers=kind), 422, "not-valid")


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/similar", {"photo": examples.PHOTO, "emotion": "\ud800"}),
        ("/gallery", {"photo": examples.PHOTO, "emotion": "\ud800"}),
        ("/gallery", {"photo": examples.PHOTO, "tags": ["\ud800"]}),
        ("/teach", {"photos": [examples.PHOTO], "name": "\ud800"}),
        ("/recognise", {"photo": examples.PHOTO, "\ud800": 1}),
    ],
)
def test_half_a_character_is_no_text(api: TestClient, path: str, given: dict[str, Any]) -> None:
    kind = {"content-type": "application/json"}
    answer = api.post(path, content=json.dumps(given), headers=kind)  # which writes it as an escape
    assert "valid string" in refused(answer, 422, "not-valid")


def test_what_the_gallery_has_no_answer_for_is_a_conflict(api: TestClient, faces: tuple[bytes, bytes]) -> None:
    answer = api.post("/similar", files={"photo": faces[0]}, data={"emotion": "grin"})
    assert "no examples of «grin»" in refused(answer, 409, "gallery")


def test_unknown_paths_and_methods_are_problems_too(api: TestClient) -> None:
    assert "GET /nothing" in refused(api.get("/nothing"), 404, "not-found")
    answer = api.get("/recognise")
    refused(answer, 405, "wrong-method")
    assert answer.headers["allow"] == "POST"


def test_a_surprise_is_logged_and_not_shown(
    client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, faces: tuple[bytes, bytes]
) -> None:
    def fail(*given: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(ExpressionService, "recognise", fail)
    answer = client().post("/recognise", files={"photo": faces[0]})
    assert "secret" not in refused(answer, 500, "failed")
    assert "a secret" in caplog.text and answer.json()["request_id"] in caplog.text


def test_who_hangs_up_in_the_middle_is_no_failure(service: ExpressionService, caplog: pytest.LogCaptureFixture) -> None:
    told: list[dict[str, Any]] = []

    async def hang_up() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"9")]
    scope = {"type": "http", "method": "POST", "path": "/recognise", "headers": headers, "query_string": b""}
    in_a_loop(routes.build(service), scope, hang_up, send)
    assert told[0]["status"] == 400 and not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_it_says_that_it_lives_is_ready_and_what_it_is(api: TestClient, service: ExpressionService) -> None:
    assert api.get("/health").json() == {"status": "alive"}
    assert api.get("/ready").json() == {"status": "ready"}
    told = api.get("/version").json()
    assert told == {
        "semblance": __version__,
        "network": service.embedder.fingerprint,
        "expressions": list(service.prototypes.names),
    }


def test_where_the_gallery_is_gone_it_is_not_ready(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ExpressionService.load(reference)
    asked.gallery.store.close()
    assert refused(TestClient(routes.build(asked)).get("/ready"), 503, "not-ready")


def test_a_token_opens_what_reads_photos(client: MakeClient, faces: tuple[bytes, bytes]) -> None:
    asked = client(token="opensesame")
    for headers in ({}, {"Authorization": "Bearer guess"}, {"Authorization": "Basic opensesame"}):
        answer = asked.post("/recognise", files={"photo": faces[0]}, headers=headers)
        assert "Authorization: Bearer TOKEN" in refused(answer, 401, "no-token")
        assert answer.headers["www-authenticate"] == "Bearer"
    right = {"Authorization": "Bearer opensesame"}
    assert asked.post("/recognise", files={"photo": faces[0]}, headers=right).status_code == 200


def test_what_is_known_here_is_told_as_photos_are_read(client: MakeClient) -> None:
    asked, right = client(token="opensesame", requests_per_minute=3), {"Authorization": "Bearer opensesame"}
    refused(asked.get("/version"), 401, "no-token")
    refused(asked.get("/version", headers=right | {"Origin": "https://a.example"}), 403, "foreign-page")
    assert [asked.get("/version", headers=right).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_whether_it_lives_and_is_ready_is_told_to_all_and_always(client: MakeClient, path: str) -> None:
    asked = client(token="opensesame", requests_per_minute=1)
    assert {asked.get(path, headers={"Origin": "https://a.example"}).status_code for _ in range(3)} == {200}


def test_more_requests_than_are_allowed_wait(client: MakeClient, faces: tuple[bytes, bytes]) -> None:
    asked = client(requests_per_minute=2)
    answers = [asked.post("/recognise", files={"photo": faces[0]}) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    refused(answers[-1], 429, "too-many")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 30


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused(client: MakeClient, told: bool) -> None:
    body = b"x" * 5000
    content = body if told else iter([body[:3000], body[3000:]])  # without a length in its heading
    answer = client(max_body_bytes=4000).post(
        "/recognise", content=content, headers={"content-type": "application/json"}
    )
    assert "more than 0.004 MB" in refused(answer, 413, "too-large")


def test_pages_of_other_sites_are_refused_unless_named(client: MakeClient, faces: tuple[bytes, bytes]) -> None:
    def ask(asked: TestClient, origin: str) -> Any:
        return asked.post("/recognise", files={"photo": faces[0]}, headers={"Origin": origin})

    closed, opened = client(), client(origins="https://a.example https://b.example")
    assert ask(closed, "http://testserver").status_code == 200  # the page's own
    for origin in ("https://a.example", "null", "http://testserver.example", "http://["):
        assert "may not ask here" in refused(ask(closed, origin), 403, "foreign-page")
    answer = ask(opened, "https://b.example")
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://b.example")
    refused(ask(opened, "https://c.example"), 403, "foreign-page")


def test_a_request_keeps_a_sensible_id_of_its_own(api: TestClient) -> None:
    assert api.get("/health", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    for wrong in ("a b", "x" * 65, "<b>"):
        assert api.get("/health", headers={"X-Request-ID": wrong}).headers["x-request-id"] != wrong


def test_every_reference_in_openapi_leads_somewhere(client: MakeClient) -> None:
    told = client(teaching=False).get("/openapi.json").json()
    for path in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(told)):
        found = told
        for name in path.split("/"):
            found = found[name]


def test_openapi_tells_of_forms_json_answers_and_problems(api: TestClient) -> None:
    told = api.get("/openapi.json").json()
    assert set(told["paths"]) == {
        *("/recognise", "/compare", "/similar", "/embed", "/teach", "/health", "/ready", "/version"),
        *("/gallery", "/gallery/{item_id}", "/gallery/{item_id}/thumbnail"),
    }
    asked = told["paths"]["/similar"]["post"]
    form, body = (
        asked["requestBody"]["content"][each]["schema"] for each in ("multipart/form-data", "application/json")
    )
    assert form["properties"]["photo"]["contentMediaType"] == FILE
    assert body["properties"]["photo"]["contentEncoding"] == "base64"
    assert body["properties"]["k"]["maximum"] == 1000 and body["required"] == ["photo"]
    photos = told["paths"]["/teach"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert photos["photos"]["items"] == {"type": "string", "contentMediaType": FILE}
    assert problems.MEDIA_TYPE in asked["responses"]["4XX"]["content"]


def test_every_example_of_the_description_is_what_it_is_an_example_of(client: MakeClient) -> None:
    shown = {name: model for name, model in vars(models).items() if "examples" in schema_extra(model)}
    assert {"Read", "Compare", "Similar", "Teach", "Add", "Faces", "Compared", "Neighbours", "Problem"} <= set(shown)
    for model in shown.values():
        (example,) = schema_extra(model)["examples"]
        assert model.model_validate(example)
    described = client().get("/openapi.json").json()
    asked = described["paths"]["/recognise"]["post"]["requestBody"]["content"]["application/json"]
    assert asked["schema"]["examples"] == [examples.READ]
    assert described["components"]["schemas"]["Faces"]["examples"] == [examples.FACES]


def test_the_example_of_a_request_is_answered(client: MakeClient) -> None:
    assert client().post("/recognise", json=examples.READ).json()["faces"][0]["whole_picture"]


def schema_extra(model: object) -> dict[str, Any]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    extra = model.model_config.get("json_schema_extra")
    return extra if isinstance(extra, dict) else {}


def crowd(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo of one person four times, from small to large, beside one another."""
    photo = np.full((400, 1000, 3), 128, dtype=np.uint8)
    left = 0
    for side in (160, 220, 280, 340):
        photo[:side, left : left + side] = Image.fromarray(portrait).resize((side, side))
        left += side
    return photo


def test_of_more_faces_than_the_limit_the_largest_are_answered(
    client: MakeClient, astronaut: NDArray[np.uint8]
) -> None:
    def answered(most: int) -> list[float]:
        """The left edges of the faces."""
        told = client(max_faces=most).post("/recognise", files={"photo": png(crowd(astronaut))})
        return [face["box"][0] for face in told.json()["faces"]]

    every = answered(64)
    assert len(every) == 4 and every == sorted(every, reverse=True)  # the larger, the further right
    assert answered(1) == every[:1] and answered(3) == every[:3]
