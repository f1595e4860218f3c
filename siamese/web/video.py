"""The tab Video: a video file → what each of its faces shows over time, read while a bar tells how long it takes.

Cancel ends the reading and keeps what was read, so that it is a flag of ours: Gradio's own way would drop the answer.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock
from time import monotonic
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from siamese.errors import SemblanceError, VideoError
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.video.watching import Progress, VideoReport, cutout
from siamese.web import cards, drawing, parts
from siamese.web.film import MOST_FACES, Portraits, clock, film, summary
from siamese.web.sentences import duration
from siamese.web.uploads import bytes_in, hold, needed, release

_TYPES = [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".ogv", ".gif"]
_PORTRAIT = 160  # pixels
_TOLD = 0.2  # seconds between two reports of how far it is
_FETCHING = 10.0  # seconds, in which moments of what was read are fetched even after it was stopped
_FOCUS = """
// Read and Stop take each other's place: the keyboard's focus, which falls to the page with the one that goes, follows.
const places = ['video-read', 'video-cancel'], reader = element.closest('.reader');
let last = '';
document.addEventListener('focusin', event => { last = event.target.id; });
new MutationObserver(() => {
  if (document.activeElement !== document.body || !places.includes(last)) return;
  places.map(id => document.getElementById(id)).find(each => each?.offsetParent)?.focus({preventScroll: true});
}).observe(reader, {subtree: true, childList: true, attributes: true});
"""
_PROGRESS = gr.Progress()  # Gradio knows it by its place among a handler's defaults


class _Stops:
    """A flag for each session that reads a video, by which it is told to end; it goes after so many seconds.

    Not every session says that it leaves, and not every video that was begun is read.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._flags: dict[str, tuple[Event, float]] = {}  # and when each was made
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._flags)

    def begin(self, request: gr.Request) -> Event:
        """The session's flag, lowered."""
        key, flag, now = str(request.session_hash), Event(), self._clock()
        with self._lock:
            self._flags.pop(key, None)
            while self._flags and now - next(iter(self._flags.values()))[1] > self._seconds:
                del self._flags[next(iter(self._flags))]  # they lie in the order in which they were made
            self._flags[key] = flag, now
        return flag

    def of(self, request: gr.Request) -> Event:
        """The session's flag as it is."""
        flag, _ = self._flags.get(str(request.session_hash), (None, 0))
        return flag or self.begin(request)

    def leave(self, request: gr.Request) -> None:
        """The session has gone: nothing is read for it, or kept."""
        self.stop(request)
        release(str(request.session_hash))

    def stop(self, request: gr.Request) -> None:
        """Raise the session's flag, if it reads."""
        flag, _ = self._flags.get(str(request.session_hash), (None, 0))
        if flag:
            flag.set()

    def end(self, request: gr.Request) -> None:
        """The session reads no more."""
        with self._lock:
            self._flags.pop(str(request.session_hash), None)


def build(service: ExpressionService, page: gr.Blocks) -> None:
    """Lay out the tab inside the current Gradio context; what a session reads ends with it."""
    settings = service.settings
    waiting = settings.page_video_waiting_seconds
    stops = _Stops(waiting + settings.page_video_work_seconds)
    with gr.Row(elem_classes="reader"):
        with gr.Column(scale=5, min_width=300):
            video = gr.File(
                label=f"Video, up to {settings.max_video_bytes / 1e6:g} MB",
                file_types=_TYPES,
                height=190,
                elem_id="video-file",
            )
            copying = gr.Checkbox(
                label="Also a copy with the faces marked",
                info="Takes about as long again.",
                container=False,
                elem_id="video-copying",
            )
            with gr.Row():
                start = gr.Button("Read", variant="primary", elem_id="video-read")
                cancel = gr.Button("Stop, and keep what was read", visible=False, elem_id="video-cancel")
        with gr.Column(scale=7, min_width=300):
            status = gr.HTML(cards.hint(_start(settings)), elem_id="video-status", js_on_load=_FOCUS)
            copy = gr.File(label="The copy", visible=False, interactive=False, elem_id="video-copy")
    found = gr.HTML(visible=False, elem_id="video-faces")

    def begin(path: str | None, request: gr.Request) -> Any:
        stops.begin(request)
        if path:
            hold(str(request.session_hash), path, waiting)  # others are read first, for longer than files are kept
        empty = cards.hint(""), parts.shown(""), gr.update(value=None, visible=False)
        return *empty, gr.update(visible=False), gr.update(visible=True)

    @parts.failing_as(lambda sentence: _answer(cards.notice(sentence)))
    def read(path: str | None, with_copy: bool, request: gr.Request, progress: gr.Progress = _PROGRESS) -> Any:
        try:
            reading = _Reading(service, _required(path, settings), stops.of(request), progress)
            return reading.answer(with_copy)
        finally:
            stops.end(request)
            release(str(request.session_hash))

    outputs = [status, found, copy, start, cancel]
    begun = start.click(begin, video, outputs, api_visibility="private", **parts.UNASKED)
    # One at a time, since each takes minutes of all cores; others wait, while photos are read all the same.
    begun.then(read, [video, copying], outputs, api_visibility="private", concurrency_limit=1, show_progress_on=status)
    cancel.click(stops.stop, None, None, api_visibility="private", **parts.UNASKED)
    page.unload(stops.leave)


