"""The benchmark of the page's reactions, end to end with a small gallery."""

import json
import subprocess
import sys

import pytest

from benchmarks import pages
from tests.browser import chromium
from tests.browser.serving import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.stress, pytest.mark.timeout(600)]


def test_every_tab_s_reactions_are_timed() -> None:
    if chromium.PATH is None:
        pytest.skip("No Chromium here: `make setup-test` installs it where it may.")
    command = [sys.executable, "-m", "benchmarks.pages", "--items", "400", "--repeats", "1", "--json"]
    # In a process of its own: the tests' browser, if there is one, is driven from this one.
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    assert found["items"] == 400
    assert {each["tab"] for each in found["reactions"]} == {
        *("Recognise", "Compare", "Browse", "Map", "Teach", "Album", "Check")
    }
    assert all(0 < each["median"] <= each["longest"] for each in found["reactions"])


def test_a_reaction_is_in_time_where_it_never_takes_longer_than_a_second() -> None:
    quick, slow = pages.Reaction("Browse", "open", 0.9, 0.4, 0.5), pages.Reaction("Browse", "turn", 0.9, 0.4, 1.1)
    assert (quick.in_time, slow.in_time) == (True, False)
    page = pages.page_of([quick, slow], 20_000, 5, "")
    assert "| Browse: open | 0.90 | 0.40 | 0.50 | yes |" in page
    assert "| Browse: turn | 0.90 | 0.40 | 1.10 | no |" in page
