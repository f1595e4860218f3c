"""`python -m siamese album`: a folder of photos → those that best show its expressions, as a sheet, a table or JSON."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from rich.console import Console
from rich.progress import track

from siamese.cli_parts import AsJson, Reference, load_service, new_table, plain, print_json, shown
from siamese.errors import AlbumError


def album(
    folder: Annotated[Path, typer.Argument(help="A folder of photos; those in its sub-folders count too.")],
    count: Annotated[int, typer.Option(min=1, help="How many photos to choose.")] = 9,
    out: Annotated[Path | None, typer.Option(help="A .png, .jpg or .webp file to draw the contact sheet to.")] = None,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """Choose the photos of a folder that best show how varied its expressions are."""
    from siamese.datasets.folder import scan
    from siamese.gallery.album import draw_sheet
    from siamese.gallery.build import printable

    found = scan(folder)
    _require_writable(out)
    photos = track([path for path, _ in found.photos], "Looking at photos", console=Console(stderr=True))
    summary = load_service(reference).summarise(photos, count)
    skipped = {str(path): why for path, why in found.skipped.items()}
    left_out = {printable(name): printable(why) for name, why in {**skipped, **summary.left_out}.items()}
    if out:
        _write(draw_sheet(summary.highlights), out)
    if as_json:
        # Faces are counted as `recognise` and its --face do.
        chosen = [
            {**each.to_dict(), "photo": printable(each.photo), "face": each.face + 1} for each in summary.highlights
        ]
        sheet = printable(out) if out else None
        print_json({**summary.to_dict(), "highlights": chosen, "left_out": left_out, "sheet": sheet})
        return
    table = new_table(f"{folder}, {summary.photos:,} photos with a face", "photo", "shows", "stands for")
    for each in summary.highlights:
        table.add_row(plain(each.photo), shown(each.emotion), f"{each.stands_for:,}")
    Console().print(table)
    print(f"{out}: written" if out else "For a contact sheet of them, name a file: --out sheet.png")
    for name, why in left_out.items():
        print(f"Left out {name}: {why}", file=sys.stderr)


def _require_writable(out: Path | None) -> None:
    """Before the photos are looked at. Raises AlbumError when no sheet can be drawn there."""
    if out is None:
        return
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise AlbumError(f"The sheet cannot be drawn to {out}: give it a name that ends in .png, .jpg or .webp.")
    if not out.parent.is_dir():
        raise AlbumError(f"The sheet cannot be drawn to {out}: there is no folder {out.parent}.")


def _write(sheet: Image.Image, out: Path) -> None:
    try:
        sheet.save(out)
    except (OSError, ValueError) as error:  # ValueError: a format's pictures cannot be as large
        raise AlbumError(f"The sheet cannot be drawn to {out}: {error}") from error
