"""A folder → the checksums of its files, written once and compared whenever the folder is used."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from siamese.errors import ReferenceSetError

MANIFEST = "manifest.json"
_PROSE = ".md"  # which people may change
_REMEDY = "Put it back as it was, as with `git checkout`, or build the reference set again."


def write_manifest(folder: Path, without: str = "") -> None:
    """Write the SHA-256 of every file below the folder, but of prose, to its manifest.

    A folder `without` is left out: what is in it may change.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    sums = {name: _checksum(path) for name, path in paths.items() if not (without and name.startswith(f"{without}/"))}
    (folder / MANIFEST).write_text(json.dumps({"sha256": sums}, indent=1) + "\n")


def add_to_manifest(folder: Path, name: str) -> None:
    """Write the SHA-256 of one file, new or changed, to the folder's manifest, where it has one."""
    manifest = folder / MANIFEST
    if manifest.is_file():
        sums = json.loads(manifest.read_bytes())["sha256"] | {name: _checksum(folder / name)}
        manifest.write_text(json.dumps({"sha256": dict(sorted(sums.items()))}, indent=1) + "\n")


def is_named(path: Path) -> bool:
    """Whether the manifest of a folder above names this file; a damaged one names none."""
    path = path.resolve()
    for folder in path.parents:
        try:
            named = json.loads((folder / MANIFEST).read_bytes())["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if path.relative_to(folder).as_posix() in named:
            return True
    return False


def check_manifest(folder: Path, below: str = "", required: bool = False) -> None:
    """Compare every file that the manifest names, where the folder has one; other files are nobody's concern.

    With `below`, those in that folder in it alone. Raises ReferenceSetError, naming the file, where one is missing,
    cannot be read or is not what it was, and where no manifest is there that is `required`, or it names none of them.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        if required:
            raise ReferenceSetError(f"There is no {manifest}, by which the files beside it are checked. {_REMEDY}")
        return
    try:
        sums = dict(json.loads(manifest.read_bytes())["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReferenceSetError(f"{manifest} is damaged. {_REMEDY}") from error
    named = {name: expected for name, expected in sums.items() if not below or name.startswith(f"{below}/")}
    if required and not named:
        raise ReferenceSetError(f"{manifest} names no file of {folder / below}. {_REMEDY}")
    for name, expected in named.items():
        try:
            found = _checksum(folder / name)
        except OSError as error:
            raise ReferenceSetError(f"{folder / name} cannot be read ({error.strerror}). {_REMEDY}") from error
        if found != expected:
            raise ReferenceSetError(f"{folder / name} was altered or damaged since it was built. {_REMEDY}")


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != _PROSE and path.name != MANIFEST:
            yield path


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
