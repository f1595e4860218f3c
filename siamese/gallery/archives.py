"""A .zip or .tar file of photos → its files in a folder, as long as they are needed."""

import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from siamese.errors import GalleryError
from siamese.vocabulary import index_of

NOT_UNPACKED = (  # RuntimeError: it wants a password, or is packed in a way that Python does not know
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)

_NO_ARCHIVE = "it is no archive, or is damaged"  # Python has a line for each way in which it tried to read it


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """The files of an archive in a folder that is gone afterwards; nothing is written outside it.

    Of an archive that has everything in one folder, that folder, unless it is named after an emotion. Raises
    GalleryError where there is no such file, or it is no archive, or is damaged.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            require_file(archive, "Give it as --folder, or give a .zip or .tar file of photos.")
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as packed:
                    packed.extractall(folder)  # drops absolute paths and «..»
            else:
                with tarfile.open(archive) as packed:
                    packed.extractall(folder, filter="data")
        except NOT_UNPACKED as error:
            why = _NO_ARCHIVE if isinstance(error, tarfile.ReadError) else getattr(error, "strerror", None) or error
            raise GalleryError(f"{archive} cannot be unpacked: {why}. Give a .zip or .tar file of photos.") from error
        yield _innermost(Path(folder))


def require_file(archive: Path, otherwise: str) -> None:
    """Raises GalleryError where it is not there, or is a folder, to which `otherwise` says what to do."""
    if archive.is_dir():
        raise GalleryError(f"{archive} is a folder. {otherwise}")
    if not archive.exists():
        raise GalleryError(f"There is no file {archive}. Check its name and folder.")


def _innermost(folder: Path) -> Path:
    """The folder in which there is more than one other; what a Mac adds to archives does not count."""
    inside = [path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "__MACOSX"]
    if len(inside) != 1 or not inside[0].is_dir() or index_of(inside[0].name) is not None:
        return folder
    return _innermost(inside[0])
