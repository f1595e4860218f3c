"""A service → one application with the page at /, its live readings at /live, and the HTTP API at /v1."""

import socket
from asyncio import Event
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI
from gradio.routes import App
from gradio.utils import get_upload_folder
from starlette.routing import Mount

from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.web import streaming
from siamese.web.api.application import build_api
from siamese.web.api.observing import no_cut_offs
from siamese.web.forgetting import forget_in_time, keep_few
from siamese.web.guard import PageGuard, fetch_nothing
from siamese.web.page import build_page, page_options
from siamese.web.room import Room


def build_app(service: ExpressionService, examples: Path | None, at_once: int | None) -> FastAPI:
    """The application; `at_once` is how many of the page's photos are read at a time."""
    page = build_page(service, examples).queue(default_concurrency_limit=at_once)
    keep_few(page, service.settings)
    api = build_api(service)
    if service.settings.live:
        api.add_api_websocket_route(streaming.PATH, streaming.Streams(service, at_once).answer)
    app = gr.mount_gradio_app(api, page, "", **page_options(service.settings, examples))
    mounted = app.routes[-1]
    assert isinstance(mounted, Mount) and isinstance(mounted.app, App)
    room = Room(Path(get_upload_folder()), service.settings.upload_bytes)
    app.state.page_left = mounted.app.stop_event
    mounted.app = PageGuard(mounted.app, room, service.settings.sending_seconds, service.settings.page_body_bytes)
    forget_in_time(app, page, service.settings)
    page.has_launched = True  # else Gradio takes any path on this machine for an upload: a mounted page never launches
    fetch_nothing()
    return app


class _Server(uvicorn.Server):
    """A server that lets go of open pages when it ends, each of which holds a connection for as long as it is shown."""

    def __init__(self, config: uvicorn.Config, page_left: Event) -> None:
        super().__init__(config)
        self._page_left = page_left

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, once what was begun has been answered."""
        self._page_left.set()
        await super().shutdown(sockets)


def serve(app: FastAPI, listening: socket.socket, settings: Settings) -> None:
    """Answer until the program is told to end; what was begun by then has `settings.seconds_to_stop` left."""
    config = uvicorn.Config(
        app,
        log_config=None,
        proxy_headers=False,  # a proxy may pass on what a client says of its address
        timeout_graceful_shutdown=settings.seconds_to_stop,
        limit_concurrency=settings.max_connections,
        ws_max_size=settings.live_frame_bytes,
        ws_per_message_deflate=False,  # frames are compressed already
    )
    no_cut_offs()
    _Server(config, app.state.page_left).run(sockets=[listening])
