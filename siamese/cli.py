"""`python -m siamese …`: photos and videos → answers on the terminal, as text for people or one JSON object."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from siamese.album_cli import album
from siamese.cli_parts import AsJson, IndexName, Reference, load_service, new_table, plain, print_json, shown
from siamese.errors import SemblanceError
from siamese.evaluate_cli import evaluate, report
from siamese.gallery_cli import gallery_app
from siamese.reference_cli import reference_app
from siamese.serve_cli import serve
from siamese.teach_cli import teach_app
from siamese.video_cli import video

app = typer.Typer(help="Read expressions by similarity.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(gallery_app, name="gallery")
app.add_typer(reference_app, name="reference")
app.add_typer(teach_app, name="teach")
app.command()(album)
app.command()(evaluate)
app.command()(report)
app.command()(serve)
app.command()(video)

USER_ERROR = 2  # exit code when a sentence was printed instead of an answer

_BAR = 24  # characters

Whole = Annotated[bool, typer.Option("--whole", help="Where no face is found, take the picture itself as the face.")]
GalleryFolder = Annotated[
    Path | None, typer.Option(help="Gallery to use, with what it was taught, instead of the set's own.")
]
PhotoFile = Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, BMP, GIF or TIFF file.")]
FaceNumber = Annotated[int, typer.Option(min=1, help="Which face, as `recognise` numbers them: 1 is the largest.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; a SemblanceError becomes its sentence on stderr and exit code 2."""
    try:
        app(arguments)
    except SemblanceError as error:
        print(error, file=sys.stderr)
        raise SystemExit(USER_ERROR) from error


@app.command()
def recognise(
    photo: PhotoFile,
    whole: Whole = False,
    as_json: AsJson = False,
    reference: Reference = None,
    gallery: GalleryFolder = None,
) -> None:
    """Read the expression of every face in a photo."""
    readings = load_service(reference, gallery).recognise(photo, whole)
    if as_json:
        print_json({"photo": str(photo), "faces": [reading.to_dict() for reading in readings]})
        return
    for number, reading in enumerate(readings, start=1):
        place = (
            "whole picture" if reading.whole_picture else "at ({:.0f}, {:.0f}) to ({:.0f}, {:.0f})".format(*reading.box)
        )
        table = new_table(f"Face {number} of {len(readings)}, {place}", "emotion", "probability", "", "similarity")
        for name in sorted(reading.probabilities, key=reading.probabilities.__getitem__, reverse=True):
            share, similarity = reading.probabilities[name], reading.similarities[name]
            table.add_row(shown(name), f"{share:.1%}", _bar(share), f"{similarity:.2f}")
        Console().print(table)


@app.command()
def compare(
    first: PhotoFile,
    second: PhotoFile,
    first_face: FaceNumber = 1,
    second_face: FaceNumber = 1,
    whole: Whole = False,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """Tell whether two faces show the same expression."""
    result = load_service(reference).compare(first, second, first_face - 1, second_face - 1, whole)
    if as_json:
        print_json(result.to_dict())
        return
    verdict = "Same expression" if result.same_expression else "Different expressions"
    console = Console()
    console.print(f"[bold]{verdict}[/bold]: {shown(result.first.emotion)} and {shown(result.second.emotion)}")
    console.print(f"similarity {result.similarity:.2f}, threshold {result.threshold:.2f}")
    console.print(f"probability that both show the same expression: {result.probability:.0%}")


@app.command()
def similar(
    photo: PhotoFile,
    k: Annotated[int, typer.Option("-k", min=1, help="How many examples.")] = 12,
    emotion: Annotated[str | None, typer.Option(help="Only examples of this emotion.")] = None,
    face: FaceNumber = 1,
    whole: Whole = False,
    as_json: AsJson = False,
    reference: Reference = None,
    gallery: GalleryFolder = None,
    index: IndexName = None,
) -> None:
    """Find the gallery's examples most similar to a face."""
    service = load_service(reference, gallery, index)
    neighbours = service.similar(photo, k, emotion, face - 1, whole)
    if as_json:
        found = [neighbour.to_dict() for neighbour in neighbours]
        print_json({"photo": str(photo), "gallery": service.gallery.title, "neighbours": found})
        return
    table = new_table(f"Nearest in «{service.gallery.title}»", "example", "emotion", "similarity")
    for neighbour in neighbours:
        table.add_row(plain(neighbour.item.id), shown(neighbour.emotion), f"{neighbour.similarity:.3f}")
    Console().print(table)


def _bar(share: float) -> str:
    return "█" * round(share * _BAR)