class _Reading:
    """One video's reading, and what is told meanwhile."""

    def __init__(self, service: ExpressionService, path: Path, stopped: Event, progress: gr.Progress) -> None:
        self._service, self._path, self._stopped, self._progress = service, path, stopped, progress
        self._begun, self._told = monotonic(), 0.0

    def answer(self, with_copy: bool) -> Any:
        """Everything that the tab shows."""
        limit = self._service.settings.page_video_seconds
        report = self._service.watch(self._path, self._telling("Reading"), self._ended, limit)
        portraits, missing = self._portraits(report)
        copy, further = self._copy(report) if with_copy and report.faces else (None, [])
        further = [*missing, *further]
        if self._too_long():
            most = duration(self._service.settings.page_video_work_seconds)
            further = [*further, f"This page works on a video for {most} at most."]
        return _answer(summary(report, monotonic() - self._begun, further), film(report, portraits), copy)

    def _ended(self) -> bool:
        return self._stopped.is_set() or self._too_long()

    def _too_long(self) -> bool:
        return monotonic() - self._begun > self._service.settings.page_video_work_seconds

    def _telling(self, what: str) -> Callable[[Progress], None]:
        def tell(done: Progress) -> None:
            if monotonic() - self._told < _TOLD:
                return
            self._told = monotonic()
            needed(self._path)  # it is needed for as long as it is read
            left = "" if done.left is None else f", {clock(done.left)} left"
            self._progress(done.share, desc=f"{what}{left}")

        return tell

    def _portraits(self, report: VideoReport) -> tuple[Portraits, list[str]]:
        """Pictures of the moments that could be fetched in time, and that others are missing."""
        moments = [each for face in report.faces[:MOST_FACES] for each in report.key_frames[face.number]]
        begun = monotonic()
        pictures = self._service.pictures(report, moments, lambda: self._ended() and monotonic() - begun > _FETCHING)
        portraits = {
            moment: drawing.resized(cutout(picture, moment.box), _PORTRAIT)
            for moment, picture in self._progress.tqdm(pictures, desc="Fetching moments", total=len(moments))
        }
        if len(portraits) == len(moments) or not self._ended():
            return portraits, []
        return portraits, [f"Moments shown: {len(portraits)} of {len(moments)}. There was no time for the others."]

    def _copy(self, report: VideoReport) -> tuple[Path | None, list[str]]:
        """The marked copy in the folder of uploads, from which it goes as they do; or why there is none."""
        if self._ended():
            return None, ["No copy was made, since the reading was stopped."]
        out = Path(tempfile.mkdtemp(dir=get_upload_folder())) / f"{self._path.stem} marked.mp4"
        tell = self._telling("Writing the copy")

        def tell_and_measure(done: Progress) -> None:
            self._require_room()
            tell(done)

        try:
            self._require_room()
            notes = self._service.annotate(report, out, tell_and_measure, self._ended)
        except SemblanceError as error:
            shutil.rmtree(out.parent, ignore_errors=True)
            return None, [str(error).replace(str(out), out.name)]
        return out, list(notes)

    def _require_room(self) -> None:
        if bytes_in(Path(get_upload_folder())) > self._service.settings.upload_bytes:
            raise VideoError("There is no room for a copy now. Try again in a few minutes.")


def _start(settings: Settings) -> str:
    return (
        "Add a video, and each face in it is followed through it: what it shows when, how much of the time, and the "
        f"moments that differ most. Up to {duration(settings.page_video_seconds)} are read; for longer ones there is a "
        "command: python -m siamese video FILE."
    )


def _required(path: str | None, settings: Settings) -> Path:
    """The video. Raises VideoError when there is none, or it is too large."""
    if not path:
        raise VideoError("Add a video first.")
    file = needed(path)
    if file.stat().st_size > settings.max_video_bytes:
        raise VideoError(
            f"{file.name} is too large: this page takes videos of up to {settings.max_video_bytes / 1e6:g} MB. For any "
            "size there is a command: python -m siamese video FILE."
        )
    return file


def _answer(status: str, found: str = "", copy: Path | None = None) -> Any:
    """Updates of the status, the faces, the copy, and the two buttons."""
    copied = gr.update(value=None if copy is None else str(copy), visible=copy is not None)
    return status, parts.shown(found), copied, gr.update(visible=True), gr.update(visible=False)
