"""The tab Check without a browser: when it is there, and what it says where nothing can be checked or changed."""

import shutil
from pathlib import Path

import gradio as gr
import pytest

from siamese.gallery.gallery import Gallery
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.web.check import _Check, has_something_to_check
from tests.browser.labelled import labelled_copy


@pytest.fixture
def own(reference: Path, tmp_path: Path) -> Path:
    labelled_copy(reference, tmp_path / "own")
    return tmp_path / "own"


def opened(service: ExpressionService) -> str:
    """What the tab says when it is opened."""
    with gr.Blocks():
        tab = _Check(service)
    updates = tab._open(None, "all", 1, None)
    return f"{updates[tab.about]} {updates[tab.tiles]}"


def test_the_tab_is_there_for_a_gallery_with_labels_unless_it_is_left_out(reference: Path, own: Path) -> None:
    assert has_something_to_check(ExpressionService.load(reference, own))
    assert not has_something_to_check(ExpressionService.load(reference, own, Settings(checking=False)))
    assert not has_something_to_check(ExpressionService.load(reference))


def test_without_a_gallery_there_is_nothing_to_check(reference: Path, tmp_path: Path) -> None:
    shutil.copytree(reference, tmp_path / "bare", ignore=shutil.ignore_patterns("gallery"))
    assert not has_something_to_check(ExpressionService.load(tmp_path / "bare"))


def test_a_new_gallery_says_what_it_lacks(reference: Path, tmp_path: Path) -> None:
    fingerprint = ExpressionService.load(reference).gallery.fingerprint
    Gallery.create(tmp_path / "new", "New", fingerprint, 128).close()
    service = ExpressionService.load(reference, tmp_path / "new")
    assert has_something_to_check(service)
    assert "that takes at least 20 examples" in opened(service)


def test_the_labels_of_a_reference_sets_own_gallery_can_be_looked_at_and_not_changed(
    reference: Path, own: Path, tmp_path: Path
) -> None:
    shutil.copytree(reference, tmp_path / "set", ignore=shutil.ignore_patterns("gallery"))
    shutil.copytree(own, tmp_path / "set" / "gallery")
    service = ExpressionService.load(tmp_path / "set")
    assert has_something_to_check(service) and not service.keeps_changes
    assert "Nothing can be written to this gallery" in opened(service)


def test_opening_it_again_touches_nothing_unless_the_gallery_has_changed(reference: Path, own: Path) -> None:
    service = ExpressionService.load(reference, own)
    with gr.Blocks():
        tab = _Check(service)
    first = tab._open(None, "all", 1, None)
    check, version = first[tab.check], first[tab.version]
    assert tab._open(check, "all", 1, version) == {tab.version: version}
    looking = tab._press(check, gr.EventData(None, {"key": check.doubted[0].id}))
    assert tab._open(check, "all", 1, looking[tab.version]) == {tab.version: version}
    service.remove(check.doubted[0].id)
    assert check.doubted[0].id not in tab._open(check, "all", 1, version)[tab.tiles]
