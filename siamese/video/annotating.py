"""A video and what was read of its faces → a copy in which each face has a box, its number and what it shows."""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from siamese.errors import VideoError
from siamese.faces.marking import Mark, mark
from siamese.settings import VideoSettings
from siamese.video.frames import Video, container_of, opened
from siamese.video.timeline import FaceTimeline
from siamese.video.watching import Progress, VideoReport
from siamese.vocabulary import emotion_of

SUFFIXES = (".mp4", ".mov", ".mkv")

_CODECS = ("libx264", "mpeg4")  # the first that this build of FFmpeg has
_OPTIONS = {
    "libx264": {"preset": "veryfast", "crf": "20"},
    "mpeg4": {"flags": "+qscale", "global_quality": str(3 * 118)},  # a scale of 3, in FFmpeg's units (FF_QP2LAMBDA)
}
_TICKS = Fraction(1, 60_000)  # seconds, in which times are written; MPEG-4 has room for 65,535 of them in one
_LABEL_SHARE = 1 / 40  # of the longer side; the label is a line of text
_SLIDES = 1.0  # seconds; a box moves on from one reading to the next where they are no farther apart


def require_writable(out: Path) -> None:
    """Raises VideoError when no video can be written there; to be asked before much time is spent."""
    if out.suffix.lower() not in SUFFIXES:
        raise VideoError(f"No video can be written to {out}: give it a name that ends in {', '.join(SUFFIXES)}.")
    if why := unwritable(out):
        raise VideoError(f"No video can be written to {out}: {why}.")


