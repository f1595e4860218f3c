"""The npm package @vladmandic/face-api → its demo's group photos in .cache/demo-photos, for the tests that want them.

Uses the standard library alone, and never fails: where npm or the registry is missing it says so, and those tests skip.
"""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@vladmandic/face-api@1.7.15"
FOLDER = Path(__file__).parent.parent / ".cache" / "demo-photos"
_TIMEOUT = 120  # seconds


def fetch(folder: Path = FOLDER) -> str:
    """Fetch the photos unless they are there; the answer is a sentence about what happened."""
    if folder.is_dir():
        return f"The group photos for the tests are in {folder}."
    npm = shutil.which("npm")
    if npm is None:
        return "No npm here: the tests that want group photos will be skipped."
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        try:
            archive = _pack(npm, Path(temporary))
            _extract(archive, Path(temporary) / "photos")
        except (subprocess.SubprocessError, OSError, tarfile.TarError) as error:
            return f"{PACKAGE} could not be fetched, so the tests that want group photos will be skipped: {error}"
        (Path(temporary) / "photos").rename(folder)
    return f"Fetched the group photos of {PACKAGE} into {folder}."


def _pack(npm: str, folder: Path) -> Path:
    subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, check=True, timeout=_TIMEOUT, capture_output=True)
    return next(folder.glob("*.tgz"))


def _extract(archive: Path, folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(archive) as package:
        for member in package:
            content = package.extractfile(member)
            if content is not None and member.name.startswith("package/demo/sample"):
                (folder / Path(member.name).name).write_bytes(content.read())


if __name__ == "__main__":
    print(fetch())
