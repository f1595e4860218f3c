"""Frames, one after another → the faces in each, with their numbers and steady readings.

Faces are sought in the whole frame only now and then, when one is lost, or after a cut; in between each is sought
where it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from siamese.faces.detect import Face, FaceDetector
from siamese.settings import FollowingSettings
from siamese.video.scenes import Scenes, miniature
from siamese.video.smoothing import Smoother, Smoothing, exponential
from siamese.video.tracking import Seen, Tracker

if TYPE_CHECKING:
    from siamese.answers import Reading

Picture = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sighting:
    """One face in one frame: its number, what it shows steadily, and what this frame alone shows."""

    number: int
    steady: "Reading"
    momentary: "Reading"


class FaceStream:
    """Reads the frames of one camera or one file, in their order; not safe to share between threads.

    `read` answers what faces of a frame show.
    """

    def __init__(
        self,
        detector: FaceDetector,
        read: Callable[[Picture, Sequence[Face]], "list[Reading]"],
        settings: FollowingSettings,
        max_faces: int,
    ) -> None:
        self.settings = settings
        self.searches = 0  # of whole frames
        self.cuts = 0
        self._detector, self._read, self._max_faces = detector, read, max_faces
        self._scenes = Scenes(settings.cut_below)
        self._tracker = Tracker(settings.forget_seconds, settings.same_look)
        self._smoothing = exponential(settings.smoothing_window, settings.smoothing_strength, settings.smoothing_lead)
        self._wanted = self._smoothing
        self._smoothers: dict[int, tuple[float, Smoother]] = {}  # by number: when it was last seen, and its readings
        self._faces: list[Face] = []
        self._size: tuple[int, ...] = ()
        self._searched = -np.inf  # when the whole frame was last searched, in seconds

    def smooth_by(self, smoothing: Smoothing) -> None:
        """Average from the next frame on in another way, beginning anew; any thread may ask for it."""
        self._wanted = smoothing

    def read(self, frame: Picture, seconds: float) -> list[Sighting]:
        """The faces of a frame (height, width, 3) RGB uint8 that was taken at this time, largest first."""
        if self._wanted is not self._smoothing:
            self._smoothing = self._wanted
            self._smoothers.clear()
        self._forget(seconds)
        if self._scenes.cut(frame):
            self.cuts += 1
            self._faces = []  # where they were, others may be
        self._faces = self._found(frame, seconds)
        if not self._faces:
            return []
        readings = self._read(frame, self._faces)
        seen = [Seen(each.box, each.embedding, miniature(each.crop)) for each in readings]
        numbers = self._tracker.update(seen, seconds, scene=self.cuts)
        return [self._sighting(*each, seconds) for each in zip(numbers, readings, strict=True)]

    def _found(self, frame: Picture, seconds: float) -> list[Face]:
        if self._faces and frame.shape == self._size and seconds - self._searched < self.settings.search_seconds:
            again = self._detector.detect_again(frame, self._faces)
            if None not in again:
                return [face for face in again if face is not None]
        self.searches += 1
        self._searched, self._size = seconds, frame.shape
        return self._detector.detect(frame)[: self._max_faces]

    def _sighting(self, number: int, reading: "Reading", seconds: float) -> Sighting:
        _, smoother = self._smoothers.get(number, (seconds, Smoother(self._smoothing)))
        self._smoothers[number] = seconds, smoother
        names = list(reading.probabilities)
        average, best = smoother.add(np.array(list(reading.probabilities.values())))
        steady = replace(
            reading,
            emotion=names[best],
            confidence=float(average[best]),
            probabilities=dict(zip(names, average.tolist(), strict=True)),
        )
        return Sighting(number, steady, reading)

    def _forget(self, seconds: float) -> None:
        for number, (seen, _) in list(self._smoothers.items()):
            if seconds - seen > self.settings.forget_seconds:
                del self._smoothers[number]
