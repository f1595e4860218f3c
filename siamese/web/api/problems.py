"""What goes wrong in a request → application/problem+json (RFC 9457): a status, a stable code, the page's sentence."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from siamese.errors import (
    DoubtError,
    FullDiskError,
    GalleryError,
    ImageError,
    NoFaceError,
    SemblanceError,
    TeachingError,
)
from siamese.web.sentences import NO_ANSWER

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "X-Request-ID"
BAD_REQUEST = 400

_MOST_FAULTS = 5  # that are told of one request
_LONGEST = 100  # characters of a field's name that are told: anyone may send any

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its HTTP status, its code, which stays the same in later versions, and its title."""

    status: int
    code: str
    title: str


NOT_VALID = Kind(422, "not-valid", "The request is not valid")
NOT_FOUND = Kind(404, "not-found", "There is no such resource")
WRONG_METHOD = Kind(405, "wrong-method", "This resource has no such method")
WRONG_TYPE = Kind(415, "wrong-type", "The body is of a type that is not read")
SLOW_BODY = Kind(408, "slow-body", "The body comes too slowly")
TOO_LARGE = Kind(413, "too-large", "The body is too large")
NO_TOKEN = Kind(401, "no-token", "A token is needed")
FOREIGN = Kind(403, "foreign-page", "A page from elsewhere asked")
FOREIGN_NAME = Kind(403, "foreign-name", "The service has no such name")
TOO_MANY = Kind(429, "too-many", "There were too many requests")
NOT_READY = Kind(503, "not-ready", "Photos cannot be read now")
BUSY = Kind(503, "busy", "All places are taken")
TOO_SLOW = Kind(503, "too-slow", "The answer took too long")
FAILED = Kind(500, "failed", "Something went wrong")
OTHER = "other"  # the code of what HTTP itself refuses and nothing above names

_OF_ERRORS: tuple[tuple[type[SemblanceError], Kind], ...] = (  # the first that fits
    (ImageError, Kind(422, "unreadable-photo", "The photo cannot be read")),
    (NoFaceError, Kind(422, "no-face", "There is no such face in the photo")),
    (DoubtError, Kind(409, "doubtful-lesson", "The lesson looks wrong")),
    (TeachingError, Kind(409, "not-teachable", "The expression cannot be taught")),
    (FullDiskError, Kind(507, "no-room", "There is no room to keep anything")),
    (GalleryError, Kind(409, "gallery", "The gallery has no answer")),
)
_OF_STATUS = {kind.status: kind for kind in (NOT_FOUND, WRONG_METHOD, WRONG_TYPE, TOO_LARGE)}


class ProblemError(Exception):
    """A request that is refused: why, a sentence for whoever sent it, and headers that tell what to do."""

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.headers = kind, detail, headers


def install(api: FastAPI) -> None:
    """Answer everything that is raised in a request with a problem."""
    api.add_exception_handler(ProblemError, _on_problem)
    api.add_exception_handler(SemblanceError, _on_error)
    api.add_exception_handler(ValidationError, _on_invalid)
    api.add_exception_handler(RequestValidationError, _on_invalid)
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(ClientDisconnect, _on_hang_up)
    api.add_exception_handler(Exception, _on_surprise)


def answer(
    request: Request, kind: Kind, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    """A problem as a response; it names the request, as the log does."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "code": kind.code,
        "request_id": _id(request),
        **more,
    }
    return JSONResponse(body, kind.status, {**(headers or {}), REQUEST_ID: _id(request)}, MEDIA_TYPE)


def kind_of(error: SemblanceError) -> Kind:
    """What kind of problem a refusal is; one that no client has caused is a failure of the service."""
    return next((kind for fits, kind in _OF_ERRORS if isinstance(error, fits)), FAILED)


def _on_problem(request: Request, error: Exception) -> JSONResponse:
    """Answer what was refused with its reason."""
    assert isinstance(error, ProblemError)
    return answer(request, error.kind, error.detail, error.headers)


def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SemblanceError)
    lesson = {"lesson": error.lesson.to_dict()} if isinstance(error, DoubtError) else {}
    return answer(request, kind_of(error), str(error), **lesson)


def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ValidationError | RequestValidationError)
    faults = error.errors()
    told = [f"{'.'.join(map(str, each['loc']))[:_LONGEST] or 'body'}: {each['msg']}" for each in faults[:_MOST_FAULTS]]
    more = [f"and {len(faults) - len(told):,} more"] if len(faults) > len(told) else []
    return answer(request, NOT_VALID, f"{'; '.join(told + more)}.")


def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = _OF_STATUS.get(error.status_code, Kind(error.status_code, OTHER, str(error.detail)))
    return answer(request, kind, f"{kind.title}: {request.method} {request.url.path}", error.headers)


def _on_hang_up(request: Request, error: Exception) -> Response:
    """Nobody is there to read an answer, and nothing went wrong on this side."""
    return Response(status_code=BAD_REQUEST)


def _on_surprise(request: Request, error: Exception) -> JSONResponse:
    state = request.scope.setdefault("state", {})
    if "failed" not in state:  # the application around the API's meets it once more
        logger.error("Request %s failed: %r", _id(request), error)  # the server itself logs what led to it
    state["failed"] = True
    return answer(request, FAILED, NO_ANSWER)


def _id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
