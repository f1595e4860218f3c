"""Corrections by hand: what becomes of an example, that it is kept, and that it can be taken back."""

from pathlib import Path

import numpy as np
import pytest

from siamese.errors import GalleryError
from siamese.gallery import corrections
from siamese.gallery.gallery import Gallery
from siamese.gallery.items import Wanted
from siamese.gallery.store import Store
from siamese.vocabulary import EMOTIONS
from tests.gallery.made_up import NETWORK, made_up_gallery


def test_a_label_by_hand_is_kept_and_counts_at_once(tmp_path: Path) -> None:
    gallery = made_up_gallery(["fear", "anger"], folder=tmp_path)
    corrections.relabel(gallery, "item0", "Happy")
    for each in (gallery, Gallery.open(tmp_path, NETWORK)):
        assert (each.item("item0").emotion, each.item("item0").labelled_by) == ("happiness", "hand")
        assert each.store.count(Wanted("happiness", labelled_by="hand")) == 1


def test_a_change_of_label_is_noticed_by_other_processes(tmp_path: Path) -> None:
    gallery, other = made_up_gallery(["fear"], folder=tmp_path), Store(tmp_path / "gallery.sqlite", writable=False)
    before = other.relabellings()
    corrections.relabel(gallery, "item0", "anger")
    assert other.relabellings() == before + 1
    assert other.revision() == gallery.store.revision()


@pytest.mark.parametrize("change", ["relabel", "remove"])
def test_a_correction_can_be_taken_back(change: str) -> None:
    gallery = made_up_gallery(["fear", "anger", "smirk"])
    item, embedding = gallery.item("item1"), gallery.store.embeddings(np.array([gallery.store.row("item1")]))
    if change == "relabel":
        before = corrections.relabel(gallery, "item1", "smirk")
    else:
        before = corrections.remove(gallery, "item1")
        assert "item1" not in gallery
    corrections.undo(gallery, before)
    assert gallery.item("item1") == item
    np.testing.assert_array_equal(gallery.store.embeddings(np.array([gallery.store.row("item1")])), embedding)
    assert gallery.search(embedding[0], 1)[0].item.id == "item1"


def test_labels_are_the_emotions_and_what_else_the_gallery_shows() -> None:
    gallery = made_up_gallery(["fear", "smirk"])
    assert corrections.labels(gallery) == (*EMOTIONS, "smirk")
    with pytest.raises(GalleryError, match=r"There is no label «grin»\. Choose one of: neutral, .*, smirk\."):
        corrections.relabel(gallery, "item0", "grin")
    with pytest.raises(GalleryError, match="no example «item9»"):
        corrections.relabel(gallery, "item9", "fear")
    assert gallery.item("item0").labelled_by == "folder"


def test_several_are_labelled_together_or_none_and_what_taught_goes_on_to() -> None:
    gallery = made_up_gallery(["fear", "smirk", "smirk"])
    gallery.store.relabel(["item1", "item2"], "smirk", "teaching")
    with pytest.raises(GalleryError, match="no example «item9»"):
        corrections.relabel_all(gallery, ["item0", "item9"], "smirk")
    assert gallery.item("item0").emotion == "fear"
    assert corrections.relabel_all(gallery, ["item0", "item1"], "smirk") == "smirk"
    corrections.relabel_all(gallery, ["item2"], "anger")
    labelled = [(item.emotion, item.labelled_by) for item in gallery.items]
    assert labelled == [("smirk", "hand"), ("smirk", "teaching"), ("anger", "hand")]
