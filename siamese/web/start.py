"""Settings and an address → a program that serves there until it is told to end."""

import os

from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.web.api.observing import log_as_json
from siamese.web.hosts import with_own_names
from siamese.web.listening import listen
from siamese.web.memory import share_memory
from siamese.web.uploads import upload_folder
from siamese.web.workers import serve_by_workers


def start(settings: Settings, host: str, port: int, workers: int = 1) -> None:
    """Serve the page and the HTTP API; with more than one worker, the API alone by so many processes.

    Prints the address once it can be asked. Raises SemblanceError when the service cannot be loaded, or nothing can
    listen there.
    """
    share_memory()
    log_as_json(settings.log_requests)
    settings = with_own_names(settings, host)
    service = ExpressionService.load(settings=settings)
    if workers > 1:
        with listen(host, port) as listening:
            print(f"Semblance: http://{host}:{port}", flush=True)
            serve_by_workers(workers, service, listening)
        return
    with upload_folder(settings):
        from siamese.web.server import build_app, serve  # seconds to import, and it must know the folder by then

        service.warm_up()
        app = build_app(service, settings.reference / "examples", at_once=os.cpu_count())
        with listen(host, port) as listening:
            print(f"Semblance: http://{host}:{port}", flush=True)
            serve(app, listening, settings)
