"""A service → one application with the page at / and the HTTP API at /v1; an address → a socket that listens there."""

import socket
from pathlib import Path

import gradio as gr
from fastapi import FastAPI

from siamese.errors import SettingsError
from siamese.service import ExpressionService
from siamese.web.api import routes
from siamese.web.page import build_page, page_options

_BACKLOG = 2048


def build_app(service: ExpressionService, examples: Path | None, at_once: int | None) -> FastAPI:
    """The application; `at_once` is how many of the page's photos are read at a time."""
    app = FastAPI(openapi_url=None)
    app.mount("/v1", routes.build(service))
    page = build_page(service, examples).queue(default_concurrency_limit=at_once)
    return gr.mount_gradio_app(app, page, "", **page_options(examples))


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on. Raises SettingsError when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"Nothing can listen at {host}:{port} ({error.strerror}). Is the port taken? Choose one with --port."
        ) from error
