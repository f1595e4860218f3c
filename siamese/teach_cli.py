"""`python -m siamese teach …`: new expressions from a few photos, kept in a gallery."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from siamese.cli_parts import AsJson, Reference, load_service, print_json, shown
from siamese.errors import DoubtError, GalleryError
from siamese.metric.lessons import Lesson

if TYPE_CHECKING:
    from siamese.service import ExpressionService

teach_app = typer.Typer(help="Teach expressions from a few photos, without training.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What the expression is called.")]
Photos = Annotated[list[Path], typer.Argument(help="Photos that show it; of each, the largest face counts.")]
Keeper = Annotated[Path, typer.Option("--gallery", help="The gallery that keeps what is taught.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Also where the photos disagree, or show what is known.")]


@teach_app.command("new")
def teach_new(
    name: Name,
    photos: Photos,
    gallery: Keeper,
    anyway: Anyway = False,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """Teach a new expression."""
    service = _service(gallery, reference)
    lesson = _learned(lambda: service.teach(name, list(photos), anyway), as_json)
    print_json(lesson.to_dict()) if as_json else print(f"«{lesson.name}» is known now, from {_counted(photos)}")


@teach_app.command()
def more(
    name: Name,
    photos: Photos,
    gallery: Keeper,
    anyway: Anyway = False,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """Teach more photos of an expression that was taught before."""
    service = _service(gallery, reference)
    lesson = _learned(lambda: service.extend(name, list(photos), anyway), as_json)
    print_json(lesson.to_dict()) if as_json else print(f"«{lesson.name}» has learned from {_counted(photos, 'more ')}")


@teach_app.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="Its new name.")],
    gallery: Keeper,
    reference: Reference = None,
) -> None:
    """Call a taught expression by another name."""
    _service(gallery, reference).rename(name, new)
    print(f"«{name}» is called «{new}» now")


@teach_app.command()
def forget(name: Name, gallery: Keeper, reference: Reference = None) -> None:
    """Remove a taught expression, with the faces it was taught from."""
    _service(gallery, reference).forget(name)
    print(f"«{name}» was removed")


@teach_app.command("list")
def list_taught(gallery: Keeper, as_json: AsJson = False, reference: Reference = None) -> None:
    """List what was taught."""
    names = load_service(reference, gallery).taught
    if as_json:
        print_json({"taught": list(names)})
        return
    for name in names:
        Console().print(shown(name))


def _counted(photos: list[Path], more: str = "") -> str:
    return f"1 {more}photo" if len(photos) == 1 else f"{len(photos):,} {more}photos"


def _learned(learn: Callable[[], Lesson], as_json: bool) -> Lesson:
    """The lesson; where it is doubted, the same figures before the sentence, and how to go on."""
    try:
        return learn()
    except DoubtError as doubt:
        if as_json:
            print_json(doubt.lesson.to_dict())
        raise DoubtError(f"{doubt} To teach it nevertheless, add --anyway.", doubt.lesson) from doubt


def _service(gallery: Path, reference: Path | None) -> "ExpressionService":
    service = load_service(reference, gallery)
    if not service.keeps_changes:
        raise GalleryError(f"Nothing can be written to the gallery in {gallery}. Name one of your own.")
    return service
