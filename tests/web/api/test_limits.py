"""Limits by themselves: a token bucket against its definition, and a queue that refuses when it is full."""

import threading
import time
from contextlib import suppress

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.web.api.limits import Rate, Turns
from siamese.web.api.problems import BUSY, TOO_MANY, TOO_SLOW, ProblemError
from tests.web.api.conftest import in_a_loop


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
    turns, gate = Turns(waiting=2, seconds=60), threading.Event()
    answers: list[object] = []

    async def ask(number: int) -> None:
        try:
            answers.append(await turns.run(lambda: gate.wait() and number))
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
        turns = Turns(waiting=0, seconds=0.05)
        with pytest.raises(ProblemError) as refused:
            await turns.run(lambda: time.sleep(0.5))
        assert refused.value.kind is TOO_SLOW
        assert await turns.run(lambda: 7) == 7

    in_a_loop(main)


def test_what_was_given_up_keeps_its_place_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    gate = threading.Event()

    async def main() -> None:
        turns = Turns(waiting=0, seconds=0.05)
        for kind in (TOO_SLOW, BUSY, BUSY):
            with pytest.raises(ProblemError) as refused:
                await turns.run(gate.wait)
            assert refused.value.kind is kind
        gate.set()
        with anyio.fail_after(10):
            while True:
                with suppress(ProblemError):
                    assert await turns.run(lambda: 7) == 7
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
            await turns.run(work)

    async def main() -> None:
        turns = Turns(waiting=8, seconds=0.05)
        for _ in range(6):
            await ask(turns)
        gate.set()

    in_a_loop(main)
    assert max(most) == 1


def test_what_writes_is_waited_for_to_the_end_once_it_has_begun() -> None:
    async def main() -> None:
        turns = Turns(waiting=0, seconds=0.05)
        assert await turns.run(lambda: time.sleep(0.3) or "written", to_the_end=True) == "written"

    in_a_loop(main)


def test_what_gave_up_while_it_waited_is_never_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    gate, begun = threading.Event(), []

    async def main() -> None:
        turns = Turns(waiting=1, seconds=0.2)
        async with anyio.create_task_group() as clients:
            clients.start_soon(lambda: turns.run(lambda: gate.wait(10), to_the_end=True))
            await anyio.sleep(0.05)
            with pytest.raises(ProblemError) as refused:
                await turns.run(lambda: begun.append("late"))
            assert refused.value.kind is TOO_SLOW
            gate.set()

    in_a_loop(main)
    assert not begun
