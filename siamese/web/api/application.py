"""A service → the application without the page: the HTTP API below /v1, and /metrics."""

from fastapi import Depends, FastAPI

from siamese.service import ExpressionService
from siamese.web.api import problems, routes
from siamese.web.api.limits import RequestIds
from siamese.web.api.observing import Metrics


def build_api(service: ExpressionService) -> FastAPI:
    """The application; /metrics asks for the same token as the API."""
    app, metrics = FastAPI(openapi_url=None), Metrics()
    app.add_middleware(RequestIds)
    app.add_exception_handler(problems.ProblemError, problems.on_problem)
    app.get("/metrics", dependencies=[Depends(routes.asks_token(service.settings.token))])(metrics.told)
    app.mount("/v1", routes.build(service, metrics))
    return app
