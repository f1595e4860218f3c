"""What was read of a video → the HTML that shows it: for each face a chart over time, shares, and telling moments."""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from siamese.video.keyframes import KeyFrame
from siamese.video.timeline import FaceTimeline, write_csv
from siamese.video.watching import VideoReport
from siamese.vocabulary import emotion_of
from siamese.web import cards, drawing

MOST_FACES = 12  # that are shown; the tables, if there are any, have all

_MOST_NUMBERS = 500_000  # that the tables may hold, some eight megabytes of the page
_PARTS = 240  # of a chart, from left to right
_HEIGHT = 100  # of a chart, in its own units
_TICKS = 5  # times beneath it
_SHORT = 10  # seconds; in a shorter film, whole ones would name several ticks alike
_OTHER_COLUMNS = 8  # of the tables, beside the emotions
_TOO_LARGE = (
    "The tables are too large for this page. A command writes them: python -m siamese video FILE --csv TABLE.csv, or "
    "with --json in place of --csv."
)

Portraits = Mapping[KeyFrame, NDArray[np.uint8]]


def film(report: VideoReport, portraits: Portraits) -> str:
    """The video's faces, those that were seen longest; `portraits` are pictures of their key frames."""
    shown = report.faces[:MOST_FACES]
    sections = "".join(_face(report, face, portraits) for face in shown)
    more = len(report.faces) - len(shown)
    where = "are in the tables" if _tabled(report) else "are not shown"
    others = f'<p class="detail">{more:,} more, seen for less long, {where}.</p>' if more else ""
    return f'<div class="film">{sections}{others}</div>' if shown else ""


def summary(report: VideoReport, seconds: float, further: Sequence[str] = ()) -> str:
    """How much was read in how many seconds of our time, what is missing, and the tables to download."""
    notes = (*report.notes, *further)
    if not report.faces:
        return cards.notice(" ".join(notes))
    tables, missing = (_downloads(report), ()) if _tabled(report) else ("", (_TOO_LARGE,))
    notes = (*notes, *missing)
    faces = "1 face" if len(report.faces) == 1 else f"{len(report.faces):,} faces"
    length = _told(report.read_seconds, report.read_seconds)
    detail = f"{length} of video, {report.frames:,} frames, read in {clock(seconds)}"
    told = "".join(f'<p class="film-note">{escape(note)}</p>' for note in notes)
    heading = cards.heading(f"{faces} in {report.path.name}", detail)
    return f'<div class="lesson"><div>{heading}</div>{told}{tables}</div>'


def chart(face: FaceTimeline, until: float, moments: Sequence[KeyFrame]) -> str:
    """Probabilities over time, stacked, as SVG: one band an emotion, blank where the face is not seen.

    Small marks above are the moments that are shown as pictures.
    """
    curve = face.curve(_PARTS, until)
    bands = "".join(
        f'<path fill="{emotion_of(name).colour}" d="{path}"><title>{escape(name)}</title></path>'
        for name, path in zip(face.names, _bands(curve), strict=True)
        if path
    )
    marks = "".join(f'<i style="left: {100 * each.seconds / until:.2f}%"></i>' for each in moments)
    times = "".join(f"<span>{_told(until * tick / (_TICKS - 1), until)}</span>" for tick in range(_TICKS))
    return (
        f'<figure class="film-chart"><div class="film-marks" aria-hidden="true">{marks}</div>'
        f'<svg viewBox="0 0 {_PARTS} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(_in_words(face))}">{bands}</svg>'
        f'<figcaption aria-hidden="true">{times}</figcaption></figure>'
    )


def clock(seconds: float, tenths: bool = False) -> str:
    """62.5 → «1:02», or with tenths «1:02.5»."""
    whole = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    return f"{whole}.{int(10 * seconds) % 10}" if tenths else whole


def _told(seconds: float, until: float) -> str:
    """A time in a film that lasts `until`."""
    return clock(seconds, tenths=until < _SHORT)


