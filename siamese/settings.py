"""Environment variables SEMBLANCE_… → every limit and default that a person may change, in one place."""

import logging
import math
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from multiprocessing import parent_process
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from siamese.errors import SettingsError

logger = logging.getLogger(__name__)

PREFIX = "SEMBLANCE_"
SHIPPED = Path(__file__).resolve().parent.parent / "prototypes"  # the reference set that ships, and the detector in it

_OF_TESTS = {"FERPLUS", "FUZZ", "SCHEMA_EXAMPLES"}


@dataclass(frozen=True)
class DecodeLimits:
    """How large a photo may be; a larger one is refused before its pixels are decoded."""

    max_file_bytes: int = 20_000_000
    max_pixels: int = 50_000_000


@dataclass(frozen=True)
class DetectorSettings:
    """What a detector trades: the smallest face it looks for, and how much of a large photo's detail it keeps."""

    smallest_face_share: float = 1 / 18  # of the photo's shorter side
    longest_side: int = 2560  # pixels; larger photos are scaled down for detection alone
    probability: float = 0.7  # faces in photos less certain than this are dropped; the original drops the same


@dataclass(frozen=True)
class FollowingSettings:
    """How faces are followed through the frames of a camera or a video, and how readings are steadied.

    `smoothing_window` counts frames, of which each weighs `smoothing_strength` times the one after it; another emotion
    is shown once its average leads by `smoothing_lead`. `cut_below` and `same_look` are correlations of miniatures.
    """

    smoothing_window: int = 5
    smoothing_strength: float = 0.5
    smoothing_lead: float = 0.15
    search_seconds: float = 1.0  # until the whole frame is searched for new faces again
    forget_seconds: float = 2.0  # until a face that is gone is another when it comes back
    cut_below: float = 0.8  # two frames less alike have a cut of an edited film between them; -1 seeks none
    same_look: float = 0.9  # on both sides of a cut, faces at least so much alike are one


@dataclass(frozen=True)
class VideoSettings:
    """How a video file is read: so many frames a second at most, none larger than it must be, and what is kept of them.

    `longest_side` is in pixels, and larger frames are scaled down to it; a face has at most `key_frames` of them.
    """

    frames_per_second: float = 10.0
    longest_side: int = 1280
    max_pixels: int = DecodeLimits.max_pixels
    key_frames: int = 20


@dataclass(frozen=True)
class IndexAccess:
    """What an index at an address asks of whoever uses it: a token, and so many seconds to answer in."""

    token: str = field(default="", repr=False)
    seconds: float = 10.0


FREE_ACCESS = IndexAccess()


