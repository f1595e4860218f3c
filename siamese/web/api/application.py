"""A service → the application without the page: the HTTP API below /v1, and /metrics."""

from fastapi import Depends, FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from siamese.service import ExpressionService
from siamese.web.api import problems, routes
from siamese.web.api.limits import RequestIds
from siamese.web.api.observing import Metrics
from siamese.web.hosts import OwnNames


def build_api(service: ExpressionService) -> FastAPI:
    """The application; /metrics asks for the same token as the API, and its requests are limited with the API's."""
    app, metrics, settings = FastAPI(openapi_url=None), Metrics(), service.settings
    limited = routes.rated(settings.requests_per_minute)
    guards = [Depends(limited), Depends(routes.asks_token(settings.token))]
    app.add_middleware(OwnNames, names=settings.hosts.split())
    app.add_middleware(RequestIds)  # the last is the first that a request meets
    problems.install(app)
    app.get("/metrics", dependencies=guards)(metrics.told)
    app.router.routes.append(Route("/metrics", _WrongMethod()))  # or a page that is mounted here would answer
    app.mount("/v1", routes.build(service, metrics, limited))
    return app


class _WrongMethod:
    """Refuses every method that reaches it; a class, since a route takes a function for one that answers GET alone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        detail = f"{problems.WRONG_METHOD.title}: {scope['method']} {scope['path']}"
        raise problems.ProblemError(problems.WRONG_METHOD, detail, {"Allow": "GET"})
