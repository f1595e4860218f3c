"""Requests → what is known of them afterwards: a line of JSON in the log, and figures for Prometheus; no photo."""

import asyncio
import logging
import os
import time
from contextvars import ContextVar

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client import multiprocess as several_processes
from prometheus_client.process_collector import ProcessCollector
from pythonjsonlogger.json import JsonFormatter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

request_id: ContextVar[str] = ContextVar("request_id", default="")  # of the request that is being answered

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the variable that names where several processes keep figures together

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_NOWHERE = "none"  # the route of what no route answers, so that paths by chance make no figures of their own
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}  # a server takes any word for one
_FAILED = 500

logger = logging.getLogger("semblance.requests")


class Metrics:
    """What Prometheus is told of one application, or of all processes that share a folder."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "semblance_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "semblance_request_seconds",
            "From request to answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.underway = Gauge(
            "semblance_requests_underway",
            "Requests that are worked on or wait.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        ProcessCollector(registry=self._registry)

    def told(self) -> Response:
        """All figures, as Prometheus reads them."""
        registry = self._registry
        if SHARED_FOLDER in os.environ:
            registry = CollectorRegistry()
            several_processes.MultiProcessCollector(registry)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Observed:
    """Counts and logs each request to an application: what was asked and answered, never what was sent."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), _FAILED

        async def send_and_see(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        with self.metrics.underway.track_inprogress():
            try:
                await self.app(scope, receive, send_and_see)
            finally:
                self._tell(scope, status, time.perf_counter() - started)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _NOWHERE)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.metrics.requests.labels(method, route, str(status)).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        client = Request(scope).client
        asked = {"client": client.host if client else "", "method": scope["method"], "route": route}
        logger.info("answered", extra={**asked, "status": status, "milliseconds": round(1000 * seconds, 1)})


class _NamesRequest(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def log_as_json(requests: bool) -> None:
    """Log warnings, and `requests` where asked, to standard error, each a line of JSON that names its request."""
    handler = logging.StreamHandler()
    handler.addFilter(_NamesRequest())
    names = {"asctime": "time", "levelname": "level", "name": "logger"}
    handler.setFormatter(
        JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s", rename_fields=names)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger.setLevel(logging.INFO if requests else logging.WARNING)


def no_cut_offs() -> None:
    """Leave the traces of connections that are cut off at the end out of the log."""
    logging.getLogger("uvicorn.error").addFilter(lambda record: not _cut_off(record))


def _cut_off(record: logging.LogRecord) -> bool:
    return record.exc_info is not None and isinstance(record.exc_info[1], asyncio.CancelledError)
