"""What a person does on the page, in a real browser; each test also fails on a request off the machine or an error."""

from pathlib import Path

import numpy as np
import pytest
import skimage.io
from playwright.sync_api import Browser, Page, expect

from siamese import ExpressionService
from siamese.vocabulary import EMOTIONS
from tests.browser import chromium
from tests.browser.chromium import open_tab
from tests.browser.conftest import OpenPage
from tests.tiny import DRAWINGS_PER_EMOTION, draw_face

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
expect.set_options(timeout=chromium.PATIENCE)


def upload(page: Page, place: str, file: Path) -> None:
    page.set_input_files(f"#{place} input[type=file]", file)


# Recognise


def test_upload_a_photo_and_read_the_emotion(page: Page, portrait: Path, reference: Path) -> None:
    upload(page, "recognise-photo", portrait)
    (reading,) = ExpressionService.load(reference).recognise(portrait)
    expect(page.locator("#recognise-reading .emotion")).to_have_text(reading.emotion)
    expect(page.locator("#recognise-reading .bars li")).to_have_count(len(EMOTIONS))
    expect(page.locator("#recognise-steps li .view")).to_have_count(5)
    expect(page.locator("#recognise-nearest .tile")).to_have_count(12)


def test_each_of_several_faces_can_be_chosen(page: Page, group_photos: list[Path]) -> None:
    upload(page, "recognise-photo", group_photos[0])
    expect(page.locator("#recognise-reading .eyebrow")).to_have_text("Face 1 of 3")
    page.locator("#recognise-face").get_by_role("radio").nth(1).check()
    expect(page.locator("#recognise-reading .eyebrow")).to_have_text("Face 2 of 3")


def test_an_example_is_a_click_away(page: Page) -> None:
    page.locator(".examples button:visible").first.click()
    expect(page.locator("#recognise-reading .emotion")).to_be_visible()


