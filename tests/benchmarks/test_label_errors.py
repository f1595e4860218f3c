"""The benchmark of flipped labels, end to end on drawn faces, and what a flip is."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks import label_errors
from benchmarks.label_errors import flip
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face

SHOWN = ("anger", "disgust", "happiness", "surprise")


@pytest.fixture(scope="module")
def ckplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten people, each showing four expressions in two frames."""
    root = tmp_path_factory.mktemp("ckplus")
    for subject in range(10):
        for number, emotion in enumerate(SHOWN):
            (root / emotion).mkdir(exist_ok=True)
            for frame in range(2):
                face = draw_face(EMOTIONS.index(emotion), 10 * subject + frame, 48)
                Image.fromarray(face).save(root / emotion / f"S{subject:03}_{number:03}_{frame:08}.png")
    return root


@given(count=st.integers(20, 200), seed=st.integers(0, 999), of_one=st.integers(1, 4))
def test_a_flip_changes_whole_units_and_exactly_so_many(count: int, seed: int, of_one: int) -> None:
    units = (np.arange(count * of_one) // of_one).astype(str)
    labels = np.repeat(np.random.default_rng(seed).integers(0, 4, count) * 2, of_one)
    labels[:of_one], labels[-of_one:] = 0, 6
    flipped = flip(labels, units, 0.1, seed)
    changed = flipped != labels
    assert len(np.unique(units[changed])) == round(0.1 * count)
    assert changed.sum() == round(0.1 * count) * of_one
    assert set(flipped) <= set(labels)
    np.testing.assert_array_equal(flipped, flip(labels, units, 0.1, seed))


def test_the_page_and_the_figures_are_of_one_run(
    ckplus: Path, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--dataset", "ckplus", "--root", str(ckplus), "--reference", str(reference), "--cache", str(tmp_path)]
    words += ["--draws", "2"]
    label_errors.main(words)
    page = capsys.readouterr().out
    assert page.startswith("## Wrong labels found on ckplus, all: 80 images, 2 draws")
    assert "--dataset ckplus --root data/ckplus --draws 2 > docs/results/label-errors-ckplus.md" in page
    label_errors.main([*words, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["images"], [each["flipped"] for each in found["measured"]]) == (80, ["images", "sequences"])
    for measured in found["measured"]:
        ours, *others = measured["rankings"]
        assert ours["name"] == "Semblance"
        assert len(others) == 4
        for each in (ours, *others):
            precision, average = each["precision"], each["average_precision"]
            ratio = f"{np.mean(ours['precision']) / np.mean(precision):.3f}" if any(precision) else "–"
            assert f"| {each['name']} | {np.mean(precision):.3f} ± {np.std(precision):.3f} | {ratio} |" in page
            assert f"| {np.mean(average):.3f} ± {np.std(average):.3f} |" in page
            assert len(precision) == len(average) == 2
            assert all(0 <= value <= 1 for value in precision + average)