def _face(report: VideoReport, face: FaceTimeline, portraits: Portraits) -> str:
    look, share = emotion_of(face.emotion), face.shares[face.emotion]
    moments = [each for each in report.key_frames[face.number] if each in portraits]
    first, last = (_told(seconds, report.read_seconds) for seconds in (face.first_seen, face.last_seen))
    seen = f"seen for {face.seen_seconds:.1f} s, from {first} to {last}"
    tiles = cards.tiles((_tile(each, portraits[each]) for each in moments), f"Moments of face {face.number}")
    pictures = f"{cards.eyebrow('Moments that differ most')}{tiles}" if moments else ""
    return f"""<section class="card reading film-face" style="--emotion: {look.colour}" aria-label="Face {face.number}">
  <div class="headline"><span class="symbol" aria-hidden="true">{look.symbol}</span>
    <div><p class="eyebrow">Face {face.number}, {seen}</p><p class="emotion">{escape(face.emotion)}</p>
    <p class="confidence">{cards.percent(share)} <span>of that time</span></p></div></div>
  {chart(face, report.read_seconds, moments)}
  <div class="film-row"><div>{cards.eyebrow("Share of the time")}{cards.bars(face.shares, "Share of the time")}</div>
    <div>{pictures}</div></div>
</section>"""


def _tile(moment: KeyFrame, portrait: NDArray[np.uint8]) -> cards.Tile:
    look = emotion_of(moment.emotion)
    detail = f"{clock(moment.seconds, tenths=True)}, {cards.percent(moment.confidence)}"
    return cards.Tile(drawing.data_uri(portrait), f"{look.symbol} {moment.emotion}", detail, look.colour)


def _in_words(face: FaceTimeline) -> str:
    shares = sorted(face.shares.items(), key=lambda each: -each[1])
    told = ", ".join(f"{name} {cards.percent(share)}" for name, share in shares if share >= 0.01)
    return f"Face {face.number}: how probable each emotion is, from beginning to end. Shares of the time: {told}"


def _bands(curve: NDArray[np.float64]) -> Iterator[str]:
    """For each emotion the path of its band, in as many pieces as the face was seen; `curve` is (parts, emotions)."""
    tops = _HEIGHT * np.cumsum(np.hstack([np.zeros((len(curve), 1)), curve]), axis=1)
    seen = np.flatnonzero(~np.isnan(curve[:, 0]))
    runs = [run for run in np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1) if len(run)]
    for band in range(curve.shape[1]):
        yield "".join(
            _piece(run, tops[run, band], tops[run, band + 1]) for run in runs if curve[run, band].max() > 0.002
        )


def _piece(run: NDArray[np.int64], bottom: NDArray[np.float64], top: NDArray[np.float64]) -> str:
    """A closed path through the middles of the parts, and to the outer edges of the first and last."""
    xs = [float(run[0]), *(run + 0.5).tolist(), float(run[-1] + 1)]
    above = zip(xs, np.pad(top, 1, mode="edge").tolist(), strict=True)
    below = reversed(list(zip(xs, np.pad(bottom, 1, mode="edge").tolist(), strict=True)))
    points = " ".join(f"{x:g},{y:.1f}" for x, y in (*above, *below))
    return f"M{points}Z"


def _tabled(report: VideoReport) -> bool:
    """Whether the tables are small enough to be held by the page."""
    return sum(len(face.seconds) * (len(face.names) + _OTHER_COLUMNS) for face in report.faces) <= _MOST_NUMBERS


def _downloads(report: VideoReport) -> str:
    """The tables as links that hold them, so that no file is left on this machine."""
    table = io.StringIO()
    write_csv(report.faces, table)
    told = json.dumps({**report.to_dict(), "video": report.path.name}, ensure_ascii=False, separators=(",", ":"))
    links = ("CSV", "text/csv", table.getvalue()), ("JSON", "application/json", told)
    stem = escape(report.path.stem)
    return "<p>" + " ".join(_link(name, kind, content, stem) for name, kind, content in links) + "</p>"


def _link(name: str, kind: str, content: str, stem: str) -> str:
    source = f"data:{kind};base64,{base64.b64encode(content.encode()).decode()}"
    return f'<a class="download" href="{source}" download="{stem}.{name.lower()}">{name}</a>'
