"""`app.py` as a program of its own, for as long as a browser needs it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def served(*words: object, **variables: object) -> Iterator[str]:
    """Serve the page with these arguments and variables; its address, as is printed once it can be asked."""
    port = free_port()
    command = [sys.executable, "app.py", "--port", str(port), *map(str, words)]
    environment = os.environ | {name: str(value) for name, value in variables.items()}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        try:
            printed = program.stdout.readline()
            assert printed.startswith("Semblance: http://"), "app.py ended without serving the page"
            yield printed.split()[1]
        finally:
            program.terminate()


def free_port() -> int:
    """A port that nothing listens at now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
