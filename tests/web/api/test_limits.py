"""Limits by themselves: a token bucket against its definition, and a queue that refuses when it is full."""

import threading
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.settings import Settings
from siamese.web.api.limits import Rate, Turns
from siamese.web.api.problems import BUSY, TOO_MANY, TOO_SLOW, ProblemError
from tests.web.api.conftest import in_a_loop


async def run(turns: Turns, work: Callable[[], Any], to_the_end: bool = False) -> Any:
    """What one request's work answers."""
    async with asynccontextmanager(turns.take)() as turn:
        return await turn.run(work, to_the_end)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(steps=st.lists(st.integers(0, 40), max_size=60), per_minute=st.integers(1, 20))
def test_in_no_span_are_there_more_than_a_full_bucket_and_what_flows_in(steps: list[int], per_minute: int) -> None:
    clock = Clock()
    rate, passed = Rate(per_minute, clock), []
    for seconds in steps:
        clock.now += seconds
        with suppress(ProblemError):
            rate.take("me")
            passed.append(clock.now)
    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= per_minute + (passed[last] - start) * per_minute / 60 + 1e-6


def test_whoever_waits_as_told_gets_through() -> None:
    clock = Clock()
    rate = Rate(3, clock)
    for _ in range(3):
        rate.take("me")
    with pytest.raises(ProblemError) as refused:
        rate.take("me")
    rate.take("another")
    assert refused.value.kind is TOO_MANY and refused.value.headers is not None
    clock.now += int(refused.value.headers["Retry-After"])
    rate.take("me")


def test_a_client_that_was_long_silent_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("siamese.web.api.limits._MOST_CLIENTS", 2)
    rate = Rate(1, Clock())
    for name in ("one", "two", "three"):
        rate.take(name)
    rate.take("one")  # whose bucket is full again
    with pytest.raises(ProblemError):
        rate.take("three")


def test_more_than_can_wait_are_refused_and_the_rest_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    turns, gate = Turns(Settings(waiting=2, answer_seconds=60)), threading.Event()
    answers: list[object] = []

    async def ask(number: int) -> None:
        try:
            answers.append(await run(turns, lambda: gate.wait() and number))
        except ProblemError as refused:
            answers.append(refused.kind)
            gate.set()

    async def main() -> None:
        async with anyio.create_task_group() as clients:
            for number in range(1, 5):
                clients.start_soon(ask, number)

    in_a_loop(main)
    assert answers[0] is BUSY and set(answers[1:]) == {1, 2, 3} and len(answers) == 4


def test_what_takes_too_long_is_given_up() -> None:
    async def main() -> None:
        turns = Turns(Settings(waiting=0, answer_seconds=0.05))
        with pytest.raises(ProblemError) as refused:
            await run(turns, lambda: time.sleep(0.5))
        assert refused.value.kind is TOO_SLOW
        assert await run(turns, lambda: 7) == 7

    in_a_loop(main)


def test_what_was_given_up_keeps_its_place_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    gate = threading.Event()

    async def main() -> None:
        turns = Turns(Settings(waiting=0, answer_seconds=0.05))
        for kind in (TOO_SLOW, BUSY, BUSY):
            with pytest.raises(ProblemError) as refused:
                await run(turns, gate.wait)
            assert refused.value.kind is kind
        gate.set()
        with anyio.fail_after(10):
            while True:
                with suppress(ProblemError):
                    assert await run(turns, lambda: 7) == 7
                    return
                await anyio.sleep(0.01)

    in_a_loop(main)


def test_what_was_given_up_keeps_its_core_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    gate, underway, most = threading.Event(), [], []

    def work() -> None:
        underway.append(None)
        most.append(len(underway))
        gate.wait(10)
        underway.pop()

    async def ask(turns: Turns) -> None:
        with suppress(ProblemError):
            await run(turns, work)

    async def main() -> None:
        turns = Turns(Settings(waiting=8, answer_seconds=0.05))
        for _ in range(6):
            await ask(turns)
        gate.set()

    in_a_loop(main)
    assert max(most) == 1


def test_what_writes_is_waited_for_to_the_end_once_it_has_begun() -> None:
    async def main() -> None:
        turns = Turns(Settings(waiting=0, answer_seconds=0.05))
        assert await run(turns, lambda: time.sleep(0.3) or "written", to_the_end=True) == "written"

    in_a_loop(main)


def test_what_gave_up_while_it_waited_is_never_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    gate, begun = threading.Event(), []

    async def main() -> None:
        turns = Turns(Settings(waiting=1, answer_seconds=0.2))
        async with anyio.create_task_group() as clients:
            clients.start_soon(lambda: run(turns, lambda: gate.wait(10), to_the_end=True))
            await anyio.sleep(0.05)
            with pytest.raises(ProblemError) as refused:
                await run(turns, lambda: begun.append("late"))
            assert refused.value.kind is TOO_SLOW
            gate.set()

    in_a_loop(main)
    assert not begun


def test_time_is_counted_over_all_that_is_done_for_a_request() -> None:
    async def main() -> None:
        turns = Turns(Settings(waiting=0, answer_seconds=0.3))
        async with asynccontextmanager(turns.take)() as turn:
            await turn.run(lambda: time.sleep(0.2))
            with pytest.raises(ProblemError) as refused:
                await turn.run(lambda: time.sleep(0.2))
        assert refused.value.kind is TOO_SLOW

    in_a_loop(main)
