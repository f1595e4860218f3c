"""A video file → a report of what each face in it shows over time, read once, frame by frame, in constant memory."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from siamese.settings import VideoSettings
from siamese.video.following import FaceStream
from siamese.video.frames import Video, opened
from siamese.video.keyframes import LAGS, LEFT_OUT, Choosing, KeyFrame, brightness, outlying
from siamese.video.timeline import FaceTimeline, Timeline

_CUTOUT_MARGIN = 0.35  # of a face's side, that is shown around it
_AT_LEAST = 0.001  # seconds, that the last frame is shown
_FIRST_GUESS = 0.5  # seconds, until how long the rest takes can be told


@dataclass(frozen=True)
class Progress:
    """How far a video was read: until which second, which share of it, 0…1, and for how many seconds of our time."""

    seconds: float
    share: float
    elapsed: float

    @property
    def left(self) -> float | None:
        """How many seconds the rest will take, as it has gone until now; None while that cannot be told."""
        if self.elapsed < _FIRST_GUESS or not self.share:
            return None
        return self.elapsed * (1 - self.share) / self.share


@dataclass(frozen=True, eq=False)
class VideoReport:
    """What was read of a video: its faces, the one that was seen longest first, and each one's most telling moments.

    `duration` is the video's in seconds, or None where the file does not tell; `read_seconds` is how much of it was
    read, and `whole` whether that is all; `size` is (width, height) as it is shown. `notes` are sentences about what is
    missing: that it was stopped, that the file breaks off, that no face was found, that there was no moment to choose.
    """

    path: Path
    size: tuple[int, int]
    duration: float | None
    read_seconds: float
    whole: bool
    frames: int
    faces: tuple[FaceTimeline, ...]
    key_frames: dict[int, list[KeyFrame]]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "video": str(self.path),
            "width": self.size[0],
            "height": self.size[1],
            "duration": self.duration,
            "read_seconds": self.read_seconds,
            "whole": self.whole,
            "frames": self.frames,
            "notes": list(self.notes),
            "faces": [
                {**face.to_dict(), "key_frames": [each.to_dict() for each in self.key_frames[face.number]]}
                for face in self.faces
            ],
        }


class _Watch:
    """What one reading of a video gathers."""

    def __init__(self, video: Video, stream: FaceStream, settings: VideoSettings, published: bool) -> None:
        self.video, self.settings = video, settings
        self.timeline = Timeline()
        self.frames, self.last = 0, 0.0
        self._stream, self._published = stream, published
        self._choosing: dict[int, Choosing] = {}
        self._times, self._sums = array("d"), array("d")

    def read(self, picture: NDArray[np.uint8], seconds: float) -> None:
        """One frame."""
        height, width = picture.shape[:2]  # which may change on the way, and with them the picture's shape
        across, down = self.video.width / width, self.video.height / height
        scale = np.array([across, down, across, down], np.float32)
        sightings = self._stream.read(picture, seconds)
        self.timeline.add(seconds, sightings, scale)
        if self._published:
            self._times.append(seconds)
            self._sums.append(brightness(picture))
        else:
            for sighting in sightings:
                choosing = self._choosing.setdefault(sighting.number, Choosing(self.settings.key_frames))
                choosing.add(seconds, sighting, scale)
        self.frames, self.last = self.frames + 1, seconds

    def key_frames(self, faces: list[FaceTimeline]) -> dict[int, list[KeyFrame]]:
        """Of each face."""
        if not self._published:
            return {face.number: self._choosing[face.number].chosen(face.number) for face in faces}
        times = [self._times[place] for place in outlying(np.array(self._sums))]
        return {face.number: _moments(face, times) for face in faces}

    def no_choice(self) -> str:
        """Why no key frame could be chosen, as a sentence, or nothing."""
        if not self._published or self.frames > 2 * LEFT_OUT + min(LAGS):
            return ""
        return (
            f"The published method leaves out the first and last {LEFT_OUT} frames that are read: of the {self.frames} "
            f"of {self.video.name}, none could be chosen. Raise --per-second, or leave out --published."
        )


def watch(
    path: str | PathLike[str],
    stream: FaceStream,
    settings: VideoSettings,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    until: float | None = None,
    published: bool = False,
) -> VideoReport:
    """Read a video; once `cancelled` answers yes, or at the second `until`, what was read by then is reported.

    `progress` is called after each frame that was read. With `published`, representative frames are chosen by the
    published method, in place of ours. Raises VideoError when the video cannot be read.
    """
    with opened(path, settings) as video:
        seen = _Watch(video, stream, settings, published)
        stopped = _read_all(seen, until or np.inf, progress, cancelled)
        read_seconds = min(video.end, until or np.inf)
        seen.timeline.end(max(read_seconds, seen.last + _AT_LEAST))
        faces = seen.timeline.faces()
        missing = seen.no_choice() if faces else _no_face(video.name)
        notes = [*([stopped] if stopped else []), *video.faults, *([missing] if missing else [])]
        return VideoReport(
            Path(path),
            (video.width, video.height),
            video.duration,
            read_seconds,
            not stopped and not video.faults,
            seen.frames,
            tuple(faces),
            seen.key_frames(faces),
            tuple(notes),
        )


def _read_all(
    seen: _Watch,
    until: float,
    progress: Callable[[Progress], None] | None,
    cancelled: Callable[[], bool] | None,
) -> str:
    """Read frame by frame; why that ended before the video did, as a sentence, or nothing."""
    begun, video, settings = monotonic(), seen.video, seen.settings
    if cancelled:
        video.stopped = cancelled  # frames between those that are read may be many
    for frame in video.frames(settings.frames_per_second, settings.longest_side):
        if frame.seconds >= until:
            return f"Of {video.name}, the first {until:g} seconds were read."
        seen.read(frame.picture, frame.seconds)
        if progress:
            progress(Progress(frame.seconds, max(video.share, frame.seconds / until), monotonic() - begun))
        if video.stopped():
            break
    if not video.stopped():
        return ""
    of = f" of {video.duration:.1f}" if video.duration else ""
    return f"Reading was stopped after {video.end:.1f}{of} seconds; what was read until then is kept."


def _moments(face: FaceTimeline, times: list[float]) -> list[KeyFrame]:
    """What a face shows at those of the times at which it is seen."""
    rows = [(seconds, row) for seconds in times if (row := face.at(seconds)) is not None]
    return [
        KeyFrame(
            face.number,
            seconds,
            face.names[face.labels[row]],
            float(face.probabilities[row, face.labels[row]]),
            face.boxes[row],
        )
        for seconds, row in rows
    ]


def _no_face(name: str) -> str:
    return f"No face was found in {name}. Try a video in which faces are larger, well lit and turned to the camera."


def pictures(
    report: VideoReport,
    key_frames: Iterable[KeyFrame],
    settings: VideoSettings,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[tuple[KeyFrame, NDArray[np.uint8]]]:
    """Each of the key frames, in the order of time, with its frame in full size, (height, width, 3) RGB uint8.

    Frames are fetched from the file again, one at a time, until `cancelled` answers yes. Raises VideoError when the
    file is gone.
    """
    by_time: dict[float, list[KeyFrame]] = {}
    for key_frame in sorted(key_frames, key=lambda each: each.seconds):
        by_time.setdefault(key_frame.seconds, []).append(key_frame)
    with opened(report.path, settings) as video:
        if cancelled:
            video.stopped = cancelled
        for frame in video.frames_at(by_time):
            for key_frame in by_time.get(frame.seconds, []):
                yield key_frame, frame.picture


def cutout(picture: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A frame's square part around a face's box, as far as the frame goes."""
    middle, reach = (box[:2] + box[2:]) / 2, (0.5 + _CUTOUT_MARGIN) * float((box[2:] - box[:2]).max())
    height, width = picture.shape[:2]
    reach = min(reach, width / 2, height / 2)
    left, top = np.clip(middle - reach, 0, [width - 2 * reach, height - 2 * reach]).round().astype(int).tolist()
    side = max(1, round(2 * reach))
    return picture[top : top + side, left : left + side]
