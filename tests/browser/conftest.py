"""The page as `app.py` serves it on the tiny reference set, in a browser that fails a test on any fault."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import skimage.io
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from tests.browser import chromium

ROOT = Path(__file__).parents[2]

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def address(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is served."""
    with served(reference, tmp_path_factory.mktemp("uploads")) as address:
        yield address


@contextmanager
def served(reference: Path, uploads: Path, *words: str) -> Iterator[str]:
    """The page's address with these arguments, as the program prints it, once it can be asked."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--reference", str(reference), "--port", str(port), *words]
    environment = os.environ | {"GRADIO_TEMP_DIR": str(uploads)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        printed = program.stdout.readline()
        assert printed.startswith("Semblance: http://"), "app.py ended without serving the page"
        yield printed.split()[1]
        program.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests, which are skipped where there is none."""
    if chromium.PATH is None:
        pytest.skip("No Chromium here: `make setup-test` installs it where it may.")
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Opens the page in a fresh session, for a screen's width and colour scheme; faults fail the test at its end."""
    contexts, faults = [], []

    def opened(width: int = 1280, scheme: str = "light", address: str = address) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(chromium.PATIENCE)
        faults.append(chromium.watch(page, address))
        page.goto(address)
        page.wait_for_selector("#recognise-photo")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not any(faults), faults


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The page on a wide screen."""
    return open_page()


@pytest.fixture(scope="session")
def portrait(tmp_path_factory: pytest.TempPathFactory, astronaut: NDArray[np.uint8]) -> Path:
    """The astronaut as a file."""
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    skimage.io.imsave(path, astronaut)
    return path
