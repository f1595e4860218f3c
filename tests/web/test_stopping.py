"""A program that is told to end while it works on a request: the answer comes first, and then it ends."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from siamese.settings import Settings
from tests.browser.serving import ROOT, free_port

# As a file, since each worker reads it anew.
SLOW = """
import sys, time
from pathlib import Path
from siamese.service import ExpressionService
from siamese.settings import Settings
from siamese.web.start import start

recognise = ExpressionService.recognise

def slowly(service, photo, whole=False):
    if isinstance(photo, bytes):  # it was sent
        Path(sys.argv[4]).touch()
        time.sleep(8)
    return recognise(service, photo, whole)

ExpressionService.recognise = slowly

if __name__ == "__main__":
    start(Settings(reference=sys.argv[1]), "127.0.0.1", int(sys.argv[2]), int(sys.argv[3]))
"""


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.stress)])
def test_what_was_accepted_is_answered_before_the_program_ends(
    reference: Path, portrait: Path, tmp_path: Path, workers: int
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    port, begun = free_port(), tmp_path / "begun"
    command = [sys.executable, tmp_path / "slow.py", reference, port, workers, begun]
    answers: list[httpx.Response] = []

    def ask() -> None:
        photo = {"photo": portrait.read_bytes()}
        answers.append(httpx.post(f"http://127.0.0.1:{port}/v1/recognise", files=photo, timeout=100))

    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(list(map(str, command)), env=variables, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        try:
            assert program.stdout.readline().startswith("Semblance: http://")
            asking = threading.Thread(target=ask)
            asking.start()
            until = time.monotonic() + 100
            while not begun.exists():
                assert time.monotonic() < until
                time.sleep(0.05)
            program.terminate()
            asking.join()
            program.wait(60)
        finally:
            program.kill()
    (answer,) = answers
    assert answer.status_code == 200 and len(answer.json()["faces"]) == 1


def test_there_is_time_for_an_answer_unless_it_is_told_otherwise() -> None:
    assert Settings().seconds_to_stop > Settings().answer_seconds
    assert Settings(answer_seconds=100.5).seconds_to_stop > 100.5
    assert Settings(stopping_seconds=3).seconds_to_stop == 3
