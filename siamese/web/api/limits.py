"""Requests → those that are let through: of so many bytes, so many a minute from each client, so many at a time."""

import asyncio
import math
import os
import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

import anyio
from fastapi import Depends
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from siamese.settings import Settings
from siamese.web.api.observing import request_id
from siamese.web.api.problems import BUSY, REQUEST_ID, SLOW_BODY, TOO_LARGE, TOO_MANY, TOO_SLOW, ProblemError

_GIVEN_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_MOST_CLIENTS = 10_000  # whose requests are counted; the one that was silent longest is forgotten first
THREADS = "turn"  # what the threads that work on requests are called
_RETRY = "1"  # seconds after which a place may be free

T = TypeVar("T")


class RequestIds:
    """Gives each request an id, its own where it names a sensible one, and says it in the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        state = scope.setdefault("state", {})
        if scope["type"] != "http" or "request_id" in state:
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        state["request_id"] = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        request_id.set(state["request_id"])

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = state["request_id"]
            await send(message)

        await self.app(scope, receive, send_with_id)


class BodyLimit:
    """Refuses bodies of more bytes than `most`: by their heading, and where that does not tell, as they arrive."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        told = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        received = 0

        async def receive_within() -> Message:
            nonlocal received
            message = {} if told.isdecimal() and int(told) > self.most else await receive()
            received += len(message.get("body", b""))
            if not message or received > self.most:
                raise ProblemError(TOO_LARGE, f"A body of more than {self.most / 1e6:g} MB is not read. Send less.")
            return message

        await self.app(scope, receive_within, send)


class Rate:
    """Lets each client make so many requests a minute, and as many at once after a minute's silence (token bucket)."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_minute, self._clock = per_minute, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # of each client: requests, and as of when

    def take(self, client: str) -> None:
        """Count a request. Raises ProblemError, with the seconds to wait, when there were too many."""
        now, each = self._clock(), 60 / self.per_minute
        left, then = self._left.pop(client, (float(self.per_minute), now))
        left = min(float(self.per_minute), left + (now - then) / each)
        self._left[client] = (left - 1 if left >= 1 else left), now
        if len(self._left) > _MOST_CLIENTS:
            self._left.popitem(last=False)
        if left < 1:
            seconds = math.ceil((1 - left) * each)
            detail = f"There were more than {self.per_minute:,} requests within a minute. Wait {seconds} s."
            raise ProblemError(TOO_MANY, detail, {"Retry-After": str(seconds)})


class Turns:
    """Lets as many requests be worked on at a time as there are cores, lets so many wait, and refuses more.

    A request has a place before its body is read, so that no more bodies are in memory than there are places.
    """

    def __init__(self, settings: Settings) -> None:
        cores = os.cpu_count() or 1
        self.settings = settings
        self._threads = ThreadPoolExecutor(cores, THREADS)
        self._places = threading.BoundedSemaphore(cores + settings.waiting)

    async def take(self) -> AsyncIterator["Turn"]:
        """A FastAPI dependency: a place for as long as a request is answered. Raises ProblemError when none is free.

        Work that took too long cannot be stopped; it keeps its place until it ends, so that there is never more of it.
        """
        if not self._places.acquire(blocking=False):
            raise ProblemError(BUSY, "All places are taken. Try again shortly.", {"Retry-After": _RETRY})
        turn = Turn(self._threads, self.settings)
        try:
            yield turn
        finally:
            turn.work.add_done_callback(lambda _: self._places.release())


def place(turns: Turns) -> Any:
    """What a route depends on to have a place; it is free again before the answer goes out."""
    return Depends(turns.take, scope="function")


class Turn:
    """One request's place among those that are answered: so many seconds for its body to come, and to be answered."""

    def __init__(self, threads: Executor, settings: Settings) -> None:
        self._threads, self._settings = threads, settings
        self._until = math.inf
        self.work: Future[Any] = Future()  # what is done for it, or was done last
        self.work.set_result(None)

    async def receive(self, reading: Awaitable[T]) -> T:
        """What comes of reading its body. Raises ProblemError when that takes too long."""
        seconds = self._settings.body_seconds
        try:
            with anyio.fail_after(seconds):
                return await reading
        except TimeoutError as error:
            detail = f"The body did not come within {seconds:g} s. Send less, or by a faster connection."
            raise ProblemError(SLOW_BODY, detail, {"Connection": "close"}) from error  # the rest is not waited for

    async def run(self, work: Callable[[], T], to_the_end: bool = False) -> T:
        """What `work` answers, in a thread; begun, it is waited for `to_the_end`, however long, where it writes.

        Time is counted from the first work. Raises ProblemError when it is over.
        """
        seconds = self._settings.answer_seconds
        self._until = min(self._until, anyio.current_time() + seconds)
        self.work = future = self._threads.submit(copy_context().run, work)
        if await _ended(future, self._until, to_the_end):
            return future.result()
        detail = f"No answer was ready after {seconds:g} s. Try again shortly."
        raise ProblemError(TOO_SLOW, detail, {"Retry-After": _RETRY})


async def _ended(future: Future[T], until: float, to_the_end: bool) -> bool:
    """Wait for work that a thread does; whether it ended, in time or, once begun, where it is awaited `to_the_end`."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(ended.set)

    future.add_done_callback(tell)
    try:
        with anyio.CancelScope(deadline=until):
            await ended.wait()
    finally:  # as well where this is cancelled: what has not begun is never done
        if not future.cancel() and to_the_end:
            with anyio.CancelScope(shield=True):
                await ended.wait()
    return ended.is_set() and not future.cancelled()