class Settings(BaseSettings):
    """Each field is read from the environment in capitals behind SEMBLANCE_, as in SEMBLANCE_MAX_PIXELS=10000000.

    Raises SettingsError, naming each variable at fault, when a value cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, allow_inf_nan=False)

    reference: Path = SHIPPED  # the reference set's folder
    gallery: Path | None = None  # a gallery's folder; without one, the reference set's own
    precision: Literal["fp32", "int8"] = "fp32"  # of the network; int8 is faster and reads a little otherwise
    stretch: bool = False  # whether the contrast of a face is stretched before it is read, which helps in the dark
    threads: int = Field(0, ge=0)  # of the network; 0 takes every core

    max_file_bytes: int = Field(DecodeLimits.max_file_bytes, gt=0)
    max_pixels: int = Field(DecodeLimits.max_pixels, gt=0, le=170_000_000)  # beyond, Pillow itself refuses

    smallest_face_share: float = Field(DetectorSettings.smallest_face_share, gt=0, le=1)
    longest_side: int = Field(DetectorSettings.longest_side, ge=64)
    probability: float = Field(DetectorSettings.probability, ge=0, le=1)
    max_faces: int = Field(64, gt=0)  # in one photo, the largest first
    whole_picture_from: int = Field(24, ge=1)  # pixels; a square picture of this size or more, and smaller …
    whole_picture_below: int = Field(128, ge=0)  # … than this, may itself be the face
    blank_below: float = Field(2.0, ge=0)  # deviation of grey levels; FER+'s flattest to validate on has 15

    index: str = (
        "auto"  # what finds nearest examples: auto, flat, hnsw, ivf-half, ivf-byte, ivf-product, milvus:ADDRESS
    )
    index_token: str = Field(IndexAccess.token, repr=False)  # for an index at an address that asks for one
    index_seconds: float = Field(IndexAccess.seconds, gt=0)  # that an index at an address may take to answer
    index_megabytes: float = Field(1500, gt=0)  # of memory that it may take, where the choice is automatic
    teaching: bool = True  # whether the page has the tab Teach, and the HTTP API /teach
    teach_photos: int = Field(100, gt=0)  # that an expression is taught from at once
    teach_letters: int = Field(100, gt=0)  # characters of a taught expression's name
    changing: bool = True  # whether the HTTP API adds examples to the gallery and removes them
    checking: bool = True  # whether it has the tab Check, where there are labels to check
    album_photos: int = Field(100, gt=0)  # that the page's tab Album takes at once
    neighbours: int = Field(12, gt=0)  # nearest examples shown for a face
    page_size: int = Field(24, gt=0)  # examples on one page of the gallery

    smoothing_window: int = Field(FollowingSettings.smoothing_window, gt=0, le=1000)
    smoothing_strength: float = Field(FollowingSettings.smoothing_strength, gt=0, le=1)
    smoothing_lead: float = Field(FollowingSettings.smoothing_lead, ge=0, lt=1)
    search_seconds: float = Field(FollowingSettings.search_seconds, ge=0)
    forget_seconds: float = Field(FollowingSettings.forget_seconds, ge=0)
    cut_below: float = Field(FollowingSettings.cut_below, ge=-1, le=1)
    same_look: float = Field(FollowingSettings.same_look, ge=-1, le=1)

    live: bool = True  # whether the page has the tab Live
    live_streams: int = Field(4, gt=0)  # cameras that are read at once
    live_frame_bytes: int = Field(2_000_000, gt=0)  # of one frame
    live_frame_pixels: int = Field(1920 * 1080, gt=0)
    live_idle_seconds: float = Field(30, gt=0)  # until a camera that sends nothing is let go

    frames_per_second: float = Field(VideoSettings.frames_per_second, gt=0, le=1000)  # of a video, that are read
    video_side: int = Field(VideoSettings.longest_side, ge=64)  # pixels; larger frames are scaled down before
    key_frames: int = Field(VideoSettings.key_frames, gt=0, le=1000)  # of each face, at most
    max_video_bytes: int = Field(200_000_000, gt=0)  # of a video that is sent to the page
    page_video_seconds: float = Field(600, gt=0)  # of it that the page reads; a command reads any length
    page_video_work_seconds: float = Field(1800, gt=0)  # that this may take, the copy included
    page_video_waiting_seconds: float = Field(3600, gt=0)  # that one which waits for its turn is kept

    max_connections: int = Field(1000, gt=1)  # at once, to the page and the API; an open page keeps one or two
    page_body_bytes: int = Field(4_000_000, gt=0)  # of a request to the page that is no upload
    max_body_bytes: int = Field(60_000_000, gt=0)  # of a request to the HTTP API; base64 takes a third more
    token: str = Field("", repr=False)  # that the HTTP API asks for; without one it is open to all
    origins: str = ""  # of other sites whose pages may ask it, as in "https://a.example https://b.example"
    hosts: str = ""  # names it goes by, as in "a.example b.example"; without one, any where others can reach it
    requests_per_minute: int = Field(600, ge=0)  # to the HTTP API, from each address; 0 for no limit
    waiting: int = Field(64, ge=0)  # requests to it that wait, or still come, while others are worked on
    body_seconds: float = Field(30, gt=0)  # in which the body of one must have come
    answer_seconds: float = Field(30, gt=0)  # that its answer may take from then on
    log_requests: bool = True  # whether each request to it is logged
    stopping_seconds: int | None = Field(None, ge=0)  # for what was begun, once the program is told to end

    uploads: Path = Path("/dev/shm")  # where the page keeps photos while they are needed, if this is in memory
    upload_bytes: int = Field(1_000_000_000, gt=0)  # that they may take together, those on their way included
    sending_seconds: float = Field(600, gt=0)  # that sending some of them may take
    upload_seconds: float = Field(600, gt=0)  # until one is removed that was not used

    sessions: int = Field(100, gt=0)  # of the page, that are remembered with the faces that they show
    session_seconds: float = Field(3600, gt=0)  # until one is forgotten that was not used

    map_points: int = Field(20_000, gt=0)  # examples on the gallery's map; of more, an even sample

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError("; ".join(_sentence(fault) for fault in error.errors())) from error
        _warn_of_unknown_variables()

    @classmethod
    def given(cls, **values: Any) -> "Settings":
        """The settings, where those of the values that are not None go before the environment."""
        return cls(**{name: value for name, value in values.items() if value is not None})

    @property
    def seconds_to_stop(self) -> int:
        """That what was begun has left once the program is told to end: by default, as long as an answer may take."""
        return math.ceil(self.answer_seconds) + 1 if self.stopping_seconds is None else self.stopping_seconds

    @property
    def index_access(self) -> IndexAccess:
        """How an index at an address is used."""
        return IndexAccess(self.index_token, self.index_seconds)

    @property
    def decode_limits(self) -> DecodeLimits:
        """The limits for `siamese.faces.decode.decode`."""
        return DecodeLimits(self.max_file_bytes, self.max_pixels)

    @property
    def detector(self) -> DetectorSettings:
        """The settings for `siamese.faces.detect.FaceDetector`."""
        return DetectorSettings(self.smallest_face_share, self.longest_side, self.probability)

    @property
    def following(self) -> FollowingSettings:
        """The settings for `siamese.video.following.FaceStream`."""
        return FollowingSettings(
            self.smoothing_window,
            self.smoothing_strength,
            self.smoothing_lead,
            self.search_seconds,
            self.forget_seconds,
            self.cut_below,
            self.same_look,
        )

    @property
    def video(self) -> VideoSettings:
        """The settings for `siamese.video.watching.watch`."""
        return VideoSettings(self.frames_per_second, self.video_side, self.max_pixels, self.key_frames)


def _sentence(fault: Any) -> str:
    variable = PREFIX + str(fault["loc"][0]).upper()
    return f"{variable} is «{fault['input']}», which cannot be used: {fault['msg']}."


@cache
def _warn_of_unknown_variables() -> None:
    """Once a program: a misspelt token would leave the API open without a word."""
    if parent_process() is not None:  # which has said it
        return
    known = {name.upper() for name in Settings.model_fields} | _OF_TESTS
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix(PREFIX)
        if variable.upper().startswith(PREFIX) and name not in known:
            nearest = get_close_matches(name, known - _OF_TESTS, n=1)
            hint = f" Did you mean {PREFIX}{nearest[0]}?" if nearest else ""
            logger.warning(f"There is no setting {variable}: it changes nothing.{hint}")
