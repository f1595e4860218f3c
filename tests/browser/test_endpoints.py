"""The page's named endpoints, called as programs call them: the service's answers, and its sentences."""

from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from siamese import ExpressionService

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


def test_they_give_the_services_answers(client: Client, portrait: Path, reference: Path) -> None:
    service, photo = ExpressionService.load(reference), handle_file(str(portrait))
    (face,) = client.predict(photo, api_name="/recognise")["faces"]
    assert face["emotion"] == service.recognise(portrait)[0].emotion
    assert client.predict(photo, photo, api_name="/compare")["same_expression"]
    neighbours = client.predict(photo, 3, "fear", api_name="/similar")["neighbours"]
    assert [found["id"] for found in neighbours] == [found.item.id for found in service.similar(portrait, 3, "fear")]


def test_a_failure_is_the_services_sentence(client: Client, tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear reader")
    with pytest.raises(AppError, match="is not an image"):
        client.predict(handle_file(str(letter)), api_name="/recognise")


@pytest.mark.parametrize(("k", "words"), [(10**9, "1000"), (0, "1"), (None, "Leave it out")])
def test_a_number_of_examples_that_makes_no_sense_is_refused(client: Client, portrait: Path, k: int | None, words: str):
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(str(portrait)), k, api_name="/similar")


def test_these_three_are_documented_and_no_others(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/recognise", "/compare", "/similar"}
    assert all(about["description"] for about in endpoints.values())
