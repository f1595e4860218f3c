"""Every refusal Semblance makes: one exception class per kind, each carrying a sentence a person can act on."""

import shlex
from typing import Any


def command(*words: object) -> str:
    """A command of Semblance's as sentences show it, its words quoted for a shell."""
    return f"`{shlex.join(['python', '-m', 'siamese', *map(str, words)])}`"


class SemblanceError(Exception):
    """Base of all errors that a person caused and can mend; `str(error)` is the sentence to show."""


class ImageError(SemblanceError):
    """A photo that cannot be read: not an image, truncated, empty or too large."""


class VideoError(SemblanceError):
    """A video that cannot be read or written: no video, no pictures in it, empty, truncated or too large."""


class NoFaceError(SemblanceError):
    """A photo in which no face was found."""


class DatasetError(SemblanceError):
    """A data set that is missing, or not laid out as its loader expects."""


class GalleryError(SemblanceError):
    """A gallery that cannot be read, or does not fit the network in use."""


class FullDiskError(GalleryError):
    """A gallery to which nothing can be written, since there is no room left where it lies."""


class AlbumError(SemblanceError):
    """An album that cannot be summarised: there is no face in it, or no room on the sheet."""


class ReferenceSetError(SemblanceError):
    """A reference set (network, prototypes, calibration) that is missing, damaged or inconsistent."""


class TrainingError(SemblanceError):
    """A training run that cannot start or continue as asked."""


class CollapseError(TrainingError):
    """A training run that was ended since all faces had come to be alike to its network."""


class MeasurementError(SemblanceError):
    """Embeddings, labels or pairs from which a figure cannot be measured: none, mismatched, or of one class only."""


class TeachingError(SemblanceError):
    """An expression that cannot be taught: no name, a name that is taken, no photo, or one that is given twice."""


class DoubtError(TeachingError):
    """A lesson that a person should look at before it is learned; `lesson` has the figures."""

    def __init__(self, sentence: str, lesson: Any) -> None:
        super().__init__(sentence)
        self.lesson = lesson


class SessionError(SemblanceError):
    """A session of the page that is no longer remembered."""


class SettingsError(SemblanceError):
    """A setting whose value cannot be used."""
