"""A piece of work → done again and again in a thread of its own, whatever goes wrong with it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

logger = logging.getLogger(__name__)


@contextmanager
def repeated(work: Callable[[], None], seconds: float) -> Iterator[None]:
    """Do it every so many seconds while this block runs; what it raises is logged, and does not end that."""
    ended = Event()

    def go_on() -> None:
        while not ended.wait(seconds):
            try:
                work()
            except Exception:  # nobody would notice that the thread has ended
                logger.exception("Work that is repeated failed, and will be tried again")

    thread = Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
