"""No path that a client sends reaches the file system: whatever names a file that was not uploaded is refused."""

import http.client
import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from siamese.web.api.examples import PHOTO
from tests.browser.serving import ROOT, served
from tests.web.test_uploads import send

SECRET = "nobody who asks over the network may read this"
WORDS = SECRET.encode()

_BY_VALUE = f"data:image/png;base64,{PHOTO}"


@pytest.fixture(scope="module")
def address(reference: Path) -> Iterator[str]:
    with served("--reference", reference, SEMBLANCE_REQUESTS_PER_MINUTE=0) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def uploaded(address: str, portrait: Path) -> Path:
    return send(address, portrait)[0]


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("private") / "secret.txt"
    path.write_text(SECRET)
    return path


@pytest.fixture(scope="module")
def private_photo(portrait: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo on this machine that was never uploaded."""
    return Path(shutil.copy(portrait, tmp_path_factory.mktemp("private")))


def get(address: str, path: str) -> tuple[int, bytes]:
    """What is answered to a path that is sent as it is; clients for people put dots and slashes in order first."""
    server = urlsplit(address)
    connection = http.client.HTTPConnection(server.hostname or "", server.port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def disguised(path: Path, folders: tuple[Path, ...]) -> list[str]:
    """Ways to write a file's path in an address: as it is, from another folder, and encoded once or twice."""
    up, plain = "../" * 20, str(path)
    ways = [plain, f"/{plain}", up + plain[1:], f"file://{plain}", f"/proc/self/root{plain}", plain + "\0.png"]
    ways += [f"{folder}/{up}{plain[1:]}" for folder in folders]
    ways += [way.replace("/", "\\") for way in ways[:3]]
    once = [quote(way, safe="") for way in ways] + [way.replace("..", "%2e%2e") for way in ways if "\0" not in way]
    return [quote(way) for way in ways] + once + [quote(way, safe="") for way in once]


# Addresses


@pytest.mark.parametrize("route", ["/static/", "/assets/", "/gradio_api/file=", "/"])
@pytest.mark.parametrize("name", ["a" * 256, "ä" * 128])
def test_a_name_longer_than_files_have_is_no_fault_of_the_service(route: str, name: str, address: str) -> None:
    status, _ = get(address, route + quote(name))
    assert status in (403, 404)


@pytest.mark.parametrize(
    "route",
    [
        "/gradio_api/file=",
        "/gradio_api/file/",
        "/file=",
        "/file/",
        "/static/",
        "/assets/",
        "/svelte/",
        "/gradio_api/proxy=",
        "/gradio_api/stream/a/b/1/",
        "/gradio_api/stream/",
        "/gradio_api/custom_component/a/client/component/",
        "/pwa_icon/",
        "/v1/gallery/",
        "/v1/",
        "/metrics/",
        "/",
    ],
)
def test_no_address_leads_to_a_file(route: str, address: str, secret: Path, reference: Path, uploaded: Path) -> None:
    folders = (uploaded.parents[1], reference / "examples", Path("/static"))
    for path in (secret, reference / "gallery" / "gallery.sqlite"):
        for way in disguised(path, folders):
            status, content = get(address, route + way)
            assert 400 <= status < 500, (route + way, status)
            assert WORDS not in content and b"SQLite format 3" not in content


def test_what_was_uploaded_and_the_examples_can_be_fetched(address: str, uploaded: Path, reference: Path) -> None:
    for path in (uploaded, next((reference / "examples").glob("*.webp"))):
        assert get(address, f"/gradio_api/file={quote(str(path))}") == (200, path.read_bytes())


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "https://example.com/photo.png"])
def test_nothing_is_fetched_from_other_machines(address: str, client: httpx.Client, url: str) -> None:
    assert get(address, f"/gradio_api/file={url}")[0] == 404
    assert get(address, f"/gradio_api/proxy={url}")[0] == 404
    assert "none is fetched" in str(events(client, _file(url), "/recognise"))


@pytest.mark.parametrize("item", ["..", "../../gallery.sqlite", "/etc/passwd", "a/../b", "%00", "\\..\\x", "' OR 1=1"])
@pytest.mark.parametrize("route", ["/v1/gallery/{}", "/v1/gallery/{}/thumbnail"])
def test_an_example_is_named_by_its_id_alone(address: str, item: str, route: str) -> None:
    for written in (quote(item), quote(item, safe=""), quote(quote(item, safe=""), safe="")):
        status, content = get(address, route.format(written))
        assert status in (404, 405) and b"SQLite" not in content and b"root:" not in content
        deleted = httpx.delete(address + route.format(quote(quote(item, safe=""), safe="")), timeout=60)
        assert deleted.status_code in (404, 405)


