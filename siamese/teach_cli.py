"""`python -m siamese teach …`: new expressions from a few photos, kept in a gallery."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from siamese.cli_parts import AsJson, Reference, load_service, print_json, shown
from siamese.errors import GalleryError

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
    lesson = _service(gallery, reference).teach(name, list(photos), anyway)
    print_json(lesson.to_dict()) if as_json else print(f"«{lesson.name}» is known now, from {len(photos)} photos")


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
    lesson = _service(gallery, reference).extend(name, list(photos), anyway)
    print_json(lesson.to_dict()) if as_json else print(f"«{lesson.name}» has learned from {len(photos)} more photos")


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
    names = _service(gallery, reference).taught
    if as_json:
        print_json({"taught": list(names)})
        return
    for name in names:
        print(shown(name))


def _service(gallery: Path, reference: Path | None) -> "ExpressionService":
    service = load_service(reference, gallery)
    if not service.keeps_changes:
        raise GalleryError(f"Nothing can be written to the gallery in {gallery}. Name one of your own.")
    return service
