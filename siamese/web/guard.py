"""Requests to the page → those that it needs: Gradio would take files elsewhere too, and fetch some itself."""

import re
from functools import partial

import anyio
from gradio import processing_utils
from gradio.exceptions import Error
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from siamese.web.room import Coming, FullError, Room

_UPLOAD = re.compile(r"/gradio_api/upload/?")
_LONGEST_NAME = 255  # bytes, that a file's name may have; Gradio would look for a longer one, and fail
_NOT_NEEDED = re.compile(r"/gradio_api/(proxy=.*|file=https?:.*|file/.*|deep_link)/?", re.DOTALL)


class PageGuard:
    """Refuses requests that the page never makes, bodies too large for it, and uploads without room, or that take long.

    Other bodies than uploads are read whole into memory, and have `most_told` bytes at most.
    """

    def __init__(self, app: ASGIApp, room: Room, seconds: float, most_told: int) -> None:
        self.app, self.room, self.seconds, self.most_told = app, room, seconds, most_told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        answer = self._answer(scope) if scope["type"] == "http" else self.app
        await answer(scope, receive, send)

    def _answer(self, scope: Scope) -> ASGIApp:
        if _NOT_NEEDED.fullmatch(scope["path"]) or _names_no_file(scope["path"]):
            return PlainTextResponse("The page does not need this, and so it is not answered.", 404)
        if _UPLOAD.fullmatch(scope["path"]):
            return self._upload
        if "multipart" in Headers(scope=scope).get("content-type", "").lower():  # its files would lie elsewhere on disk
            return PlainTextResponse("Files are uploaded at /gradio_api/upload, and not here.", 415)
        return self._too_long(scope) or self.app

    def _too_long(self, scope: Scope) -> PlainTextResponse | None:
        told = _told(scope, "0")
        if not told.isdecimal():
            return PlainTextResponse("Say how long the body is (Content-Length).", 411)
        if int(told) > self.most_told:
            return PlainTextResponse(f"More than {self.most_told / 1e6:g} MB are not taken here.", 413)
        return None

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = _told(scope, "")
        answer: ASGIApp
        if not told.isdecimal():
            answer = PlainTextResponse("Say how long the upload is (Content-Length).", 411)
        elif int(told) > self.room.most:
            answer = PlainTextResponse(f"More than {self.room.most / 1e6:g} MB are not taken. Send fewer photos.", 413)
        else:
            answer = partial(self._take, int(told))
        await answer(scope, receive, send)

    async def _take(self, count: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an upload of so many bytes through, and keep room for it meanwhile, though not for ever."""
        answer = None
        try:
            async with self.room.taken(count) as coming:
                with anyio.fail_after(self.seconds):
                    await self.app(scope, _counted(receive, coming), send)
        except FullError:
            answer = PlainTextResponse("Too many photos are being looked at. Try again in a few minutes.", 503)
        except TimeoutError:
            answer = PlainTextResponse(f"The upload took longer than {self.seconds:g} s. Send fewer photos.", 408)
        if answer:
            await answer(scope, receive, send)


def _names_no_file(path: str) -> bool:
    return max(map(len, path.encode(errors="replace").split(b"/"))) > _LONGEST_NAME


def _told(scope: Scope, otherwise: str) -> str:
    """How long a body is said to be; nothing where it comes in chunks, which go before a length."""
    headers = Headers(scope=scope)
    return "" if "transfer-encoding" in headers else headers.get("content-length", otherwise)


def _counted(receive: Receive, coming: Coming) -> Receive:
    async def receive_and_count() -> Message:
        message = await receive()
        coming.arrived(len(message.get("body", b"")))
        return message

    return receive_and_count


def fetch_nothing() -> None:
    """Let Gradio fetch no file from an address that stands where an upload should."""

    async def refuse(url: str, cache_dir: str) -> str:
        raise Error("A photo is uploaded; none is fetched from an address.", print_exception=False)

    processing_utils.async_ssrf_protected_download = refuse
