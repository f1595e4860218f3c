"""A video file → its frames as upright pictures with their times, one after another or at given times.

Times are those at which a player shows a frame, in seconds from the first picture, so that frames may come at any rate.
Where sound begins before the pictures, a player's clock is ahead by that much; copies begin with the first picture too.
What is truncated or damaged is read as far as it goes, and a sentence says so.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from siamese.errors import VideoError
from siamese.settings import VideoSettings

# Of all that FFmpeg knows, these: others open further files, or addresses, that a video's author names.
FORMATS = ("mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "gif")
_FORMAT_NAMES = "MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV, OGG or GIF"

_WORTH_SEEKING = 5.0  # seconds ahead; nearer frames are reached by reading on
_SAME_TIME = 0.0005  # seconds
_MISSING = 0.5  # seconds, and two frames, that may lack at the end of a video that is whole
_USUAL_RATE = 25.0  # frames a second, where a file does not tell
_EDGES = 4_000_000  # pixels that a codec may add around a frame


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video, RGB (height, width, 3) uint8, and when it is shown, in seconds from the beginning."""

    seconds: float
    picture: NDArray[np.uint8]


@contextmanager
def opened(path: str | PathLike[str], settings: VideoSettings) -> Iterator["Video"]:
    """The video in a file, while this block runs.

    Raises VideoError when there is no such file, it is a folder, empty or no video, has no pictures, or larger ones
    than `settings.max_pixels`.
    """
    with container_of(Path(path)) as (container, file):
        yield Video(container, file, Path(path).name, settings)


@contextmanager
def container_of(path: Path) -> Iterator[tuple[av.container.InputContainer, BinaryIO]]:
    """A video or sound file for FFmpeg, and as the file that it reads. Raises VideoError as `opened` does."""
    with _file(path) as file, _container(file, path.name) as container:
        yield container, file


