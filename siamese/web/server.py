"""A service → one application with the page at / and the HTTP API at /v1; an address → a socket that listens there."""

import asyncio
import logging
import socket
from pathlib import Path

import gradio as gr
import uvicorn
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


def serve(app: FastAPI, listening: socket.socket, stopping_seconds: int) -> None:
    """Answer until the program is told to end; what was begun by then has so many seconds left.

    An open page keeps a connection for as long as it is shown, which is cut off then.
    """
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=stopping_seconds)
    logging.getLogger("uvicorn.error").addFilter(lambda record: not _cut_off(record))
    uvicorn.Server(config).run(sockets=[listening])


def _cut_off(record: logging.LogRecord) -> bool:
    """Whether a record is the trace of a connection that was cut off at the end."""
    return record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on. Raises SettingsError when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:  # OverflowError: there is no such port
        raise SettingsError(
            f"Nothing can listen at {host}:{port} ({error}). Is the port taken? Choose one with --port."
        ) from error
