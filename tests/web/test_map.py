"""The map's points on their way to the script: few bytes, and everything still there."""

import base64
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from siamese.gallery.maps import GalleryMap, map_of
from siamese.vocabulary import emotion_of
from siamese.web.map import packed
from tests.gallery.made_up import made_up_gallery


@pytest.fixture(scope="module")
def found() -> GalleryMap:
    return map_of(made_up_gallery(["fear", "smirk", "anger"] * 4), 100)


def unpacked(told: dict[str, Any], name: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(told[name]), dtype=kind)


def test_every_point_has_its_place_and_its_emotion(found: GalleryMap) -> None:
    emotions = ["fear", "smirk", "anger"] * 4
    told = packed(found, emotions, ("anger", "fear", "smirk"))
    rows, kinds = unpacked(told, "rows", "<u4"), unpacked(told, "kinds", "<u2")
    places = unpacked(told, "places", "<u2").reshape(-1, 2) / 65535
    order = np.argsort(rows)
    np.testing.assert_array_equal(rows[order], found.rows)
    np.testing.assert_allclose(places[order], found.places, atol=1e-5)
    assert [told["emotions"][kind]["name"] for kind in kinds[order]] == emotions
    assert told["emotions"][1] == {
        "name": "fear",
        "count": 4,
        "colour": emotion_of("fear").colour,
        "symbol": emotion_of("fear").symbol,
    }


def test_a_label_that_is_new_this_moment_is_listed_last(found: GalleryMap) -> None:
    told = packed(found, ["wonder"] * 6 + ["fear"] * 6, ("anger", "fear"))
    assert [emotion["name"] for emotion in told["emotions"]] == ["fear", "wonder"]


def test_its_version_changes_with_what_it_shows(found: GalleryMap) -> None:
    one, same = (packed(found, ["fear"] * 12, ("fear",)) for _ in range(2))
    assert one == same
    assert packed(found, ["anger"] * 12, ("anger",))["version"] != one["version"]


def test_an_empty_gallery_has_no_points() -> None:
    told = packed(map_of(made_up_gallery([]), 100), [], ())
    assert told["count"] == 0 and told["emotions"] == [] and told["places"] == ""
