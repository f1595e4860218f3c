"""Pictures → small video files of every kind that the tests want, written by PyAV."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]

RATE = 10  # frames a second, unless times are given
_TICKS = Fraction(1, 1000)
_SOUND_RATE = 8000


def write_video(
    path: Path,
    pictures: Iterable[Picture],
    times: Sequence[float] | None = None,
    rotation: int = 0,
    sound: bool = False,
    codec: str = "libx264",
    key_every: int = 250,
    index_first: bool = False,
    sound_codec: str = "aac",
) -> Path:
    """A video of these pictures, RGB (height, width, 3), shown at these times (seconds); `rotation` is its flag.

    A picture in `key_every` does not build on others. With `index_first`, an MP4 can be read without its end.
    """
    with av.open(str(path), "w", options={"movflags": "faststart"} if index_first else {}) as container:
        stream = container.add_stream(codec, rate=RATE, options={"g": str(key_every)})
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", _TICKS
        heard = _add_sound(container, sound_codec) if sound else None
        if rotation:
            stream.set_display_rotation(rotation)
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round((times[number] if times else number / RATE) * 1000), _TICKS
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if heard:
            _write_sound(container, heard)
    return path


def write_nothing(path: Path) -> Path:
    """A whole video file of no picture at all."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    return path


def write_sound(path: Path) -> Path:
    """A file that holds two seconds of sound, and no picture."""
    with av.open(str(path), "w") as container:
        _write_sound(container, _add_sound(container))
    return path


def _add_sound(container: av.container.OutputContainer, codec: str = "aac") -> av.AudioStream:
    return container.add_stream(codec, rate=_SOUND_RATE, layout="mono")


def _write_sound(container: av.container.OutputContainer, stream: av.AudioStream, seconds: int = 2) -> None:
    wave = np.sin(np.arange(_SOUND_RATE * seconds) / 5).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = _SOUND_RATE, 0
    resampler = av.AudioResampler(stream.format, frame_size=stream.frame_size)
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(part))
    container.mux(stream.encode())


def cut(path: Path, share: float = 2 / 3) -> Path:
    """The first part of a file, as of a download that broke off."""
    whole = path.read_bytes()
    shorter = path.with_name(f"cut {path.name}")
    shorter.write_bytes(whole[: int(len(whole) * share)])
    return shorter


def grey(level: int, height: int = 48, width: int = 64) -> Picture:
    """A picture of one grey."""
    return np.full((height, width, 3), level, np.uint8)


def greys(count: int, height: int = 48, width: int = 64) -> list[Picture]:
    """Pictures of which each can be told from the others by its grey: the n-th is about 10 + 2 n."""
    return [grey(10 + 2 * number, height, width) for number in range(count)]


def noise(count: int, height: int = 48, width: int = 64) -> list[Picture]:
    """Pictures of chance, whose files are large enough to be cut."""
    chance = np.random.default_rng(0)
    return [chance.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]


def faces(portrait: Picture, count: int, side: int = 192) -> list[Picture]:
    """A portrait (height, width, 3), small, that moves by a pixel from picture to picture."""
    small = np.asarray(Image.fromarray(portrait).resize((side, side), Image.Resampling.BOX))
    return [np.roll(small, number, axis=1) for number in range(count)]
