"""The annotated copy: the same size, times and sound, and boxes where the faces are."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageColor

from siamese import ExpressionService
from siamese.errors import VideoError
from siamese.settings import VideoSettings
from siamese.video import annotating
from siamese.video.annotating import marked
from siamese.video.frames import Frame, opened
from siamese.vocabulary import emotion_of
from tests.video.made_up import faces, write_video


def read(path: Path) -> list[Frame]:
    with opened(path, VideoSettings()) as video:
        return list(video.frames())


def heard(path: Path) -> float:
    """How many seconds of sound a file holds."""
    with av.open(str(path)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def streams(path: Path) -> list[str]:
    """Of what kinds a file's streams are."""
    with av.open(str(path)) as container:
        return [stream.type for stream in container.streams]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_copy_keeps_size_times_and_sound(
    suffix: str, service: ExpressionService, portrait_video: Path, tmp_path: Path
) -> None:
    report = service.watch(portrait_video)
    service.annotate(report, tmp_path / f"copy{suffix}")
    before, after = read(portrait_video), read(tmp_path / f"copy{suffix}")
    assert [frame.seconds for frame in after] == pytest.approx([frame.seconds for frame in before], abs=0.002)
    assert after[0].picture.shape == before[0].picture.shape
    assert heard(tmp_path / f"copy{suffix}") == pytest.approx(2, abs=0.2)
    (face,) = report.faces
    left, top, _, bottom = face.boxes[10]
    colour = ImageColor.getrgb(emotion_of(face.names[face.labels[10]]).colour)
    at = after[10].picture[round((top + bottom) / 2), round(left) + 1]
    assert np.abs(at.astype(int) - colour).max() < 60
    assert np.abs(after[10].picture[-4:, :4].astype(int) - before[10].picture[-4:, :4]).mean() < 12


def test_frames_keep_their_times_where_their_rate_varies_and_are_upright(
    service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    times = [0, 0.05, 0.4, 0.45, 1.5]
    path = write_video(tmp_path / "video.mp4", faces(astronaut, 5)[:5], times, rotation=90)
    service.annotate(service.watch(path), tmp_path / "copy.mp4")
    copied = read(tmp_path / "copy.mp4")
    assert [frame.seconds for frame in copied] == pytest.approx(times, abs=0.002)
    assert np.abs(copied[0].picture.astype(int) - read(path)[0].picture).mean() < 15


def test_where_there_is_no_h264_an_older_codec_takes_its_place(
    service: ExpressionService, portrait_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotating, "_CODECS", ("mpeg4",))
    service.annotate(service.watch(portrait_video), tmp_path / "copy.mp4")
    before, after = read(portrait_video), read(tmp_path / "copy.mp4")
    assert [frame.seconds for frame in after] == pytest.approx([frame.seconds for frame in before], abs=0.002)
    assert np.abs(after[10].picture[-4:, :4].astype(int) - before[10].picture[-4:, :4]).mean() < 12


def test_odd_sizes_become_even(service: ExpressionService, tmp_path: Path) -> None:
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 61, 45, "yuv444p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((45, 61, 3), 90, np.uint8), "rgb24")))
        container.mux(stream.encode())
    service.annotate(service.watch(path), tmp_path / "copy.mp4")
    assert read(tmp_path / "copy.mp4")[0].picture.shape == (46, 62, 3)


def test_only_what_was_read_is_copied(service: ExpressionService, portrait_video: Path, tmp_path: Path) -> None:
    service.annotate(service.watch(portrait_video, until=0.5), tmp_path / "copy.mp4")
    assert len(read(tmp_path / "copy.mp4")) == 5 and heard(tmp_path / "copy.mp4") < 0.8
    told: list[object] = []
    report = service.watch(portrait_video)
    notes = service.annotate(report, tmp_path / "other.mp4", told.append, lambda: len(told) == 7)
    assert len(read(tmp_path / "other.mp4")) == 7 and notes == ("The copy ends where it was stopped.",)


def test_sound_goes_on_while_a_picture_stands(
    service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    times = [0, 0.1, 1.2]  # the last one until 2.3
    path = write_video(tmp_path / "slides.mp4", faces(astronaut, 3), times, sound=True)
    service.annotate(service.watch(path), tmp_path / "copy.mp4")
    assert heard(tmp_path / "copy.mp4") == pytest.approx(2, abs=0.1)


def test_sound_of_a_kind_that_is_not_known_is_left_out(
    service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = write_video(tmp_path / "strange.mkv", faces(astronaut, 3), sound=True)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XYZ"))
    for suffix, advice in ((".mp4", " A .mkv file holds most kinds."), (".mkv", "")):
        notes = service.annotate(service.watch(path), tmp_path / f"copy{suffix}")
        assert streams(tmp_path / f"copy{suffix}") == ["video"]
        assert notes == (f"The copy has no sound, since {suffix} files cannot hold the video's.{advice}",)


@pytest.mark.parametrize("codec", ["libopus", "flac"])
def test_sound_that_the_copys_format_refuses_is_left_out(
    codec: str, service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = write_video(tmp_path / "film.mkv", faces(astronaut, 3), sound=True, sound_codec=codec)
    report = service.watch(path)
    for suffix, found in ((".mov", ["video"]), (".mp4", ["video", "audio"]), (".mkv", ["video", "audio"])):
        notes = service.annotate(report, tmp_path / f"copy{suffix}")
        assert streams(tmp_path / f"copy{suffix}") == found
        assert len(notes) == (found == ["video"])


def test_of_a_copy_that_fails_nothing_is_left(service: ExpressionService, portrait_video: Path, tmp_path: Path) -> None:
    def full(_: object) -> None:
        raise VideoError("There is no room.")

    with pytest.raises(VideoError, match="no room"):
        service.annotate(service.watch(portrait_video, until=0.5), tmp_path / "copy.mp4", full)
    assert not list(tmp_path.iterdir())


def test_a_box_moves_on_between_two_readings(service: ExpressionService, portrait_video: Path) -> None:
    report = service.watch(portrait_video)
    (face,) = report.faces
    frame = np.zeros((192, 192, 3), np.uint8)
    face.boxes[0], face.boxes[1] = [20, 60, 60, 100], [40, 60, 80, 100]
    lefts = [np.flatnonzero(marked(frame, [face], seconds)[80].any(axis=1))[0] for seconds in (0, 0.05, 0.0999)]
    assert lefts == pytest.approx([20, 30, 40], abs=1)
    assert not marked(frame, [face], 99.0).any() and not frame.any()


def test_a_copy_that_cannot_be_written_has_its_sentence(
    service: ExpressionService, portrait_video: Path, tmp_path: Path
) -> None:
    report = service.watch(portrait_video, until=0.2)
    for out, sentence in (
        (tmp_path / "copy.txt", "ends in .mp4, .mov, .mkv"),
        (tmp_path / "none" / "copy.mp4", "there is no folder"),
        (portrait_video, "is the video itself"),
    ):
        with pytest.raises(VideoError, match=sentence):
            service.annotate(report, out)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(VideoError, match=r"folder.mp4: it is a folder"):
        service.annotate(report, tmp_path / "folder.mp4")
