"""A video, watched: what the report says, what stopping keeps, and that pictures are those of the moments."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from siamese import ExpressionService
from siamese.errors import VideoError
from siamese.video.watching import Progress, cutout
from siamese.vocabulary import EMOTIONS
from tests.video.made_up import cut, faces, greys, write_video


def test_a_face_is_followed_through_the_video(service: ExpressionService, portrait_video: Path) -> None:
    told: list[Progress] = []
    report = service.watch(portrait_video, told.append)
    (face,) = report.faces
    assert (report.size, report.duration, report.frames, report.whole, report.notes) == ((192, 192), 2, 20, True, ())
    assert face.seconds == pytest.approx(np.arange(20) / 10) and face.seen_seconds == pytest.approx(2)
    assert sum(face.shares.values()) == pytest.approx(1) and set(face.names) == set(EMOTIONS)
    assert [each.seconds for each in told] == pytest.approx(np.arange(20) / 10)
    assert told[-1].share == pytest.approx(1) and all(0 < each.share <= 1 for each in told)
    shown = json.loads(json.dumps(report.to_dict()))
    assert shown["faces"][0]["readings"] == 20 and shown["whole"] is True


def test_the_time_that_is_left_is_told_from_what_has_passed() -> None:
    assert Progress(30, 0.25, 10).left == pytest.approx(30)
    assert Progress(0.1, 0.01, 0.1).left is None and Progress(0, 0, 5).left is None


def test_what_was_read_is_kept_when_it_is_stopped(service: ExpressionService, portrait_video: Path) -> None:
    seen: list[Progress] = []
    report = service.watch(portrait_video, seen.append, cancelled=lambda: len(seen) == 8)
    (face,) = report.faces
    assert len(face.seconds) == 8 and face.seen_seconds == pytest.approx(0.8) and not report.whole
    assert report.notes == ("Reading was stopped after 0.8 of 2.0 seconds; what was read until then is kept.",)


def test_only_its_beginning_is_read_where_that_is_asked_for(service: ExpressionService, portrait_video: Path) -> None:
    told: list[Progress] = []
    report = service.watch(portrait_video, told.append, until=0.5)
    assert told[-1].share == pytest.approx(0.8)  # of what is to be read
    assert report.frames == 5 and report.faces[0].last_seen == pytest.approx(0.5) and not report.whole
    assert report.notes == ("Of portrait.mp4, the first 0.5 seconds were read.",)


def test_without_a_face_it_is_said(service: ExpressionService, tmp_path: Path) -> None:
    report = service.watch(write_video(tmp_path / "wall.mp4", greys(3, 96, 128)))
    assert report.faces == () and report.whole and report.notes[0].startswith("No face was found in wall.mp4.")


def test_of_a_truncated_video_the_rest_is_reported(
    service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    whole = write_video(tmp_path / "video.mp4", faces(astronaut, 30), index_first=True, key_every=5)
    report = service.watch(cut(whole))
    assert report.faces and not report.whole and "breaks off after" in report.notes[0]


def test_boxes_are_in_the_videos_own_pixels_and_moments_can_be_fetched(
    service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    """Frames twice as large as are read; the detector's own look at the full picture is the judge."""
    path = write_video(tmp_path / "video.mp4", faces(astronaut, 6, side=256))
    small = ExpressionService.load(service.settings.reference, settings=service.settings)
    small.settings = service.settings.model_copy(update={"video_side": 128})
    report = small.watch(path)
    (face,) = report.faces
    moments = report.key_frames[face.number]
    fetched = list(small.pictures(report, moments))
    assert [each.seconds for each, _ in fetched] == [each.seconds for each in moments]
    for moment, picture in fetched:
        assert picture.shape == (256, 256, 3)
        (found,) = small.detector.detect(picture)
        assert moment.box == pytest.approx(found.box, abs=24)
        part = cutout(picture, moment.box)
        assert part.shape[0] == part.shape[1] > moment.box[2] - moment.box[0]


def test_where_frames_change_their_size_boxes_are_in_the_first_ones_pixels(
    service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    still = [faces(astronaut, 1, side=256)[0]] * 8
    first = write_video(tmp_path / "first.ts", still, key_every=1)
    larger = [np.asarray(Image.fromarray(each).resize((384, 512))) for each in still]
    second = write_video(tmp_path / "second.ts", larger, [0.8 + number / 10 for number in range(8)], key_every=1)
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    report = service.watch(tmp_path / "both.ts")
    boxes = [box for face in report.faces for box in face.boxes]
    assert report.size == (256, 256) and len(boxes) > 10
    assert all(box == pytest.approx(boxes[0], abs=24) for box in boxes)


def test_a_cutout_stays_within_the_frame() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    for box in ([-20, -20, 40, 40], [150, 60, 220, 130], [0, 0, 200, 100], [90, 40, 91, 41]):
        part = cutout(picture, np.array(box, np.float32))
        assert part.shape[0] == part.shape[1] >= 1


def test_by_the_published_method_moments_are_frames_whose_brightness_changes(
    service: ExpressionService, astronaut: NDArray[np.uint8], tmp_path: Path
) -> None:
    pictures = [
        np.clip(each.astype(int) + number % 3 + 40 * (number >= 30), 0, 255).astype(np.uint8)
        for number, each in enumerate(faces(astronaut, 60, side=160))
    ]
    report = service.watch(write_video(tmp_path / "video.mp4", pictures), published=True)
    moments = report.key_frames[report.faces[0].number]
    assert not report.notes
    assert moments and {round(10 * each.seconds) for each in moments} <= set(range(30, 40))


def test_it_is_said_where_too_few_frames_are_read_for_the_published_method(
    service: ExpressionService, portrait_video: Path
) -> None:
    report = service.watch(portrait_video, published=True)
    assert report.key_frames == {report.faces[0].number: []} and report.whole
    assert report.notes == (
        "The published method leaves out the first and last 20 frames that are read: of the 20 of portrait.mp4, none "
        "could be chosen. Raise --per-second, or leave out --published.",
    )


def test_a_video_that_is_gone_has_its_sentence(service: ExpressionService, portrait_video: Path) -> None:
    report = service.watch(portrait_video, until=0.2)
    object.__setattr__(report, "path", portrait_video.with_name("gone.mp4"))
    with pytest.raises(VideoError, match="There is no file"):
        list(service.pictures(report, []))
