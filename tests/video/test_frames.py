"""Frames of video files: each at its time and upright, and each kind of damage with its sentence."""

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from siamese.errors import VideoError
from siamese.settings import VideoSettings
from siamese.video.frames import Frame, Video, opened
from tests.video.made_up import RATE, cut, grey, greys, noise, write_nothing, write_sound, write_video

SETTINGS = VideoSettings()


def read(path: Path, per_second: float | None = None, side: int | None = None) -> list[Frame]:
    with opened(path, SETTINGS) as video:
        return list(video.frames(per_second, side))


def level(frame: Frame) -> float:
    return float(frame.picture.mean())


def test_every_frame_comes_at_its_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", greys(30))
    with opened(path, SETTINGS) as video:
        frames = list(video.frames())
        assert (video.duration, video.end, video.share, video.faults) == (3, pytest.approx(3), 1, ())
        assert (video.width, video.height) == (64, 48)
    assert [frame.seconds for frame in frames] == pytest.approx(np.arange(30) / 10)
    assert [level(frame) for frame in frames] == pytest.approx([10 + 2 * number for number in range(30)], abs=3)
    assert all(frame.picture.shape == (48, 64, 3) and frame.picture.dtype == np.uint8 for frame in frames)


@pytest.mark.parametrize("name", ["video.mkv", "video.webm", "video.avi", "video.mov", "video.ts"])
def test_other_containers_are_read_alike(name: str, tmp_path: Path) -> None:
    codec = {"video.webm": "libvpx", "video.avi": "mpeg4"}.get(name, "libx264")
    frames = read(write_video(tmp_path / name, greys(20), codec=codec))
    assert [frame.seconds for frame in frames] == pytest.approx(np.arange(20) / 10, abs=0.002)


def test_times_of_a_variable_rate_are_the_files_own(tmp_path: Path) -> None:
    times = [0, 0.04, 0.08, 0.5, 0.52, 2.0, 2.9]
    frames = read(write_video(tmp_path / "video.mp4", greys(7), times))
    assert [frame.seconds for frame in frames] == pytest.approx(times)


def test_where_times_are_those_of_decoding_no_frame_is_lost(tmp_path: Path) -> None:
    """AVI has no others, and H.264 decodes frames that build on later ones after those."""
    path = tmp_path / "video.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"bf": "3", "b_adapt": "0"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for picture in greys(60):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    frames = read(path)
    assert [level(frame) for frame in frames] == pytest.approx([10 + 2 * number for number in range(60)], abs=3)
    seconds = np.array([frame.seconds for frame in frames])
    assert (np.diff(seconds) > 0).all()
    assert seconds - seconds[0] == pytest.approx(np.arange(60) / RATE, abs=1.5 / RATE)


@pytest.mark.parametrize("per_second", [1, 3, 5, 7.5])
def test_no_more_frames_a_second_are_read_than_are_asked_for(per_second: float, tmp_path: Path) -> None:
    frames = read(write_video(tmp_path / "video.mp4", greys(40)), per_second)
    slots = [np.floor(frame.seconds * per_second + 1e-6) for frame in frames]
    assert len(set(slots)) == len(slots) and slots == list(range(int(4 * per_second)))


def test_a_rotation_flag_turns_frames_upright(tmp_path: Path) -> None:
    picture = grey(0)
    picture[:24, :32, 0] = 250  # the corner at the top left
    for rotation, corner in ((90, (-1, 0)), (180, (-1, -1)), (-90, (0, -1))):
        path = write_video(tmp_path / f"{rotation}.mp4", [picture] * 3, rotation=rotation)
        with opened(path, SETTINGS) as video:
            frame = next(video.frames())
            assert (video.width, video.height) == ((64, 48) if rotation == 180 else (48, 64))
        assert frame.picture.shape[:2] == (video.height, video.width)
        assert frame.picture[corner][0] > 200 and frame.picture[..., 0].mean() < 100


