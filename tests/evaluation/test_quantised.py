"""The command that puts a reference set's network into integers, and the service that uses it where it is asked to."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siamese import ExpressionService
from siamese.cli import main
from siamese.errors import ReferenceSetError
from siamese.manifest import check_manifest, write_manifest
from siamese.settings import Settings
from siamese.vocabulary import EMOTIONS
from tests.tiny import draw_face


@pytest.fixture
def own(reference: Path, tmp_path: Path) -> Path:
    """A copy of the reference set with a manifest, and beside it a data set, `parts`, with training and validation."""
    for part, seeds in (("train", range(2)), ("validation", range(10, 16))):
        for label, emotion in enumerate(EMOTIONS):
            for seed in seeds:
                path = tmp_path / "parts" / part / emotion / f"{seed}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(draw_face(label, seed, 48)).save(path)
    own = Path(shutil.copytree(reference, tmp_path / "own"))
    write_manifest(own)
    return own


def test_the_service_reads_in_integers_where_it_is_asked_to(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(precision="int8")
    with pytest.raises(ReferenceSetError, match=r"reference quantise.*SEMBLANCE_PRECISION=fp32"):
        ExpressionService.load(own, settings=settings)
    words = ["--dataset", "folder", "--root", str(own.parent / "parts"), "--cache", str(own.parent / "cache")]
    with pytest.raises(SystemExit) as ended:
        main(["reference", "quantise", "--reference", str(own), *words])
    assert ended.value.code == 0
    assert "Of 24 validation images that it was not calibrated on" in capsys.readouterr().out
    check_manifest(own)
    single, integers = ExpressionService.load(own), ExpressionService.load(own, settings=settings)
    assert integers.embedder.fingerprint == single.embedder.fingerprint
    crops = np.stack([draw_face(label, 40, 48).mean(axis=2) for label in range(8)]).astype(np.uint8)
    ours, theirs = single.embedder.embed(crops), integers.embedder.embed(crops)
    assert 0 < np.abs(ours - theirs).max() < 0.1
    assert len(integers.gallery) == len(single.gallery)  # one gallery serves both
    (own / "network.int8.onnx").write_bytes(b"altered")
    with pytest.raises(ReferenceSetError, match="was altered"):
        ExpressionService.load(own)


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().precision == "fp32"
    monkeypatch.setenv("SEMBLANCE_PRECISION", "int8")
    assert Settings().precision == "int8"
