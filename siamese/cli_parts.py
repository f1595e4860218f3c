"""What the commands share: options, and how answers are printed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from siamese.datasets.catalogue import DATASETS
from siamese.gallery.build import printable
from siamese.gallery.engines.choice import ENGINES
from siamese.settings import Settings
from siamese.vocabulary import emotion_of

if TYPE_CHECKING:
    from siamese.service import ExpressionService

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Reference = Annotated[Path | None, typer.Option(help="Reference set to use instead of the one that ships.")]
IndexName = Annotated[
    str | None, typer.Option("--index", help=f"What finds examples: auto, {', '.join(ENGINES)} or milvus:ADDRESS.")
]
Dataset = Annotated[str, typer.Option(help=f"Data set: {', '.join(DATASETS)}.")]
Cache = Annotated[Path, typer.Option(help="Folder that keeps a data set's faces and embeddings between runs.")]
Split = Annotated[str, typer.Option(help="The data set's part: train, validation, test, or all where it has none.")]


def load_service(reference: Path | None, gallery: Path | None = None, index: str | None = None) -> "ExpressionService":
    """The service, by a reference set and a gallery or those that ship, and an index or the settings' own."""
    from siamese.service import ExpressionService  # seconds to import; `--help` should not wait for it

    return ExpressionService.load(reference, gallery, Settings.given(index=index))


def print_json(answer: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(answer, ensure_ascii=False))


def new_table(title: str, *columns: str) -> Table:
    """An empty table, whose numbers stand to the right."""
    table = Table(title=plain(title), title_justify="left", box=None)
    for column in columns:
        table.add_column(column, justify="right" if column in ("probability", "similarity", "examples") else "left")
    return table


def plain(text: str | Path) -> str:
    """Text that others wrote, for a table: as it is, but for what would steer the terminal."""
    return escape(printable(text))


def shown(emotion: str) -> str:
    """An emotion with its symbol."""
    return f"{emotion_of(emotion).symbol} {plain(emotion)}"
