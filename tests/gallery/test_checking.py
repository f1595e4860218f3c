"""The check of a gallery's labels: whose are doubted, who is asked, and what is said where that is too little."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from siamese.errors import GalleryError
from siamese.gallery import corrections
from siamese.gallery.checking import LabelCheck, check_labels, doubted_as, still_doubted
from siamese.gallery.gallery import Gallery
from siamese.gallery.store import IN_MEMORY, Claim, Store
from siamese.gallery.thumbnails import pack
from tests.gallery.made_up import NETWORK, SIZE, items

COUNT = 60
NAMES = ("anger", "fear", "happiness")


def gallery(
    wrong: tuple[int, ...] = (), labelled_by: dict[int, str] | None = None, folder: str | Path = IN_MEMORY
) -> Gallery:
    """Faces of three expressions in turn, well apart; those in `wrong` are labelled as the next expression."""
    rng = np.random.default_rng(0)
    rows = 4 * np.eye(3, SIZE)[np.arange(COUNT) % 3] + rng.normal(size=(COUNT, SIZE))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    given = [NAMES[(place + (place in wrong)) % 3] for place in range(COUNT)]
    made = Gallery.create(folder, "Mine", NETWORK, SIZE)
    by = labelled_by or {}
    made.add([replace(each, labelled_by=by.get(place, "folder")) for place, each in enumerate(items(given))], rows)
    return made


def ids(check: LabelCheck) -> list[str]:
    return [each.id for each in check.doubted]


def test_wrong_labels_are_ranked_with_the_right_one_suggested_beside_those_that_say_so() -> None:
    made = gallery(wrong=(4, 9))
    check = check_labels(made)
    assert set(ids(check)[:2]) == {"item4", "item9"}
    assert check.checked == COUNT and check.not_checked == {}
    doubted = next(each for each in check.doubted if each.id == "item4")
    assert (doubted.label, doubted.suggested, doubted.source) == ("happiness", "fear", "photo 4")
    assert {made.item(each).emotion for each in doubted.disagreeing} == {"fear"}
    assert doubted.to_dict()["disagreeing"] == list(doubted.disagreeing)


def test_readings_and_composites_are_neither_doubted_nor_asked_and_that_is_said() -> None:
    check = check_labels(gallery(wrong=(4, 9, 10), labelled_by={4: "reading", 10: "composite"}))
    assert not {"item4", "item10"} & set(ids(check))
    assert ids(check)[0] == "item9"
    assert check.summary.endswith("Not checked: composites (1), the network's own readings (1).")


def test_what_a_person_has_looked_at_is_asked_and_not_doubted() -> None:
    by_hand = dict.fromkeys(range(0, COUNT, 2), "hand")
    check = check_labels(gallery(wrong=(4, 9), labelled_by=by_hand))
    assert ids(check)[0] == "item9" and "item4" not in ids(check)
    assert check.checked == COUNT // 2
    asked = {other for each in check.doubted for other in each.disagreeing}
    assert any(int(each.removeprefix("item")) % 2 == 0 for each in asked)


@pytest.mark.parametrize(("pictures_kept", "found"), [(True, 12), (False, 0)])
def test_frames_of_one_film_do_not_vouch_for_each_other(pictures_kept: bool, found: int) -> None:
    """Twelve frames of an angry face are labelled «fear»; that they are of one film is told by their pictures."""
    rng = np.random.default_rng(0)
    made, face = gallery(), rng.integers(60, 200, (48, 48), dtype=np.uint8)
    crops = [pack(face + rng.integers(0, 9, (48, 48), dtype=np.uint8)) for _ in range(12)]
    rows = made.embeddings[:1].repeat(12, axis=0)
    made.add(items(["fear"] * 12, "frame"), rows, crops if pictures_kept else None)
    doubted = {each.id: each.suggested for each in check_labels(made).doubted}
    assert [doubted[each] for each in doubted if each.startswith("frame")] == ["anger"] * found


def test_what_was_judged_or_removed_is_doubted_no_more() -> None:
    made = gallery(wrong=(4, 9, 14))
    check = check_labels(made)
    corrections.relabel(made, "item4", "fear")
    corrections.relabel(made, "item9", made.item("item9").emotion)  # confirmed as it is
    corrections.remove(made, "item14")
    left = {each.id for each in still_doubted(made, check.doubted)}
    assert left == set(ids(check)) - {"item4", "item9", "item14"}
    assert not {"item4", "item9", "item14"} & set(ids(check_labels(made)))


def test_what_another_removes_meanwhile_is_checked_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = gallery(wrong=(4, 9), folder=tmp_path)
    other, read = Gallery.open(tmp_path, NETWORK, writable=True), Store.claims

    def claims(store: Store) -> list[Claim]:
        told = read(store)
        other.remove(["item9", "item10"])
        return told

    monkeypatch.setattr(Store, "claims", claims)
    check = check_labels(made)
    assert check.checked == COUNT
    monkeypatch.undo()
    assert "item4" in {each.id for each in still_doubted(made, check.doubted)} and "item9" not in made


def test_one_label_can_be_looked_at_however_it_is_spelled() -> None:
    made = gallery(wrong=(4, 9))
    check = check_labels(made)
    assert {each.label for each in doubted_as(made, check.doubted, " Happy ")} == {"happiness"}
    with pytest.raises(GalleryError, match="no examples of «grin», only of: happiness, anger, fear"):
        doubted_as(made, check.doubted, "grin")


@pytest.mark.parametrize(
    ("emotions", "labelled_by", "sentence"),
    [
        (["fear", "anger"] * 9, "folder", r"at least 20 .* it has 18\."),
        (["fear"] * 30, "folder", "it has 30, all labelled alike"),
        (["fear", "anger"] * 15, "reading", r"it has 0\. Not checked: the network's own readings \(30\)"),
        ([], "folder", "it has 0"),
    ],
)
def test_too_little_to_check_is_said(emotions: list[str], labelled_by: str, sentence: str) -> None:
    made = Gallery.create(IN_MEMORY, "Mine", NETWORK, SIZE)
    rows = np.eye(1, SIZE, dtype=np.float32).repeat(len(emotions), axis=0)
    made.add([replace(each, labelled_by=labelled_by) for each in items(emotions)], rows)
    with pytest.raises(GalleryError, match=sentence):
        check_labels(made)
