"""The demo: arguments → the page and the HTTP API, served at an address that is printed."""

import argparse
import os
from pathlib import Path

from siamese.errors import SemblanceError
from siamese.settings import Settings
from siamese.web.start import start


def main() -> None:
    """Build the service and serve it until the program is interrupted."""
    arguments = _arguments()
    try:
        settings = Settings.given(reference=arguments.reference, gallery=arguments.gallery, index=arguments.index)
        start(settings, arguments.host, arguments.port)
    except SemblanceError as error:
        raise SystemExit(f"Semblance cannot start: {error}") from error


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve the Semblance page.")
    host = os.environ.get("HOST") or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1"
    port = os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT") or "7860"
    parser.add_argument("--host", default=host, help="address to listen on (default: %(default)s; also HOST)")
    parser.add_argument("--port", type=int, default=port, help="port (default: %(default)s; also PORT)")
    parser.add_argument("--reference", type=Path, help="reference set to use instead of the one that ships")
    parser.add_argument("--gallery", type=Path, help="gallery to use instead of the reference set's own")
    parser.add_argument("--index", help="what finds nearest examples, as in milvus:http://HOST:PORT (default: auto)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
