"""Several processes → the HTTP API at one address, without the page; a process that dies is started again.

The page keeps what a person has open in the memory of one process, and so has no place here.
"""

import os
import socket
import tempfile

import uvicorn
from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.supervisors import Multiprocess

from siamese.service import ExpressionService
from siamese.settings import PREFIX, Settings
from siamese.web.api.application import build_api
from siamese.web.api.observing import SHARED_FOLDER, log_as_json, no_cut_offs
from siamese.web.memory import share_memory
from siamese.web.temporary import writable


class Workers(Multiprocess):
    """Processes that are replaced when they die; what one that is gone was working on is worked on no more."""

    _known: frozenset[int | None] = frozenset()

    def keep_subprocess_alive(self) -> None:
        """Replace those that died, and take them out of the figures, as those that were let go of on a signal."""
        super().keep_subprocess_alive()
        now = frozenset(each.pid for each in self.processes)
        for gone in self._known - now:
            mark_process_dead(gone)
        self._known = now


def serve_by_workers(count: int, service: ExpressionService, listening: socket.socket) -> None:
    """Answer with so many processes until the program is told to end; `service` says what each of them loads.

    Where no gallery of one's own keeps what is taught or added, neither is offered: the others would not know. Raises
    SettingsError where there is no room for what they count together.
    """
    with writable("what the processes count"):
        folder = tempfile.TemporaryDirectory()
    with folder as figures:
        os.environ.update(environment(service.settings, count, service.keeps_changes), **{SHARED_FOLDER: figures})
        config = uvicorn.Config(
            f"{__name__}:worker_app",
            factory=True,
            workers=count,
            log_config=None,
            proxy_headers=False,  # a proxy may pass on what a client says of its address
            timeout_graceful_shutdown=service.settings.seconds_to_stop,
            limit_concurrency=service.settings.max_connections,
        )
        Workers(config, [listening]).run()


def environment(settings: Settings, count: int, keeps_changes: bool) -> dict[str, str]:
    """The variables from which each process takes its settings: those that differ from the defaults, as text."""
    changes = {} if keeps_changes else {"teaching": False, "changing": False}
    threads = settings.threads or max(1, (os.cpu_count() or 1) // count)
    values = settings.model_dump(exclude_none=True) | {"threads": threads} | changes
    return {f"{PREFIX}{name}".upper(): str(value) for name, value in values.items()}


def worker_app() -> FastAPI:
    """What one process answers with; uvicorn calls it in each."""
    share_memory()
    settings = Settings()
    log_as_json(settings.log_requests)
    no_cut_offs()
    service = ExpressionService.load(settings=settings)
    service.warm_up()
    return build_api(service)