class Video:
    """An opened video: its size as it is shown, and how long it is in seconds, or None where the file does not tell.

    `origin` is when it begins, as its own clock has it, in seconds. `end` is where the last frame that was decoded
    ends, counted from there; `faults` are sentences about what could not be read until then.
    """

    def __init__(
        self, container: av.container.InputContainer, file: BinaryIO, name: str, settings: VideoSettings
    ) -> None:
        self.name = name
        self.end = 0.0
        self._container, self._file, self._settings = container, file, settings
        self._stream = _video_stream(container, name)
        self._stream.thread_type = "AUTO"
        self._rate = float(self._stream.average_rate or _USUAL_RATE)
        base = self._stream.time_base
        assert base is not None  # of a stream that is read it is known
        self._base = base
        self.origin = float((self._stream.start_time or 0) * base)
        self._bytes = max(1, Path(file.name).stat().st_size)
        self.stopped: Callable[[], bool] = lambda: False  # asked for each packet, whether to go on or not
        self._damaged = self._whole = False
        self.duration = self._told_duration()
        first, self._coming = self._begun()
        width, height = self._shown_size(first.width, first.height)
        self.width, self.height = (height, width) if _quarter_turns(first) % 2 else (width, height)

    @property
    def share(self) -> float:
        """How much of the video was decoded, 0…1: by its duration, or else by the bytes that were read."""
        return min(1.0, self.end / self.duration if self.duration else self._file.tell() / self._bytes)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the file, as far as it was read; whether it breaks off is known at its end."""
        missing = max(_MISSING, 2 / self._rate)
        if self._whole and self.duration and self.end < self.duration - missing:
            return (
                f"{self.name} breaks off after {self.end:.1f} of {self.duration:.1f} seconds: it is truncated or "
                "damaged. What comes before was read.",
            )
        return (f"Parts of {self.name} are damaged or too large, and were passed over.",) if self._damaged else ()

    def frames(self, per_second: float | None = None, longest_side: int | None = None) -> Iterator[Frame]:
        """The frames in their order, at most so many a second, scaled down to a longest side (pixels) where larger.

        Without a longest side all come in the video's own size, even where the file's change theirs on the way. Those
        in between are decoded, since others build on them, but no pictures are made of them. One that is too large is
        passed over.
        """
        due = -np.inf
        for frame, seconds in self._coming:
            if seconds < due:
                continue
            if per_second:
                due = (np.floor(seconds * per_second + _SAME_TIME) + 1) / per_second - _SAME_TIME
            yield Frame(seconds, self._picture(frame, longest_side))
        self._whole = not self.stopped()

    def frames_at(self, times: Iterable[float], longest_side: int | None = None) -> Iterator[Frame]:
        """The frames that begin at these times (seconds, ascending), or next; what is beyond the end is left out.

        Each bears the time it was asked for. What lies between two of them is skipped where that is quicker, so that
        it matters little how long the video is; with few key frames it is decoded, no more than twice.
        """
        decoded, reached, key = self._coming, 0.0, 0.0
        for wanted in times:
            # A seek may end at the key frame that was passed last: so much would be decoded again.
            if wanted - reached > max(_WORTH_SEEKING, reached - key):
                decoded = self._decoded_from(wanted)
            for frame, seconds in decoded:
                key = seconds if frame.key_frame else key
                if seconds >= wanted - _SAME_TIME:
                    reached = seconds
                    yield Frame(wanted, self._picture(frame, longest_side))
                    break

    def _decoded_from(self, wanted: float) -> Iterator[tuple[av.VideoFrame, float]]:
        """The frames from this time on, or from before; where a file cannot be sought in, those that are left."""
        with suppress(av.FFmpegError):
            self._seek(wanted)
            decoded = self._decoded()
            first = next(decoded, None)
            if first and first[1] <= wanted + _SAME_TIME:
                yield first
                yield from decoded
                return
            self._seek(0.0)  # the file's index led too far
        yield from self._decoded()

    def _seek(self, seconds: float) -> None:
        self._container.seek(int((seconds + self.origin) / self._base), stream=self._stream)

    def _decoded(self) -> Iterator[tuple[av.VideoFrame, float]]:
        """Every frame that can be decoded, with its time in seconds, which only grows.

        One without a time, or with one that lies back, as an AVI file tells the order of decoding, follows the last.
        """
        step = 1 / self._rate
        last = -step
        for packet in self._packets():
            for frame in self._frames_of(packet):
                told = -1.0 if frame.time is None else max(0.0, frame.time - self.origin)
                last = told if told > last else last + step
                self.end = last + (float(frame.duration * self._base) if frame.duration else step)
                yield frame, last

    def _packets(self) -> Iterator[av.Packet]:
        try:
            for packet in self._container.demux(self._stream):
                if self.stopped():
                    return
                yield packet
        except av.FFmpegError:
            self._damaged = True

    def _frames_of(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            frames = [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
        except av.FFmpegError:
            self._damaged = True
            return []
        whole = [frame for frame in frames if not frame.is_corrupt and self._fits(frame)]
        self._damaged |= len(whole) < len(frames)
        return whole

    def _fits(self, frame: av.VideoFrame) -> bool:
        width, height = self._shown_size(frame.width, frame.height)
        return max(width, frame.width) * height <= self._settings.max_pixels

    def _picture(self, frame: av.VideoFrame, longest_side: int | None) -> NDArray[np.uint8]:
        turns = _quarter_turns(frame)
        if longest_side:
            width, height = self._shown_size(frame.width, frame.height)
            scale = min(1.0, longest_side / max(width, height))
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        else:
            width, height = (self.height, self.width) if turns % 2 else (self.width, self.height)
        pixels = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA")
        return np.ascontiguousarray(np.rot90(pixels, turns))

    def _shown_size(self, width: int, height: int) -> tuple[int, int]:
        """As it is shown, where pixels are not square, before it is turned upright."""
        aspect = self._stream.sample_aspect_ratio
        return (round(width * aspect) if aspect else width), height

    def _begun(self) -> tuple[av.VideoFrame, Iterator[tuple[av.VideoFrame, float]]]:
        """The first frame, which alone tells how it is turned, and all frames, itself among them."""
        told = self._stream.codec_context
        width, height = self._shown_size(told.width, told.height)
        _check_pixels(max(width, told.width), height, self.name, self._settings)
        told.options = {"max_pixels": str(self._settings.max_pixels + _EDGES)}  # of frames larger than was told
        frames = self._decoded()
        first = next(frames, None)
        if first is None:
            raise _undecodable(self.name) if self._damaged or self.duration else _nothing(self.name)
        return first[0], chain([first], frames)

    def _told_duration(self) -> float | None:
        """As the file tells of its pictures; of a whole file with sound only where that cannot be the longer part."""
        if self._stream.duration:
            return float(self._stream.duration * self._base)
        told = _seconds(self._stream.metadata.get("DURATION", ""))
        if not told and len(self._container.streams) == 1:
            told = (self._container.duration or 0) / av.time_base
        if told and "matroska" in self._container.format.name:  # which tells when the pictures end, not for how long
            told = max(0.0, told - self.origin)
        return told or None


def _file(path: Path) -> BinaryIO:
    """The open file. That it is opened here lets FFmpeg read no other."""
    try:
        if path.is_dir():
            raise VideoError(f"{path} is a folder. Choose a video in it.")
        if path.stat().st_size == 0:
            raise VideoError(f"{path.name} is empty: it has no bytes. Choose another.")
        return path.open("rb")
    except FileNotFoundError as error:
        raise VideoError(f"There is no file {path}. Check its name and folder.") from error
    except (OSError, ValueError) as error:
        raise VideoError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


@contextmanager
def _container(file: BinaryIO, name: str) -> Iterator[av.container.InputContainer]:
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "none"}
    try:
        container = av.open(file, container_options=options, metadata_errors="replace")
    except av.EOFError as error:
        raise _nothing(name) from error
    except (av.FFmpegError, ValueError) as error:
        raise VideoError(
            f"{name} is not a video that can be read, or its end is missing. Give a whole {_FORMAT_NAMES} file."
        ) from error
    assert isinstance(container, av.container.InputContainer)
    with container:
        if not (container.streams.video or container.streams.audio):  # as of an MP4 whose end, its index, is missing
            raise _nothing(name)
        yield container


def _video_stream(container: av.container.InputContainer, name: str) -> av.VideoStream:
    """The first that moves: a sound's cover is a picture too."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context is not None:
            return stream
    raise VideoError(f"{name} has only sound: there is no video in it. Choose another.")


def _quarter_turns(frame: av.VideoFrame) -> int:
    """By how many right angles, against the clock, a frame is turned to be shown upright."""
    return round(frame.rotation / 90) % 4


def _seconds(told: str) -> float | None:
    """«00:01:02.5», as Matroska writes it, in seconds."""
    try:
        hours, minutes, seconds = told.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None


def _check_pixels(width: int, height: int, name: str, settings: VideoSettings) -> None:
    if width * height > settings.max_pixels:
        raise VideoError(
            f"Too large: a frame of {name} is {width} × {height}, {width * height / 1e6:.1f} megapixels, and at most "
            f"{settings.max_pixels / 1e6:g} are read. Scale it down."
        )


def _nothing(name: str) -> VideoError:
    return VideoError(
        f"There is no picture in {name}: its length is zero, or its end is missing. Fetch it again, or choose another."
    )


def _undecodable(name: str) -> VideoError:
    return VideoError(f"{name} is truncated or damaged: not one picture of it can be decoded. Fetch it again.")