def test_an_unreadable_file_gets_its_sentence(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear reader")
    upload(page, "recognise-photo", letter)
    expect(page.get_by_role("alert")).to_contain_text("letter.jpg is not an image that can be read")


def test_a_photo_without_a_face_gets_its_sentence_and_can_be_taken_whole(page: Page, tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    skimage.io.imsave(wall, np.full((300, 400, 3), 180, dtype=np.uint8), check_contrast=False)
    upload(page, "recognise-photo", wall)
    expect(page.get_by_role("alert")).to_contain_text("No face was found")
    page.get_by_label("The picture is the face").first.check()
    expect(page.locator("#recognise-reading")).to_contain_text("the whole picture was taken as the face")


def test_a_photo_that_was_removed_meanwhile_gets_its_sentence(page: Page, tmp_path: Path) -> None:
    wall = tmp_path / "wall.png"
    skimage.io.imsave(wall, np.full((300, 400, 3), 90, dtype=np.uint8), check_contrast=False)
    upload(page, "recognise-photo", wall)
    expect(page.get_by_role("alert")).to_contain_text("No face was found")
    source = page.locator("#recognise-photo img").get_attribute("src") or ""
    Path(source.partition("/gradio_api/file=")[2]).unlink()
    page.get_by_label("The picture is the face").first.check()
    expect(page.get_by_role("alert")).to_contain_text("wall.png is no longer here")


# Compare


def test_compare_two_photos(page: Page, portrait: Path) -> None:
    open_tab(page, "Compare")
    upload(page, "compare-first", portrait)
    upload(page, "compare-second", portrait)
    expect(page.locator("#compare-result .verdict")).to_have_text("Same expression")
    expect(page.locator("#compare-result .gauge")).to_be_visible()
    expect(page.locator("#compare-result .side")).to_have_count(2)


def test_the_photo_that_cannot_be_compared_is_named(page: Page, portrait: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    open_tab(page, "Compare")
    upload(page, "compare-first", portrait)
    upload(page, "compare-second", tmp_path / "empty.png")
    expect(page.get_by_role("alert")).to_contain_text("Second photo: empty.png is empty")


# Browse


def test_browse_by_click(page: Page) -> None:
    open_tab(page, "Browse")
    page.locator("#browse-grid button").nth(2).click()
    expect(page.locator("#browse-title")).to_contain_text("Nearest to this example")
    page.get_by_role("button", name="Back to all").click()
    expect(page.locator("#browse-title")).to_contain_text("All examples")


def test_browse_page_by_page_and_by_emotion(page: Page) -> None:
    open_tab(page, "Browse")
    expect(page.locator(".pager")).to_contain_text("Page 1 of 2")
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".pager")).to_contain_text("Page 2 of 2")
    page.locator("#browse-emotion").get_by_role("radio", name="fear").check()
    expect(page.locator(".pager")).to_contain_text("Page 1 of 1")
    captions = page.locator("#browse-grid .caption").all_inner_texts()
    assert captions and all("fear" in caption for caption in captions)


def test_an_emotion_opens_into_its_shades_whose_examples_lead_on(page: Page) -> None:
    open_tab(page, "Browse")
    expect(page.locator(".pager").filter(visible=True)).to_contain_text("Page 1 of")
    page.locator("#browse-emotion").get_by_role("radio", name="fear").check()
    expect(page.locator("#browse-shades .section")).to_have_text("Shades of fear")
    expect(page.locator("#browse-shades .strip button")).to_have_count(DRAWINGS_PER_EMOTION)
    page.locator("#browse-shades .strip button").first.click()
    expect(page.locator("#browse-title")).to_contain_text("Nearest to this example")
    expect(page.locator("#browse-shades")).to_be_hidden()
    page.get_by_role("button", name="Back to all").click()
    expect(page.locator("#browse-title")).to_contain_text("All examples of fear")


def test_browse_by_likeness_to_a_photo(page: Page, portrait: Path, reference: Path) -> None:
    open_tab(page, "Browse")
    page.get_by_role("button", name="Search with a photo").click()
    upload(page, "browse-photo", portrait)
    expect(page.locator("#browse-title")).to_contain_text("Nearest to the face in your photo")
    nearest = ExpressionService.load(reference).similar(portrait, 1)[0]
    expect(page.locator("#browse-grid button").first).to_have_attribute("data-key", nearest.item.id)


# On any device


def test_every_tab_and_input_can_be_reached_with_the_keyboard(page: Page) -> None:
    page.get_by_role("tab", name="Recognise").focus()
    reached = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("(document.activeElement.labels?.[0] ?? document.activeElement).innerText ?? ''"))
    assert {name for name in EMOTIONS if any(name in text for text in reached)} == set(EMOTIONS)
    assert any("The picture is the face" in text for text in reached)
    page.get_by_role("tab", name="Compare").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#compare-first")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_scrolls_sideways_on_a_phone(open_page: OpenPage, portrait: Path, scheme: str) -> None:
    page = open_page(width=390, scheme=scheme)
    upload(page, "recognise-photo", portrait)
    expect(page.locator("#recognise-nearest .tile").first).to_be_visible()
    for tab in ("Recognise", "Compare", "Browse", "Map", "Album"):
        open_tab(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_phone_the_foot_has_no_divider_before_its_only_link(open_page: OpenPage) -> None:
    foot = open_page(width=390).locator("footer")
    expect(foot.get_by_role("button", name="Settings")).to_be_visible()
    expect(foot.locator(".divider").filter(visible=True)).to_have_count(0)


def test_the_watch_notices_a_request_off_the_machine_and_an_error(browser: Browser, address: str) -> None:
    page = browser.new_page()
    faults = chromium.watch(page, address)
    page.set_content('<img src="http://fonts.example/a.woff"><script>throw new Error("broken")</script>')
    page.wait_for_load_state()
    page.close()
    assert "http://fonts.example/a.woff" in faults
    assert any("broken" in fault for fault in faults)


# Teach


def test_a_new_expression_is_taught_browsed_renamed_and_removed(page: Page, portrait: Path, tmp_path: Path) -> None:
    open_tab(page, "Teach")
    page.get_by_label("Name", exact=True).fill("stargaze")
    upload(page, "teach-photos", portrait)
    page.locator("#teach-learn").click()
    learned = page.locator("#teach-status .section")
    page.locator("#teach-anyway:visible, #teach-taught:visible").first.wait_for()
    if page.locator("#teach-anyway").is_visible():
        page.locator("#teach-anyway").click()
    expect(learned).to_have_text("«stargaze» is known now")
    open_tab(page, "Browse")
    page.locator("#browse-emotion").get_by_role("radio", name="stargaze").check()
    expect(page.locator("#browse-grid .tile")).to_have_count(1)
    open_tab(page, "Teach")
    page.get_by_placeholder("New name").fill("wonder")
    page.locator("#teach-rename").click()
    expect(learned).to_have_text("«stargaze» is called «wonder» now")
    page.locator("#teach-forget").click()
    expect(learned).to_have_text("«wonder» was removed")
    expect(page.locator("#teach-taught")).to_be_hidden()


def test_teaching_nothing_gets_its_sentence(page: Page) -> None:
    open_tab(page, "Teach")
    page.get_by_label("Name", exact=True).fill("smirk")
    page.locator("#teach-learn").click()
    expect(page.get_by_role("alert")).to_contain_text("at least one photo")


# Album


def test_an_album_is_summed_up_on_a_sheet_to_download(page: Page, tmp_path: Path) -> None:
    paths = [tmp_path / f"{label} {seed}.png" for label in (1, 4) for seed in (0, 1)]
    for path in paths:
        label, seed = map(int, path.stem.split())
        skimage.io.imsave(path, draw_face(label, seed, size=96), check_contrast=False)
    (tmp_path / "letter.jpg").write_text("Dear reader")
    open_tab(page, "Album")
    page.set_input_files("#album-photos input[type=file]", [*paths, tmp_path / "letter.jpg"])
    expect(page.locator("#album-photos")).to_contain_text("letter")
    page.get_by_label("number input for How many to choose").fill("2")
    page.locator("#album-choose").click()
    expect(page.locator("#album-status .section").first).to_have_text("2 of 4 photos with a face")
    expect(page.locator("#album-status .tile")).to_have_count(2)
    expect(page.locator("#album-status")).to_contain_text("letter.jpg: letter.jpg is not an image that can be read")
    with page.expect_download() as download:
        page.get_by_text("Download the sheet").click()
    assert skimage.io.imread(download.value.path()).shape == (278, 448, 3)


def test_an_album_without_photos_gets_its_sentence(page: Page) -> None:
    open_tab(page, "Album")
    page.locator("#album-choose").click()
    expect(page.get_by_role("alert")).to_contain_text("Add the album's photos first")


# Files


def test_sizes_of_added_files_are_in_no_frame(page: Page, portrait: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(2000))
    places = ("Video", "video-file", film), ("Teach", "teach-photos", portrait), ("Album", "album-photos", portrait)
    for tab, place, file in places:
        open_tab(page, tab)
        upload(page, place, file)
        size = page.locator(f"#{place} td").filter(has_text="KB")
        expect(size).to_be_visible()
        assert size.evaluate("cell => getComputedStyle(cell).borderWidth") == "0px"


# Check


def test_what_ships_has_no_labels_to_check(page: Page) -> None:
    expect(page.get_by_role("tab", name="Album")).to_be_visible()
    expect(page.get_by_role("tab", name="Check")).to_have_count(0)


def test_nothing_moves_for_those_who_want_no_motion(page: Page) -> None:
    moving = (
        "[...document.querySelectorAll('button')].filter(b => getComputedStyle(b).transitionDuration !== '0s').length"
    )
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0
