"""`python -m siamese video`: a video → what each face in it shows over time, as a table, CSV, JSON and pictures."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from siamese.cli_parts import AsJson, Reference, new_table, print_json, shown
from siamese.errors import VideoError
from siamese.settings import Settings

if TYPE_CHECKING:
    from siamese.service import ExpressionService
    from siamese.video.watching import Progress as Done
    from siamese.video.watching import VideoReport

_SHARES_SHOWN = 3  # emotions of a face, in the table


def video(
    file: Annotated[Path, typer.Argument(help="An MP4, MOV, MKV, WebM, AVI, MPEG, FLV, WMV, OGG or GIF file.")],
    csv: Annotated[Path | None, typer.Option(help="A file for a line a face and frame: what it shows, where.")] = None,
    frames: Annotated[Path | None, typer.Option(help="A folder for the most representative frames, as PNG.")] = None,
    annotated: Annotated[
        Path | None, typer.Option(help="A .mp4, .mov or .mkv file for a copy with the faces marked.")
    ] = None,
    per_second: Annotated[float | None, typer.Option(min=0.01, help="How many frames a second are read.")] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Choose representative frames by brightness, after a published method.")
    ] = False,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """Tell what each face in a video shows over time. Ctrl-C ends it, and keeps what was read until then."""
    from siamese.service import ExpressionService
    from siamese.training.interruption import interruption

    _require_writable(file, csv, frames, annotated)
    service = ExpressionService.load(reference, settings=Settings.given(frames_per_second=per_second))
    with interruption() as stopped, _bar("Reading") as told:
        report = service.watch(file, told, stopped, published=published)
    notes = list(report.notes)
    written, failures = _outcome(
        _written_csv(report, csv),
        _written_frames(service, report, frames, notes),
        _written_copy(service, report, annotated, notes),
    )
    for note in notes:
        print(note, file=sys.stderr)
    if as_json:
        print_json({**report.to_dict(), "notes": notes, "written": [str(path) for path in written]})
    else:
        _print(report)
        for path in written:
            print(f"{path}: written")
    if failures:  # what was read took long, and was told in spite of them
        raise VideoError(" ".join(failures))


def _require_writable(video: Path, csv: Path | None, frames: Path | None, annotated: Path | None) -> None:
    """Before the video is read. Raises VideoError when one of them cannot be written, or is the video or the other."""
    from siamese.video.annotating import require_writable, unwritable

    named = [path.resolve() for path in (video, csv, annotated) if path]
    if len(set(named)) < len(named):
        raise VideoError("The video, its table and its copy are different files: give each a name of its own.")
    if annotated:
        require_writable(annotated)
    if csv and (why := unwritable(csv)):
        raise VideoError(f"Nothing can be written to {csv}: {why}.")
    try:
        if frames:
            frames.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"There can be no folder {frames}: {error.strerror}.") from error
    if frames and (why := unwritable(frames / "moment.png")):
        raise VideoError(f"Nothing can be written to the folder {frames}: {why}.")


@contextmanager
def _bar(what: str) -> Iterator[Callable[["Done"], None]]:
    """What shows how far it is, and how long it will take, on standard error."""
    words = ("{task.percentage:>3.0f}%", "{task.fields[left]}")
    columns = [TextColumn("{task.description}"), BarColumn(), *map(TextColumn, words)]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1, left="")

        def told(done: "Done") -> None:
            left = "" if done.left is None else f"{_clock(done.left)} left"
            bar.update(task, completed=done.share, left=left)

        yield told


def _outcome(*writing: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files that are written one by one, and a sentence for what fails; the others are written all the same."""
    written: list[Path] = []
    failures = []
    for paths in writing:
        try:
            written.extend(paths)  # which keeps those before one that fails
        except VideoError as error:
            failures.append(str(error))
    return written, failures


def _written_csv(report: "VideoReport", path: Path | None) -> Iterator[Path]:
    from siamese.video.timeline import write_csv

    if path:
        with _refusing(path), path.open("w", encoding="utf-8", newline="") as file:
            write_csv(report.faces, file)
        yield path


def _written_frames(
    service: "ExpressionService", report: "VideoReport", folder: Path | None, notes: list[str]
) -> Iterator[Path]:
    """Each key frame as «face 1 0012.300 happiness.png»; that it was stopped before the last goes to the notes."""
    from siamese.training.interruption import interruption

    if folder:
        with interruption() as stopped:
            for moment, picture in service.pictures(report, chain.from_iterable(report.key_frames.values()), stopped):
                name = f"face {moment.face} {moment.seconds:08.3f} {moment.emotion}".replace("/", "_")
                path = folder / f"{name}.png"
                with _refusing(path):
                    Image.fromarray(picture).save(path)
                yield path
            if stopped():
                notes.append("The frames end where it was stopped.")


def _written_copy(
    service: "ExpressionService", report: "VideoReport", path: Path | None, notes: list[str]
) -> Iterator[Path]:
    """The marked copy; what is missing in it goes to the notes."""
    from siamese.training.interruption import interruption

    if path:
        with interruption() as stopped, _bar("Writing the copy") as told:
            notes.extend(service.annotate(report, path, told, stopped))
        yield path


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise VideoError(f"{path} cannot be written: {error.strerror or error}.") from error


def _print(report: "VideoReport") -> None:
    table = new_table(f"{report.path.name}, {_clock(report.read_seconds)} read", "face", "seen", "shows", "at best")
    for face in report.faces:
        shares = sorted(face.shares.items(), key=lambda each: -each[1])[:_SHARES_SHOWN]
        moments = sorted(report.key_frames[face.number], key=lambda each: -each.stands_for)[:_SHARES_SHOWN]
        table.add_row(
            str(face.number),
            f"{_clock(face.first_seen)} to {_clock(face.last_seen)}",
            "\n".join(f"{shown(name)} {share:.0%}" for name, share in shares if share > 0),
            "\n".join(f"{_clock(moment.seconds)} {escape(moment.emotion)}" for moment in moments),
        )
    if report.faces:
        Console().print(table)


def _clock(seconds: float) -> str:
    """62.5 → «1:02»."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
