"""What a person does on the page, in a real browser; the `page` fixture fails on any request off the machine."""

from pathlib import Path

import numpy as np
import pytest
import skimage.io
from gradio_client import Client, handle_file
from playwright.sync_api import Browser, Page, expect

from siamese import ExpressionService
from siamese.vocabulary import EMOTIONS
from tests.browser.conftest import PATIENCE

expect.set_options(timeout=PATIENCE)


def upload(page: Page, place: str, file: Path) -> None:
    page.set_input_files(f"#{place} input[type=file]", file)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_upload_a_photo_and_read_the_emotion(page: Page, portrait: Path, reference: Path) -> None:
    upload(page, "recognise-photo", portrait)
    (reading,) = ExpressionService.load(reference).recognise(portrait)
    expect(page.locator("#recognise-reading .emotion")).to_have_text(reading.emotion)
    expect(page.locator("#recognise-reading .bars li")).to_have_count(len(EMOTIONS))
    expect(page.locator("#recognise-steps li .view")).to_have_count(5)
    expect(page.locator("#recognise-nearest .tile")).to_have_count(12)


def test_several_faces_can_be_chosen(page: Page, group_photos: list[Path]) -> None:
    upload(page, "recognise-photo", group_photos[0])
    expect(page.locator("#recognise-reading .eyebrow")).to_have_text("Face 1 of 3")
    page.get_by_role("radio").nth(1).check()
    expect(page.locator("#recognise-reading .eyebrow")).to_have_text("Face 2 of 3")


def test_an_example_is_a_click_away(page: Page) -> None:
    page.locator(".examples button:visible").first.click()
    expect(page.locator("#recognise-reading .emotion")).to_be_visible()


def test_an_unreadable_file_gets_its_sentence(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear reader")
    upload(page, "recognise-photo", letter)
    expect(page.get_by_role("alert").filter(has_text="letter.jpg is not an image")).to_be_visible()


def test_a_photo_without_a_face_gets_its_sentence_and_can_be_taken_whole(page: Page, tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    skimage.io.imsave(wall, np.full((300, 400, 3), 180, dtype=np.uint8), check_contrast=False)
    upload(page, "recognise-photo", wall)
    expect(page.get_by_role("alert").filter(has_text="No face was found")).to_be_visible()
    page.get_by_label("The picture is the face").first.check()
    expect(page.locator("#recognise-reading")).to_contain_text("the whole picture was taken as the face")


def test_compare_two_photos(page: Page, portrait: Path) -> None:
    open_tab(page, "Compare")
    upload(page, "compare-first", portrait)
    upload(page, "compare-second", portrait)
    expect(page.locator("#compare-result .verdict")).to_contain_text("Same expression")
    expect(page.locator("#compare-result .gauge")).to_be_visible()
    expect(page.locator("#compare-result .side")).to_have_count(2)


def test_browse_by_click(page: Page) -> None:
    open_tab(page, "Browse")
    page.locator("#browse-grid button").nth(2).click()
    expect(page.locator("#browse-title")).to_contain_text("Nearest to this")
    page.get_by_role("button", name="Back to the whole gallery").click()
    expect(page.locator("#browse-title")).to_contain_text("All examples")


def test_browse_one_emotion_page_by_page(page: Page) -> None:
    open_tab(page, "Browse")
    expect(page.locator(".pager")).to_contain_text("Page 1 of 2")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".pager")).to_contain_text("Page 2 of 2")
    page.locator("#browse-emotion").get_by_role("radio", name="fear").check()
    expect(page.locator(".pager")).to_contain_text("Page 1 of 1")
    captions = page.locator("#browse-grid .caption").all_inner_texts()
    assert captions and all("fear" in caption for caption in captions)


def test_every_way_in_can_be_reached_with_the_keyboard(page: Page) -> None:
    wanted = {"Recognise", "Compare", "Browse", "The picture is the face", "happiness"}
    reached: set[str] = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText ?? ''")
        reached |= {each for each in wanted if each in name}
    assert reached >= wanted - {"Compare", "Browse"}
    page.get_by_role("tab", name="Compare").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#compare-first")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_on_a_phone(browser: Browser, address: str, portrait: Path, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    upload(page, "recognise-photo", portrait)
    expect(page.locator("#recognise-nearest .tile").first).to_be_visible()
    for tab in ("Recognise", "Compare", "Browse"):
        open_tab(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_the_endpoints_give_the_services_answers(address: str, portrait: Path, reference: Path) -> None:
    client, service, photo = (
        Client(address, verbose=False),
        ExpressionService.load(reference),
        handle_file(str(portrait)),
    )
    (face,) = client.predict(photo, False, api_name="/recognise")["faces"]
    assert face["emotion"] == service.recognise(portrait)[0].emotion
    assert client.predict(photo, photo, 0, 0, False, api_name="/compare")["same_expression"]
    neighbours = client.predict(photo, 3, "fear", 0, False, api_name="/similar")["neighbours"]
    assert [found["id"] for found in neighbours] == [found.item.id for found in service.similar(portrait, 3, "fear")]


def test_only_the_three_endpoints_are_documented(address: str) -> None:
    endpoints = Client(address, verbose=False).view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {"/recognise", "/compare", "/similar"}
    assert all(about["description"] for about in endpoints.values())