def unwritable(path: Path) -> str:
    """Why no file can be written there, without a full stop, or nothing; what is there stays as it is."""
    try:
        if path.is_dir():
            return "it is a folder"
        if not path.parent.is_dir():
            return f"there is no folder {path.parent}"
        if path.is_file():
            path.open("ab").close()
        elif not path.exists():
            TemporaryFile(dir=path.parent).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def annotate(
    report: VideoReport,
    out: Path,
    settings: VideoSettings,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[str, ...]:
    """Write the video, as far as it was read, with its faces marked, in its size, upright, with its times and sound.

    A box moves evenly between readings. Sound is copied as it is, where the copy's format can hold it. Odd sizes become
    even, as the codec wants them. Once `cancelled` answers yes the copy ends. Returns sentences about what is missing.
    Raises VideoError when the video is gone, or the copy cannot be written, of which nothing is left then.
    """
    require_writable(out)
    if out.exists() and out.samefile(report.path):
        raise VideoError(f"{out} is the video itself. Give the copy another name.")
    begun = monotonic()
    try:
        with (
            opened(report.path, settings) as video,
            _unfinished(out) as unfinished,
            _Writer(unfinished, video) as writer,
            _sound(video, report.path, writer.container) as (copy_sound, notes),
        ):
            for frame in video.frames():
                if frame.seconds >= report.read_seconds:
                    copy_sound(report.read_seconds)
                    break
                writer.write(marked(frame.picture, report.faces, frame.seconds), frame.seconds)
                copy_sound(frame.seconds)
                if progress:
                    share = min(1.0, frame.seconds / report.read_seconds)
                    progress(Progress(frame.seconds, share, monotonic() - begun))
                if cancelled and cancelled():
                    notes += ("The copy ends where it was stopped.",)
                    break
            else:
                copy_sound(report.read_seconds)  # the last picture may stand for long
            return notes
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{out} cannot be written: {getattr(error, 'strerror', None) or error}.") from error


def marked(picture: NDArray[np.uint8], faces: Sequence[FaceTimeline], seconds: float) -> NDArray[np.uint8]:
    """A frame, RGB (height, width, 3), with the faces that are seen at that time."""
    marks = [each for face in faces if (each := _mark(face, seconds)) is not None]
    return np.asarray(mark(Image.fromarray(picture), marks, _LABEL_SHARE)) if marks else picture


def _mark(face: FaceTimeline, seconds: float) -> Mark | None:
    row = face.at(seconds)
    if row is None:
        return None
    name = face.names[face.labels[row]]
    label = f"{face.number} {name} {face.probabilities[row, face.labels[row]]:.0%}"
    return Mark(_box(face, row, seconds), emotion_of(name).colour, label)


def _box(face: FaceTimeline, row: int, seconds: float) -> NDArray[np.float32]:
    """Where the face is at a time between this reading and the next."""
    here = face.boxes[row]
    if row + 1 == len(face.seconds) or face.seconds[row + 1] - face.seconds[row] > _SLIDES:
        return here
    share = np.float32((seconds - face.seconds[row]) / (face.seconds[row + 1] - face.seconds[row]))
    return here + share * (face.boxes[row + 1] - here)


class _Writer:
    """A video file that is being written: pictures one by one, and between them the sound of another file."""

    def __init__(self, out: Path, video: Video) -> None:
        self._container = av.open(str(out), "w")
        codec = next(name for name in _CODECS if name in av.codecs_available)
        stream = self._container.add_stream(codec, options=_OPTIONS[codec])
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._odd = video.height % 2, video.width % 2
        self._stream.height, self._stream.width = video.height + self._odd[0], video.width + self._odd[1]
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = self._stream.codec_context.time_base = _TICKS

    @property
    def container(self) -> av.container.OutputContainer:
        """Where sound is added."""
        return self._container

    def write(self, picture: NDArray[np.uint8], seconds: float) -> None:
        """The next picture, RGB (height, width, 3), to be shown at this time."""
        if any(self._odd):
            picture = np.pad(picture, ((0, self._odd[0]), (0, self._odd[1]), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = round(seconds / _TICKS), _TICKS
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._container.mux(self._stream.encode())
        finally:
            self._container.close()


@contextmanager
def _unfinished(out: Path) -> Iterator[Path]:
    """Where to write meanwhile: `out` is as it was until the block ends well, and stays so where it fails."""
    path = out.with_name(f"{out.stem}.unfinished{out.suffix}")
    try:
        yield path
        path.replace(out)
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _sound(
    video: Video, path: Path, out: av.container.OutputContainer
) -> Iterator[tuple[Callable[[float], None], tuple[str, ...]]]:
    """What copies the video's sound up to a time, in seconds, and a sentence where `out` cannot hold it."""
    with container_of(path) as (container, _):
        sounds = container.streams.audio
        known = [each for each in sounds if each.codec_context is not None]  # FFmpeg lacks some codecs
        stream = next((each for each in known if _fits(each, out.format.name)), None)
        if stream is None:
            yield lambda _: None, (_silent(out),) if sounds else ()
            return
        copied = out.add_stream_from_template(stream)
        packets = _timed(container.demux(stream), video.origin)
        waiting = deque[tuple[av.Packet, float]]()

        def copy(until: float) -> None:
            for packet, seconds in chain(tuple(waiting), packets):
                waiting.clear()
                if seconds > until:
                    waiting.append((packet, seconds))
                    return
                packet.stream = copied
                out.mux(packet)

        yield copy, ()


def _fits(stream: av.AudioStream, file_format: str) -> bool:
    """Whether such a file can hold a stream as it is, by trial, since formats claim codecs that they refuse."""
    try:
        with av.open(io.BytesIO(), "w", format=file_format) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _silent(out: av.container.OutputContainer) -> str:
    suffix = Path(out.name).suffix.lower()
    advice = "" if suffix == ".mkv" else " A .mkv file holds most kinds."
    return f"The copy has no sound, since {suffix} files cannot hold the video's.{advice}"


def _timed(packets: Iterable[av.Packet], origin: float) -> Iterator[tuple[av.Packet, float]]:
    """Packets whose times begin with the pictures', and these times in seconds, as far as they can be read."""
    with suppress(av.FFmpegError):
        for packet in packets:
            if packet.pts is None or packet.dts is None:
                continue
            shift = round(origin / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            if packet.pts >= 0:
                yield packet, float(packet.pts * packet.time_base)
