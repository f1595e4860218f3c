"""A WebSocket: frames of a camera → what their faces show, each answered while it is fresh.

A frame is a message of bytes, a JPEG or WebP file; one of text sets how readings are steadied. The answers are JSON: a
greeting with the expressions and how to show them, then one for each frame that was read. Where frames come faster than
they are read, the newest waits, and those before it are dropped.
"""

import os
import time
from dataclasses import dataclass
from typing import Annotated, Any

import anyio
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, ValidationError

from siamese.faces.decode import decode
from siamese.service import ExpressionService
from siamese.settings import DecodeLimits, Settings
from siamese.video.following import FaceStream, Sighting
from siamese.video.smoothing import exponential
from siamese.vocabulary import Emotion, emotion_of
from siamese.web.origins import foreign
from siamese.web.sentences import sentence_of

PATH = "/live"

_FOREIGN, _DONE, _BUSY = 1008, 1000, 1013  # codes with which a WebSocket is closed (RFC 6455)
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}


class Steadiness(BaseModel):
    """A message of text: how the last frames are averaged from now on, within the bounds that the settings have."""

    model_config = ConfigDict(extra="forbid")

    window: Annotated[int, Settings.model_fields["smoothing_window"]]
    strength: Annotated[float, Settings.model_fields["smoothing_strength"]]
    lead: Annotated[float, Settings.model_fields["smoothing_lead"]]


@dataclass(frozen=True)
class Frame:
    """A frame as it came: its number, from 1, when that was (seconds of the monotonic clock), and its file."""

    number: int
    arrived: float
    file: bytes


class Newest:
    """Room for one frame: a newer one takes the place of one that nobody has begun to read."""

    def __init__(self) -> None:
        self.dropped = 0
        self._count = 0
        self._waiting: Frame | None = None
        self._arrived = anyio.Event()

    def put(self, file: bytes) -> None:
        """Leave a frame here."""
        self._count += 1
        self.dropped += self._waiting is not None
        self._waiting = Frame(self._count, time.monotonic(), file)
        self._arrived.set()

    async def take(self) -> Frame:
        """The newest frame, as soon as there is one."""
        while self._waiting is None:
            await self._arrived.wait()
            self._arrived = anyio.Event()
        frame, self._waiting = self._waiting, None
        return frame


class Streams:
    """Answers the frames of several cameras, each in its own order."""

    def __init__(self, service: ExpressionService, at_once: int | None) -> None:
        self.service = service
        self._open = 0
        self._cores = anyio.CapacityLimiter(at_once or os.cpu_count() or 1)

    async def answer(self, socket: WebSocket) -> None:
        """Answer one camera until it goes; a page of another site is not answered at all."""
        settings = self.service.settings
        if foreign(socket, settings.origins.split()):  # browsers open WebSockets anywhere, without asking first
            await socket.close(_FOREIGN, "A page of another site may not ask here.")
            return
        await socket.accept()
        if self._open >= settings.live_streams:
            await socket.close(_BUSY, "As many cameras as may be are read already. Try again later.")
            return
        self._open += 1
        try:
            await socket.send_json(_greeting(self.service))
            await self._exchange(socket)
        except WebSocketDisconnect:
            pass  # it may go at any time
        finally:
            self._open -= 1

    async def _exchange(self, socket: WebSocket) -> None:
        newest, stream = Newest(), self.service.follow()
        async with anyio.create_task_group() as both:

            async def receive() -> None:
                reason = await self._receive(socket, newest, stream)
                both.cancel_scope.cancel()
                if reason:
                    with anyio.CancelScope(shield=True):
                        await socket.close(_DONE, reason)

            both.start_soon(receive)
            try:
                while True:
                    frame = await newest.take()
                    told = await anyio.to_thread.run_sync(self._told, stream, frame, limiter=self._cores)
                    if both.cancel_scope.cancel_called:  # it was closed while the frame was read
                        return
                    await socket.send_json(told | {"dropped": newest.dropped})
            except WebSocketDisconnect:
                both.cancel_scope.cancel()

    async def _receive(self, socket: WebSocket, newest: Newest, stream: FaceStream) -> str:
        """Take what comes until nothing does; the reason to close, or nothing where the other side has closed."""
        idle = self.service.settings.live_idle_seconds
        while True:
            with anyio.move_on_after(idle) as waited:
                message = await socket.receive()
            if waited.cancelled_caught:
                return f"No frame came for {idle:g} seconds."
            if message["type"] == "websocket.disconnect":
                return ""
            if message.get("bytes"):
                newest.put(message["bytes"])
            elif refusal := _steadied(stream, message.get("text") or ""):
                return refusal

    def _told(self, stream: FaceStream, frame: Frame) -> dict[str, Any]:
        """What is answered for one frame."""
        settings = self.service.settings
        told: dict[str, Any] = {"frame": frame.number}
        try:
            picture = decode(frame.file, DecodeLimits(settings.live_frame_bytes, settings.live_frame_pixels))
            height, width = picture.shape[:2]
            told["faces"] = [_face(sighting, width, height) for sighting in stream.read(picture, frame.arrived)]
        except Exception as error:  # a frame that fails must not end the others
            told["problem"] = sentence_of(error)
        return told | {"milliseconds": round(1000 * (time.monotonic() - frame.arrived), 1)}


def _greeting(service: ExpressionService) -> dict[str, Any]:
    following = service.settings.following
    steadiness = {
        "window": following.smoothing_window,
        "strength": following.smoothing_strength,
        "lead": following.smoothing_lead,
    }
    looks = [_look(emotion_of(name)) for name in service.prototypes.names]
    return {"emotions": looks, "steadiness": steadiness}


def _look(emotion: Emotion) -> dict[str, str]:
    return {"name": emotion.name, "colour": emotion.colour, "symbol": emotion.symbol}


def _steadied(stream: FaceStream, text: str) -> str:
    """Steady the stream's readings as a message says; a sentence where it cannot be followed."""
    try:
        wanted = Steadiness.model_validate_json(text)
    except ValidationError as error:
        return f"This message cannot be followed: {_demand(error)}."
    stream.smooth_by(exponential(wanted.window, wanted.strength, wanted.lead))
    return ""


def _demand(error: ValidationError) -> str:
    """What a message must be instead."""
    name = str(next(iter(error.errors()[0]["loc"]), ""))
    field = Steadiness.model_fields.get(name)
    if field is None:
        return f"send a JSON object of {', '.join(Steadiness.model_fields)}, and nothing else"
    limits = [
        f"{words} {getattr(limit, bound):g}"
        for limit in field.metadata
        for bound, words in _BOUNDS.items()
        if hasattr(limit, bound)
    ]
    return f"{name} must be a {'whole ' if field.annotation is int else ''}number, {' and '.join(limits)}"


def _face(sighting: Sighting, width: int, height: int) -> dict[str, Any]:
    """One face; its box in shares of the frame's width and height."""
    steady = sighting.steady
    left, top, right, bottom = steady.box.tolist()
    return {
        "number": sighting.number,
        "box": [round(edge, 4) for edge in (left / width, top / height, right / width, bottom / height)],
        "emotion": steady.emotion,
        "confidence": round(steady.confidence, 4),
        "probabilities": {name: round(share, 4) for name, share in steady.probabilities.items()},
    }
