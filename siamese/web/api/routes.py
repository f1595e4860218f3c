"""A service → the HTTP API: an application for /v1, whose answers are the service's own."""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.middleware.cors import CORSMiddleware

from siamese import __version__
from siamese.errors import SemblanceError
from siamese.service import ExpressionService
from siamese.web.api import gallery_routes, models, problems
from siamese.web.api.bodies import described, reader
from siamese.web.api.limits import BodyLimit, Rate, RequestIds, Turn, Turns, place
from siamese.web.api.observing import Metrics, Observed
from siamese.web.origins import foreign

_ABOUT = (
    "Reads facial expressions by similarity. A photo is sent as a file of a form (multipart/form-data) or in base64 in "
    "JSON; what is refused is answered with application/problem+json, whose `code` stays the same in later versions. "
    "An expression is what a face shows, not what a person feels; do not judge people by it."
)

Guard = Callable[[Request], Awaitable[None]]


def build(service: ExpressionService, metrics: Metrics | None = None, limited: Guard | None = None) -> FastAPI:
    """The API's application; it knows paths below the place where it is mounted, and counts requests in `metrics`.

    `limited` is the guard of `rated` that others share.
    """
    settings = service.settings
    api = FastAPI(title="Semblance", version=__version__, description=_ABOUT, docs_url=None, redoc_url=None)
    api.add_middleware(BodyLimit, most=settings.max_body_bytes)
    api.add_middleware(Observed, metrics=metrics or Metrics())
    api.add_middleware(RequestIds)  # the last is the first that a request meets
    problems.install(api)
    api.include_router(_open_to_all(service))
    origins = settings.origins.split()
    if origins:
        api.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    limited = limited or rated(settings.requests_per_minute)
    guards = [Depends(each) for each in (_origin(origins), limited, asks_token(settings.token))]  # guesses are counted
    refusals: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}
    turns = Turns(settings)
    for router in (_about(service), _photos(service, turns), gallery_routes.build(service, turns)):
        api.include_router(router, dependencies=guards, responses=refusals)
    return api


_PROBLEM = {
    "description": "Why the request was refused",
    "content": {problems.MEDIA_TYPE: {"schema": models.Problem.model_json_schema()}},
}


def _open_to_all(service: ExpressionService) -> APIRouter:
    """What whoever watches over the service asks, without a token and as often as it likes."""
    router = APIRouter(tags=["service"])

    @router.get("/health")
    async def health() -> models.Status:
        """Whether the process answers."""
        return models.Status(status="alive")

    @router.get("/ready")
    def ready() -> models.Status:
        """Whether photos can be read: the network is loaded, and the gallery, where there is one, can be asked."""
        try:
            _known = service.prototypes  # of those that were taught, the gallery is asked
        except SemblanceError as error:
            raise problems.ProblemError(problems.NOT_READY, str(error)) from error
        return models.Status(status="ready")

    return router


def _about(service: ExpressionService) -> APIRouter:
    """What tells of the service; what was taught may be named after persons."""
    router = APIRouter(tags=["service"])

    @router.get("/version")
    def version() -> models.Version:
        """What answers, and which expressions it knows."""
        names = list(service.prototypes.names)
        return models.Version(semblance=__version__, network=service.embedder.fingerprint, expressions=names)

    return router


def _photos(service: ExpressionService, turns: Turns) -> APIRouter:
    """What photos are sent to."""
    router, taken = APIRouter(tags=["photos"]), place(turns)

    @router.post("/recognise", openapi_extra=described(models.Read), response_model=models.Faces)
    async def recognise(
        asked: Annotated[models.Read, Depends(reader(models.Read, turns))], turn: Annotated[Turn, taken]
    ) -> dict[str, Any]:
        """Read the expression of every face in a photo, the largest face first."""
        readings = await turn.run(partial(service.recognise, asked.photo, asked.whole))
        return {"faces": [each.to_dict() for each in readings]}

    @router.post("/compare", openapi_extra=described(models.Compare), response_model=models.Compared)
    async def compare(
        asked: Annotated[models.Compare, Depends(reader(models.Compare, turns))], turn: Annotated[Turn, taken]
    ) -> dict[str, Any]:
        """Tell whether two faces show the same expression."""
        faces = asked.first_face, asked.second_face
        compared = await turn.run(partial(service.compare, asked.first, asked.second, *faces, asked.whole))
        return compared.to_dict()

    @router.post("/similar", openapi_extra=described(models.Similar), response_model=models.Neighbours)
    async def similar(
        asked: Annotated[models.Similar, Depends(reader(models.Similar, turns))], turn: Annotated[Turn, taken]
    ) -> dict[str, Any]:
        """Find the gallery's examples most similar to a face, best first."""
        work = partial(service.similar, asked.photo, asked.k, asked.emotion, asked.face, asked.whole)
        return {"neighbours": [each.to_dict() for each in await turn.run(work)]}

    @router.post("/embed", openapi_extra=described(models.Read), response_model=models.EmbeddedFaces)
    async def embed(
        asked: Annotated[models.Read, Depends(reader(models.Read, turns))], turn: Annotated[Turn, taken]
    ) -> dict[str, Any]:
        """The embedding of every face in a photo, the largest face first, to be kept and compared elsewhere."""
        readings = await turn.run(partial(service.recognise, asked.photo, asked.whole))
        faces = [{"box": each.box.tolist(), "embedding": each.embedding.tolist()} for each in readings]
        return {"network": service.embedder.fingerprint, "faces": faces}

    return router


def _origin(allowed: list[str]) -> Guard:
    """Lets through what no other site's page has sent: a browser would send a form, and cookies, without asking."""

    async def check(request: Request) -> None:
        if foreign(request, allowed):
            origin = request.headers["origin"]
            detail = f"A page of {origin} may not ask here. Name it in SEMBLANCE_ORIGINS if it shall."
            raise problems.ProblemError(problems.FOREIGN, detail)

    return check


def asks_token(expected: str) -> Guard:
    """Lets through who names the token, or everyone where there is none."""

    async def check(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        fits = secrets.compare_digest(given.strip().encode(), expected.encode())
        if expected and not (scheme.lower() == "bearer" and fits):
            detail = "Send the token that this service asks for, as «Authorization: Bearer TOKEN»."
            raise problems.ProblemError(problems.NO_TOKEN, detail, {"WWW-Authenticate": "Bearer"})

    return check


def rated(per_minute: int) -> Guard:
    """Lets through so many requests a minute from each address, or all where none is set."""
    rate = Rate(per_minute) if per_minute else None

    async def check(request: Request) -> None:
        if rate:
            rate.take(request.client.host if request.client else "")

    return check
