"""What Gradio keeps of sessions → a few of them, each until it was not used for a while.

It keeps a session's states and all that was last shown to it, faces included, for as long as the program runs, and
answers that nobody fetches.
"""

import datetime
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import gradio as gr
from fastapi import FastAPI

from siamese.settings import Settings

_EVERY = 1.0  # seconds
_MOST_UNREAD = 50  # messages of a session; a page reads them as they come

logger = logging.getLogger(__name__)


def keep_few(page: gr.Blocks, settings: Settings) -> None:
    """Let a page, which is not mounted yet, keep no more than `settings.sessions` of sessions."""
    page.state_session_capacity = settings.sessions


def forget_in_time(app: FastAPI, page: gr.Blocks, settings: Settings) -> None:
    """Forget sessions of a page that is mounted in this application, for as long as it runs."""
    mounted = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with mounted(app) as state, anyio.create_task_group() as tasks:
            tasks.start_soon(_go_on, page, settings.session_seconds)
            yield state
            tasks.cancel_scope.cancel()

    app.router.lifespan_context = lifespan


async def _go_on(page: gr.Blocks, seconds: float) -> None:
    while True:  # in the loop of the page's own requests, so that nothing changes under their hands
        try:
            forget(page, seconds)
        except Exception:  # else it would end the program, or nobody would notice that it has ended
            logger.exception("Sessions could not be forgotten")
        await anyio.sleep(min(_EVERY, seconds))


def forget(page: gr.Blocks, seconds: float) -> None:
    """Forget each session that was not used for so many seconds, and answers that nobody fetches."""
    holder = page.state_holder
    before = datetime.datetime.now() - datetime.timedelta(seconds=seconds)
    for key in [key for key, used in holder.time_last_used.items() if used < before]:
        holder.session_data.pop(key, None)
        del holder.time_last_used[key]
    for key, messages in page._queue.pending_messages_per_session.items():
        if key not in holder or messages.qsize() > _MOST_UNREAD:
            while not messages.empty():
                messages.get_nowait()