# Names of uploads


@pytest.mark.parametrize(
    "name",
    [
        "../../../escaped.png",
        "/tmp/escaped.png",
        "..\\..\\escaped.png",
        "%2e%2e%2fescaped.png",
        "....//escaped.png",
        "..",
        ".",
        "a\0b.png",
        "~/escaped.png",
        ".hidden",
        "long" * 200 + ".png",
    ],
)
def test_an_upload_stays_in_its_folder_whatever_its_name(address: str, uploaded: Path, name: str) -> None:
    boundary = uuid.uuid4().hex
    heading = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    body = heading.encode() + WORDS + f"\r\n--{boundary}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = httpx.post(f"{address}/gradio_api/upload?upload_id=../../x", content=body, headers=kind, timeout=60)
    if answer.status_code == 200:
        (path,) = map(Path, answer.json())
        assert path.resolve().is_relative_to(uploaded.parents[1]) and path.read_bytes() == WORDS
    else:
        assert 400 <= answer.status_code < 500
    assert not any(list(folder.glob("*escaped*")) for folder in (Path("/tmp"), ROOT, *list(uploaded.parents)[2:]))


@pytest.mark.parametrize("path", ["/gradio_api/process_recording", "/gradio_api/component_server", "/login"])
def test_files_are_uploaded_at_one_place_alone(address: str, path: str) -> None:
    refused = httpx.post(address + path, files={"video": b"frames"}, data={"username": "a", "password": "b"})
    assert refused.status_code == 415 and "/gradio_api/upload" in refused.text


# Events of the page


def events(client: httpx.Client, data: Any, name: str | None = None) -> list[dict[str, Any]]:
    """How functions of the page that take a file end when they are given this for one: all of them, or one by name."""
    config = client.get("/config").json()
    kinds = {each["id"]: each["type"] for each in config["components"]}
    functions = [each for each in config["dependencies"] if {"image", "file"} & {kinds[key] for key in each["inputs"]}]
    return [
        _end(client, function["id"], [_given(kinds[key], data) for key in function["inputs"]])
        for function in functions
        if name is None or f"/{function['api_name']}" == name
    ]


def _end(client: httpx.Client, function: int, data: list[Any]) -> dict[str, Any]:
    session = {"session_hash": uuid.uuid4().hex}
    asked = client.post("/gradio_api/queue/join", json={"data": data, "fn_index": function, **session})
    assert asked.is_success
    with client.stream("GET", "/gradio_api/queue/data", params=session) as stream:
        for line in stream.iter_lines():
            told = json.loads(line.removeprefix("data:")) if line else {}
            if told.get("msg") == "process_completed":
                return told
    raise AssertionError("the event did not end")


def _file(path: Path | str, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, **more}


def _given(kind: str, data: Any) -> Any:
    return {"image": data, "file": [data], "checkbox": True, "number": 1, "slider": 9}.get(kind)


def test_the_pages_functions_read_what_was_uploaded(client: httpx.Client, uploaded: Path) -> None:
    (ended,) = events(client, _file(uploaded), "/recognise")
    assert ended["success"] and ended["output"]["data"][0]["faces"]
    assert sum(each["success"] for each in events(client, _file(uploaded))) > 8


@pytest.mark.parametrize("way", ["{}", "{uploads}/../../../../..{}", "/proc/self/root{}", "file://{}"])
def test_no_event_reads_a_file_that_was_not_uploaded(
    client: httpx.Client, uploaded: Path, private_photo: Path, way: str
) -> None:
    path = way.format(private_photo, uploads=uploaded.parents[1])
    for data in (_file(path), _file(path, url=f"/gradio_api/file={private_photo}", is_stream=True), {"path": path}):
        for ended in events(client, data):
            assert not ended["success"], ended


@pytest.mark.parametrize("name", ["/etc/passwd", "gallery/gallery.sqlite"])
def test_whether_there_is_such_a_file_is_not_told(client: httpx.Client, reference: Path, name: str) -> None:
    (there,) = events(client, _file(reference / name), "/recognise")
    (nowhere,) = events(client, _file(reference / f"{name}-2"), "/recognise")
    assert not there["success"] and str(there["output"]).replace(name, f"{name}-2") == str(nowhere["output"])


@pytest.mark.parametrize("url", ["file://{}", "{}", "/gradio_api/file={}", "data:text/plain,{}", _BY_VALUE])
def test_no_event_reads_what_an_address_names(client: httpx.Client, private_photo: Path, url: str) -> None:
    (ended,) = events(client, _file("", url=url.format(private_photo)), "/recognise")
    assert not ended["success"]
