"""No file is ever unpickled: neither the reference set, nor a gallery or its index, nor a photo runs code."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from siamese import ExpressionService
from siamese.errors import GalleryError, ReferenceSetError
from siamese.gallery.exchange import read_archive, write_archive
from siamese.gallery.gallery import Gallery
from siamese.network.runtime import Embedder
from siamese.settings import Settings


class Touches:
    """What makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def no_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets everything that unpickles fail."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("something was unpickled")

    for name in ("load", "loads", "Unpickler", "_load", "_loads", "_Unpickler"):
        monkeypatch.setattr(pickle, name, refuse)


@pytest.mark.usefixtures("no_pickles")
@pytest.mark.parametrize("index", ["auto", "hnsw"])
def test_loading_reading_and_adding_unpickle_nothing(
    reference: Path, portrait: Path, tmp_path: Path, index: str
) -> None:
    embedder = Embedder(reference / "network.onnx")
    Gallery.create(tmp_path / "own", "Mine", embedder.fingerprint, embedder.embedding_size).close()
    for _ in range(2):  # the second time what was kept is opened, its index too
        service = ExpressionService.load(reference, tmp_path / "own", Settings(index=index))
        assert service.recognise(portrait)
        service.add(portrait, "surprise")
        service.teach(f"smirk {len(service.taught)}", [portrait], anyway=True)
        assert service.similar(portrait, 2) and service.compare(portrait, portrait)
        write_archive(service.gallery, tmp_path / "gallery.zip")
        service.gallery.close()
    copy, count = read_archive(tmp_path / "gallery.zip", tmp_path / "copy", embedder.fingerprint)
    assert count == len(copy) > 1


@pytest.mark.parametrize("name", ["prototypes.npz", "shades.npz"])
def test_arrays_that_hold_pickles_are_refused_and_run_nothing(reference: Path, tmp_path: Path, name: str) -> None:
    copy, made = tmp_path / "reference", tmp_path / "made"
    copy.mkdir()
    for path in reference.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    arrays = dict(np.load(copy / name))
    harmful = {key: np.array([Touches(made)], dtype=object) for key in arrays}
    np.savez(copy / name, **harmful)
    with pytest.raises(ReferenceSetError, match=name.replace(".", r"\.")):
        ExpressionService.load(copy)
    assert not made.exists()
    with np.load(copy / name, allow_pickle=True) as opened:
        assert [opened[key] for key in arrays] and made.exists()  # so it would have


def test_an_archive_that_holds_pickles_is_refused_and_runs_nothing(reference: Path, tmp_path: Path) -> None:
    service, made, file = ExpressionService.load(reference), tmp_path / "made", io.BytesIO()
    write_archive(service.gallery, tmp_path / "gallery.zip")
    np.save(file, np.array([Touches(made)] * len(service.gallery), dtype=object))
    with zipfile.ZipFile(tmp_path / "gallery.zip") as whole, zipfile.ZipFile(tmp_path / "harmful.zip", "w") as harmful:
        for name in whole.namelist():
            harmful.writestr(name, file.getvalue() if name == "embeddings.npy" else whole.read(name))
    with pytest.raises(GalleryError, match=r"harmful\.zip"):
        read_archive(tmp_path / "harmful.zip", tmp_path / "copy", service.gallery.fingerprint)
    assert not made.exists()
