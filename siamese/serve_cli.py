"""`python -m siamese serve`: the page and the HTTP API at an address, or the API alone by several processes."""

from pathlib import Path
from typing import Annotated

import typer

from siamese.cli_parts import IndexName, Reference
from siamese.settings import Settings

Host = Annotated[str, typer.Option(envvar=["HOST", "GRADIO_SERVER_NAME"], help="Address to listen on.")]
Port = Annotated[int, typer.Option(envvar=["PORT", "GRADIO_SERVER_PORT"], help="Port to listen on.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes that answer; with more than one, without the page.")]
Gallery = Annotated[Path | None, typer.Option(help="Gallery to use instead of the reference set's own.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 7860,
    workers: Workers = 1,
    reference: Reference = None,
    gallery: Gallery = None,
    index: IndexName = None,
) -> None:
    """Serve the page and the HTTP API, until interrupted."""
    from siamese.web.start import start  # seconds to import; `--help` should not wait for it

    start(Settings.given(reference=reference, gallery=gallery, index=index), host, port, workers)
