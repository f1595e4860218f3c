"""A service → the part of the HTTP API that teaches expressions, and shows and changes the gallery's examples."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from siamese.gallery.items import Item, Wanted
from siamese.service import ExpressionService
from siamese.web.api import models
from siamese.web.api.bodies import described, reader
from siamese.web.api.limits import Turn, Turns, place
from siamese.web.api.problems import NOT_FOUND, ProblemError

MOST_ON_A_PAGE = 500
MOST_PAGES = 10**9  # more than any gallery has; SQLite counts rows up to 2⁶³ only
WEBP = "image/webp"


def build(service: ExpressionService, turns: Turns) -> APIRouter:
    """The routes; without those that change the gallery or teach where the settings leave them out."""
    router, taken = APIRouter(tags=["gallery"]), place(turns)

    @router.get("/gallery", response_model=models.Examples)
    async def examples(
        turn: Annotated[Turn, taken],
        page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
        size: Annotated[int, Query(ge=1, le=MOST_ON_A_PAGE)] = 50,
        emotion: str | None = None,
        source: str | None = None,
        tag: str | None = None,
    ) -> dict[str, Any]:
        """A page of the gallery's examples: all, or those of an emotion, from a source, with a tag."""
        return await turn.run(partial(_page, service, page, size, emotion, source, tag))

    @router.get("/gallery/{item_id}", response_model=models.Example)
    async def example(item_id: str, turn: Annotated[Turn, taken]) -> dict[str, Any]:
        """One example."""
        return (await turn.run(partial(_item, service, item_id))).to_dict()

    @router.get(
        "/gallery/{item_id}/thumbnail", response_class=Response, responses={200: {"content": {"image/webp": {}}}}
    )
    async def thumbnail(item_id: str, turn: Annotated[Turn, taken]) -> Response:
        """An example's picture."""
        return Response((await turn.run(partial(_item, service, item_id))).thumbnail, media_type=WEBP)

    if service.settings.changing:
        _add_changes(router, service, turns)
    if service.settings.teaching:
        _add_teaching(router, service, turns)
    return router


def _add_changes(router: APIRouter, service: ExpressionService, turns: Turns) -> None:
    taken = place(turns)

    @router.post("/gallery", status_code=201, openapi_extra=described(models.Add), response_model=models.Added)
    async def add(
        asked: Annotated[models.Add, Depends(reader(models.Add, turns))], turn: Annotated[Turn, taken]
    ) -> dict[str, Any]:
        """Keep a photo's faces as examples; those that are there already are passed over."""
        given = asked.photo, asked.emotion, asked.source, asked.tags, asked.whole
        faces = await turn.run(partial(service.entries_of, *given))
        return {"examples": _told(await turn.run(partial(service.keep, faces), to_the_end=True))}

    @router.delete("/gallery/{item_id}", status_code=204)
    async def remove(item_id: str, turn: Annotated[Turn, taken]) -> None:
        """Take an example out of the gallery."""
        await turn.run(lambda: service.remove(_item(service, item_id).id), to_the_end=True)


def _add_teaching(router: APIRouter, service: ExpressionService, turns: Turns) -> None:
    settings, taken = service.settings, place(turns)
    asks = models.teach_within(settings.teach_photos, settings.teach_letters)

    @router.post("/teach", status_code=201, openapi_extra=described(asks), response_model=models.Lesson)
    async def teach(
        asked: Annotated[models.Teach, Depends(reader(asks, turns))], turn: Annotated[Turn, taken]
    ) -> dict[str, Any]:
        """Know a new expression from a few photos."""
        faces = await turn.run(partial(service.examples_of, asked.name, asked.photos))
        return (await turn.run(partial(service.learn, faces, asked.anyway), to_the_end=True)).to_dict()


def _page(
    service: ExpressionService, page: int, size: int, emotion: str | None, source: str | None, tag: str | None
) -> dict[str, Any]:
    gallery = service.gallery
    wanted = Wanted(None if emotion is None else gallery.sought_label(emotion), source, tag)
    items, count = gallery.page(page, size, wanted), gallery.store.count(wanted)
    return {"gallery": gallery.title, "count": count, "page": page, "examples": _told(items)}


def _told(items: list[Item]) -> list[dict[str, Any]]:
    return [item.to_dict() for item in items]


def _item(service: ExpressionService, item_id: str) -> Item:
    if item_id not in service.gallery:
        raise ProblemError(NOT_FOUND, f"The gallery «{service.gallery.title}» has no example «{item_id}».")
    return service.gallery.item(item_id)
