"""Work side by side: the answers are those of one after another, in order, whatever the parts and whoever fails."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siamese.errors import ReferenceSetError
from siamese.sessions import load_session, side_by_side, slices


@given(st.integers(0, 40), st.integers(1, 9))
def test_slices_take_everything_once_in_order_and_evenly(count: int, parts: int):
    found = [list(range(count))[part] for part in slices(count, parts)]
    assert [*chain(*found)] == list(range(count))
    assert len(found) == max(1, min(count, parts))
    assert max(map(len, found)) - min(map(len, found)) <= 1


@given(st.lists(st.integers(), max_size=6))
def test_answers_come_in_the_order_of_the_tasks(numbers: list[int]):
    assert side_by_side([lambda number=number: number * 2 for number in numbers]) == [2 * each for each in numbers]


def test_tasks_do_go_on_side_by_side():
    both = threading.Barrier(2, timeout=20)
    assert sorted(side_by_side([both.wait, both.wait])) == [0, 1]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_task_that_fails_fails_all(failing: int):
    def task(number: int) -> None:
        if number == failing:
            raise ValueError(str(number))

    with pytest.raises(ValueError, match=str(failing)):
        side_by_side([lambda number=number: task(number) for number in range(2)])


def test_many_who_share_work_at_once_do_not_wait_for_each_other_for_ever():
    """More than there are threads, each with a part in hand that wants a thread."""

    def share(number: int) -> list[int]:
        return side_by_side([lambda: time.sleep(0.01) or number, lambda: number + 1])

    with ThreadPoolExecutor(32) as threads:
        assert list(threads.map(share, range(64))) == [[number, number + 1] for number in range(64)]


def test_what_is_no_network_is_refused(tmp_path: Path):
    (tmp_path / "network.onnx").write_bytes(b"no network")
    with pytest.raises(ReferenceSetError, match="is not a network"):
        load_session(tmp_path / "network.onnx")


def test_a_network_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ReferenceSetError, match=r"exported: there is no such file\. Name the folder"):
        load_session(tmp_path / "network.onnx")


def test_loading_a_network_leaves_no_number_of_this_machine_behind(reference: Path, tmp_path: Path):
    """ONNX Runtime's wheel would write one below the home folder, and send it with what it counts."""
    script = f"from siamese import ExpressionService; ExpressionService.load({str(reference)!r}); print('loaded')"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "HOME": str(tmp_path)},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert told.stdout == "loaded\n", told.stderr
    assert not list(tmp_path.rglob("*Microsoft*"))