def test_the_flag_is_as_the_format_has_it(tmp_path: Path) -> None:
    """A telephone held upright writes the matrix (0, 1, −1, 0) into an MP4: a quarter turn with the clock."""
    picture = grey(0)
    picture[:24, :32, 0] = 250
    path = write_video(tmp_path / "video.mp4", [picture] * 3)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    for place, value in enumerate((0, 1, 0, -1, 0, 0)):
        content[matrix + 4 * place : matrix + 4 * place + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    assert read(path)[0].picture[0, -1, 0] > 200


def test_large_frames_are_scaled_down_and_small_ones_left(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", greys(3, 120, 200))
    assert read(path, side=100)[0].picture.shape == (60, 100, 3)
    assert read(path, side=400)[0].picture.shape == (120, 200, 3)


@pytest.mark.parametrize("name", ["video.mp4", "video.mkv", "video.avi"])
def test_single_frames_are_fetched_by_their_times(name: str, tmp_path: Path) -> None:
    codec = "mpeg4" if name.endswith("avi") else "libx264"
    path = write_video(tmp_path / name, greys(100), [number / 5 for number in range(100)], codec=codec, key_every=8)
    frames = read(path)
    wanted = [0, 1, 2, 30, 31, 77, 99]
    with opened(path, SETTINGS) as video:
        fetched = list(video.frames_at([frames[number].seconds for number in wanted] + [1000.0]))
    assert [frame.seconds for frame in fetched] == [frames[number].seconds for number in wanted]
    assert [level(frame) for frame in fetched] == pytest.approx([level(frames[number]) for number in wanted])


@pytest.mark.parametrize(("key_every", "most"), [(1000, 2 * 600), (10, 9 * 11 + 1)])
def test_of_many_moments_no_frame_is_decoded_again_and_again(
    key_every: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "video.mp4", noise(600, 32, 32), key_every=key_every)
    decode, decoded = Video._frames_of, 0

    def counting(video: Video, packet: av.Packet) -> list[av.VideoFrame]:
        nonlocal decoded
        frames = decode(video, packet)
        decoded += len(frames)
        return frames

    monkeypatch.setattr(Video, "_frames_of", counting)
    with opened(path, SETTINGS) as video:
        assert len(list(video.frames_at(6.0 * number for number in range(10)))) == 10
    assert decoded <= most


def test_a_video_with_sound_is_as_long_as_its_pictures(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mkv", greys(10), sound=True)  # whose sound lasts a second longer
    with opened(path, SETTINGS) as video:
        assert len(list(video.frames())) == 10 and video.faults == ()


@pytest.mark.parametrize(
    ("name", "sound"), [("video.mkv", True), ("video.mkv", False), ("video.mp4", True), ("video.webm", False)]
)
def test_times_and_length_count_from_the_first_picture(name: str, sound: bool, tmp_path: Path) -> None:
    times = [2 + number / 10 for number in range(30)]
    codec = "libvpx" if name == "video.webm" else "libx264"
    with opened(write_video(tmp_path / name, greys(30), times, sound=sound, codec=codec), SETTINGS) as video:
        frames = list(video.frames())
        assert (video.duration, video.end, video.faults) == (pytest.approx(3), pytest.approx(3), ())
    assert [frame.seconds for frame in frames] == pytest.approx(np.arange(30) / 10, abs=0.002)


@pytest.mark.parametrize(("name", "index_first"), [("video.mp4", True), ("video.mkv", False)])
def test_a_truncated_file_is_read_as_far_as_it_goes(name: str, index_first: bool, tmp_path: Path) -> None:
    path = cut(write_video(tmp_path / name, noise(40), index_first=index_first))
    with opened(path, SETTINGS) as video:
        frames = list(video.frames())
        assert 10 < len(frames) < 35
        (fault,) = video.faults
    assert fault.startswith(f"cut {name} breaks off after {frames[-1].seconds + 0.1:.1f} of 4.0 seconds")


def test_damage_in_the_middle_is_passed_over_and_said(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", noise(40), index_first=True, key_every=5)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 12_000] = bytes(12_000)
    path.write_bytes(content)
    with opened(path, SETTINGS) as video:
        frames = list(video.frames())
        assert video.faults == ("Parts of video.mp4 are damaged or too large, and were passed over.",)
    assert 20 < len(frames) < 40 and frames[-1].seconds > 3.5


def _empty(folder: Path) -> Path:
    (folder / "video.mp4").touch()
    return folder / "video.mp4"


def _letter(folder: Path) -> Path:
    (folder / "video.mp4").write_text("Dear reader")
    return folder / "video.mp4"


def _photo(folder: Path) -> Path:
    Image.new("RGB", (60, 40)).save(folder / "photo.png")
    return folder / "photo.png"


def _playlist(folder: Path) -> Path:
    """What would have FFmpeg open another file."""
    write_video(folder / "other.mp4", greys(3))
    (folder / "list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nother.mp4\n#EXT-X-ENDLIST\n")
    return folder / "list.mp4"


def _headless(folder: Path) -> Path:
    """An MP4 whose index, at its end, is missing."""
    return cut(write_video(folder / "video.mp4", noise(20)))


def _hidden(folder: Path) -> Path:
    """A video whose index is whole, and all pictures gone."""
    path = write_video(folder / "video.mp4", noise(20), index_first=True)
    content = path.read_bytes()
    pictures = content.index(b"mdat") + 4
    path.write_bytes(content[:pictures] + bytes(len(content) - pictures))
    return path


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda folder: folder / "none.mp4", "There is no file"),
        (lambda folder: folder, "is a folder. Choose a video in it"),
        (_empty, "is empty: it has no bytes"),
        (_letter, "is not a video that can be read"),
        (_photo, "is not a video that can be read"),
        (_playlist, "is not a video that can be read"),
        (_headless, "cut video.mp4.*its end is missing"),
        (_hidden, "not one picture of it can be decoded"),
        (lambda folder: write_sound(folder / "song.m4a"), "song.m4a has only sound: there is no video in it"),
        (lambda folder: write_nothing(folder / "none.mp4"), "There is no picture in none.mp4: its length is zero"),
        (lambda folder: write_nothing(folder / "none.mkv"), "There is no picture in none.mkv: its length is zero"),
    ],
)
def test_what_cannot_be_read_has_its_sentence(made: Callable[[Path], Path], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=sentence):
        read(made(tmp_path))


def test_frames_that_are_too_large_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", greys(3))
    with (
        pytest.raises(VideoError, match=r"a frame of video\.mp4 is 64 × 48"),
        opened(path, VideoSettings(max_pixels=1000)),
    ):
        pass


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("side", [160, 2100])  # the smaller is decoded before it is seen to be too large
def test_frames_that_turn_out_too_large_in_the_middle_are_passed_over(codec: str, side: int, tmp_path: Path) -> None:
    small = write_video(tmp_path / "small.ts", greys(10), codec=codec, key_every=1)
    large = write_video(
        tmp_path / "large.ts", greys(2, side, side), [1 + number / RATE for number in range(2)], codec=codec
    )
    (tmp_path / "both.ts").write_bytes(small.read_bytes() + large.read_bytes())
    assert {frame.picture.shape for frame in read(tmp_path / "both.ts", side=side)} == {(48, 64, 3), (side, side, 3)}
    assert {frame.picture.shape for frame in read(tmp_path / "both.ts")} == {(48, 64, 3)}
    with opened(tmp_path / "both.ts", VideoSettings(max_pixels=20_000)) as video:
        frames = list(video.frames())
        assert len(frames) >= 8  # a codec's threads may drop those that are under way when one fails
        assert {frame.picture.shape for frame in frames} == {(48, 64, 3)}
        assert video.faults == ("Parts of both.ts are damaged or too large, and were passed over.",)


def test_names_need_not_be_utf_8(tmp_path: Path) -> None:
    path = write_video(tmp_path / "video.mp4", greys(3))
    assert len(read(path.rename(os.fsdecode(os.fsencode(path) + b"\xe9")))) == 3


def test_a_squeezed_frame_is_refused_by_the_size_in_which_it_would_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "squeezed.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.sample_aspect_ratio = Fraction(10, 1)
        for number, picture in enumerate(greys(3)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with opened(path, VideoSettings()) as video:
        assert (video.width, video.height) == (640, 48)
    with pytest.raises(VideoError, match="640 × 48"), opened(path, VideoSettings(max_pixels=64 * 48 * 5)):
        pass


def test_reading_stops_between_the_frames_that_are_wanted(tmp_path: Path) -> None:
    with opened(write_video(tmp_path / "long.mp4", greys(60)), VideoSettings()) as video:
        asked = iter(range(1000))
        video.stopped = lambda: next(asked) > 20
        assert len(list(video.frames(per_second=0.1))) == 1  # of which the second would come after ten seconds
        assert video.end < 6 and not video.faults
