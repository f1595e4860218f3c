"""A request's body, as a form with files or as JSON with base64 → a checked model; photos stay in memory."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar, get_origin

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from siamese.web.api.limits import Turn, Turns, place
from siamese.web.api.problems import NOT_VALID, WRONG_TYPE, ProblemError

JSON, FORM = "application/json", "multipart/form-data"

_MOST_PARTS = 100
_MOST_VALUES = 100_000
_STRAY = 5  # values with names of no field, that are told each by itself
_UTF8 = ("utf-8", "utf8", "us-ascii")

Model = TypeVar("Model", bound=BaseModel)


def _content(given: object) -> object:
    """A file's bytes as they are; of a string, what it says in base64, also as a data URL."""
    if not isinstance(given, str):
        return given
    try:
        return base64.b64decode(given.partition(";base64,")[2] or given, validate=True)
    except ValueError as error:
        raise PydanticCustomError("photo", "In JSON, a photo is its file in base64") from error


Photo = Annotated[
    bytes, BeforeValidator(_content), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
]  # a photo's file, as bytes


class _InMemory(MultiPartParser):
    spool_max_size = 0  # which stands for no size: nothing of an upload is ever written to a disk


def reader(model: type[Model], turns: Turns) -> Callable[..., Awaitable[Model]]:
    """A FastAPI dependency that reads a request's body as this model, once the request has a place.

    It raises ProblemError or pydantic's ValidationError for what cannot be read as one.
    """

    async def read(request: Request, turn: Annotated[Turn, place(turns)]) -> Model:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == JSON:
            body = await turn.receive(request.body())
            return await turn.run(lambda: _checked(model, _object(body)))
        if kind == FORM:
            values = await turn.receive(_form(request, model, max(_MOST_PARTS, turns.settings.teach_photos)))
            return await turn.run(lambda: _checked(model, values))
        raise ProblemError(WRONG_TYPE, f"A body of type «{kind}» is not read. Send {FORM} or {JSON}.")

    return read


def described(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body that is read as this model, either way."""
    schema = model.model_json_schema()
    files = {name: _as_files(each) for name, each in schema["properties"].items()}
    form = {name: each for name, each in schema.items() if name != "examples"} | {"properties": files}
    return {
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": form}, JSON: {"schema": schema}},
        }
    }


def _as_files(schema: dict[str, Any]) -> dict[str, Any]:
    """A field's schema where photos are files of their own, not base64."""
    if schema.get("type") == "array":
        return {**schema, "items": _as_files(schema["items"])}
    if "contentEncoding" not in schema:
        return schema
    rest = {name: each for name, each in schema.items() if name != "contentEncoding"}
    return {**rest, "contentMediaType": "application/octet-stream"}


def _object(body: bytes) -> dict[str, Any]:
    if body.count(b",") >= _MOST_VALUES:  # base64 has none; as objects, values take many times what they take as text
        raise ProblemError(NOT_VALID, f"JSON of more than {_MOST_VALUES:,} values is not read.")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProblemError(NOT_VALID, _fault(error)) from error
    if not isinstance(told, dict):
        raise ProblemError(NOT_VALID, "The body is not a JSON object, with a name for each value.")
    return told


def _fault(error: ValueError | RecursionError) -> str:
    """Why a body was not read as JSON; where that is no fault of its grammar, Python's words are for programmers."""
    if isinstance(error, json.JSONDecodeError):
        return f"The body is not JSON: {error}."
    if isinstance(error, UnicodeDecodeError):
        return "The body is not JSON: its bytes are no text. Send it in UTF-8."
    if isinstance(error, RecursionError):
        return "JSON that is nested so deeply is not read. Send an object, with a name for each value."
    return "The body has a number of more digits than are read."  # the one other that json raises


def _checked(model: type[Model], values: dict[str, Any]) -> Model:
    """The values as a model; of too many, none is looked at, since each would be a fault of its own."""
    if len(values) > len(model.model_fields) + _STRAY:
        known = ", ".join(model.model_fields)
        raise ProblemError(NOT_VALID, f"The body has {len(values):,} values; there are no others than: {known}.")
    return model.model_validate(values)


def _require_utf8(request: Request) -> None:
    """Refuse a form in any other encoding: some of Python's take long, or answer with what is no text."""
    _, options = parse_options_header(request.headers["content-type"])
    charset = options.get(b"charset", b"utf-8").decode("latin-1")
    if charset.lower() not in _UTF8:
        raise ProblemError(NOT_VALID, f"A form's text is not read as «{charset}». Send it in UTF-8.")


async def _form(request: Request, model: type[BaseModel], files: int) -> dict[str, Any]:
    """A form's values by name, `files` at most as bytes."""
    _require_utf8(request)
    parser = _InMemory(request.headers, request.stream(), max_files=files, max_fields=_MOST_PARTS)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:  # KeyError: no boundary is named
        raise ProblemError(NOT_VALID, f"The form cannot be read: {error}.") from error
    lists = {name for name, each in model.model_fields.items() if get_origin(each.annotation) is list}
    values: dict[str, Any] = {name: [] for name in lists & form.keys()}
    for name, value in form.multi_items():
        content = await value.read() if isinstance(value, UploadFile) else value
        if name in lists:
            values[name].append(content)
        elif name in values:
            raise ProblemError(NOT_VALID, f"The form has «{name}» more than once.")
        else:
            values[name] = content
    return values
