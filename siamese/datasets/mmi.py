"""MMI, sessions with their XML and with frames taken from their videos → faces at the peak of posed expressions.

Pantic, Valstar, Rademaker, Maat: Web-based database for facial expression analysis, ICME 2005. An expression rises and
falls within its video, so its middle frames are taken, as is usual. They are near-copies: split by `subjects`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from siamese.datasets.checks import require_choice, wrong_root
from siamese.datasets.folder import SUFFIXES, WHOLE
from siamese.datasets.pictures import PHOTO_SIDE, Row, label_of, read
from siamese.datasets.samples import Samples
from siamese.errors import DatasetError

LABELS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "scream", "boredom", "sleepiness")
SESSIONS = "Sessions"
SHEET = "S*-*.xml"
ACTION_UNITS = "_aucs.xml"  # how the sheets end that list muscle movements instead
PROFILE = "1"  # the `view` of a session's track; 0 is from the front, 2 shows both side by side


def load(root: str | Path, split: str) -> Samples:
    """The three middle frames of every session that has an emotion and is not in profile; `all` is the only split.

    A session is Sessions/<n>/ with session.xml, a sheet like S002-106.xml that has a Metatag named Emotion, and a still
    picture or, in name order and upright, its video's frames, in this folder or below it. Videos are not decoded.
    Raises DatasetError when there is no session, its XML is damaged, or the split is unknown.
    """
    root = Path(root)
    require_choice("split", split, (WHOLE,), "mmi")
    if not any(root.glob(f"{SESSIONS}/*/{SHEET}")):
        raise wrong_root("mmi", root, f"{SESSIONS}/<n>/ with session.xml, S002-106.xml and frames as pictures")
    left_out: Counter[str] = Counter()
    return read("mmi", split, _rows(root, left_out), PHOTO_SIDE, left_out)


def _rows(root: Path, left_out: Counter[str]) -> Iterator[Row]:
    for sheet in sorted(root.glob(f"{SESSIONS}/*/{SHEET}")):
        if sheet.name.endswith(ACTION_UNITS):
            continue
        code = _emotion(sheet)
        frames = sorted(path for path in sheet.parent.rglob("*") if path.suffix.lower() in SUFFIXES)
        if code is None or not frames:
            left_out["a whole session without an emotion or without frames"] += 1
        elif _view(sheet.parent / "session.xml") == PROFILE:
            left_out["a whole session in profile"] += 1
        else:
            middle = len(frames) // 2
            for frame in frames[max(0, middle - 1) : middle + 2]:
                yield Row(
                    frame, label_of(code, LABELS, first=1), str(frame.relative_to(root)), sheet.name.split("-")[0]
                )


def _emotion(sheet: Path) -> str | None:
    return next((tag.get("Value") for tag in _xml(sheet).iter() if tag.get("Name") == "Emotion"), None)


def _view(session: Path) -> str | None:
    return next((track.get("view") for track in _xml(session).iter("track")), None)


def _xml(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise DatasetError(f"{path} cannot be read as XML: {error}. Fetch that session again.") from error
