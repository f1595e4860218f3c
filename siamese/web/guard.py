"""Requests to the page → those that it needs: Gradio would take files elsewhere too, and fetch some itself."""

import re
from pathlib import Path

import anyio
from gradio import processing_utils
from gradio.exceptions import Error
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from siamese.web.uploads import bytes_in

_UPLOAD = re.compile(r"/gradio_api/upload/?")
_NOT_NEEDED = re.compile(r"/gradio_api/(proxy=.*|file=https?:.*|file/.*|deep_link)/?", re.DOTALL)


class PageGuard:
    """Refuses requests that the page never makes, bodies too large for it, and uploads that the folder has no room for.

    Of uploads, `most` bytes are taken together; other bodies are read whole into memory, and have `most_told` at most.
    """

    def __init__(self, app: ASGIApp, uploads: Path, most: int, most_told: int) -> None:
        self.app, self.uploads, self.most, self.most_told = app, uploads, most, most_told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        refusal = await self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        if _NOT_NEEDED.fullmatch(scope["path"]):
            return PlainTextResponse("The page does not need this, and so it is not answered.", 404)
        if _UPLOAD.fullmatch(scope["path"]):
            return await self._no_room(scope)
        if "multipart" in Headers(scope=scope).get("content-type", "").lower():  # its files would lie elsewhere on disk
            return PlainTextResponse("Files are uploaded at /gradio_api/upload, and not here.", 415)
        return self._too_long(scope)

    def _too_long(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        told = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not told.isdecimal():  # the former goes before a length
            return PlainTextResponse("Say how long the body is (Content-Length).", 411)
        if int(told) > self.most_told:
            return PlainTextResponse(f"More than {self.most_told / 1e6:g} MB are not taken here.", 413)
        return None

    async def _no_room(self, scope: Scope) -> PlainTextResponse | None:
        told = Headers(scope=scope).get("content-length", "")
        if not told.isdecimal():
            return PlainTextResponse("Say how long the upload is (Content-Length).", 411)
        if int(told) > self.most:
            return PlainTextResponse(f"More than {self.most / 1e6:g} MB are not taken. Send fewer photos.", 413)
        if int(told) + await anyio.to_thread.run_sync(bytes_in, self.uploads) > self.most:
            return PlainTextResponse("Too many photos are being looked at. Try again in a few minutes.", 503)
        return None


def fetch_nothing() -> None:
    """Let Gradio fetch no file from an address that stands where an upload should."""

    async def refuse(url: str, cache_dir: str) -> str:
        raise Error("A photo is uploaded; none is fetched from an address.", print_exception=False)

    processing_utils.async_ssrf_protected_download = refuse
