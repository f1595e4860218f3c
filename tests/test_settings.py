"""Settings: what the environment says that cannot be used is refused, and what no setting knows is told, once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from siamese.errors import SettingsError
from siamese.settings import PREFIX, Settings

_NUMBERS = [name for name, each in Settings.model_fields.items() if each.annotation is float]
_SCRIPT = "from siamese.settings import Settings; Settings(); print(repr(Settings().token))"


def test_a_variable_that_no_setting_knows_is_told_once_and_its_value_is_not() -> None:
    given = {"SEMBLANCE_TOKENS": "secret", "SEMBLANCE_QQQ": "", "SEMBLANCE_TOKEN": "known", "semblance_threads": "1"}
    given |= {"SEMBLANCE_FUZZ": "10", "SEMBLANCE_SCHEMA_EXAMPLES": "10", "SEMBLANCE_FERPLUS": "data"}  # of the tests
    told = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env={name: value for name, value in os.environ.items() if not name.startswith("SEMBLANCE_")} | given,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert told.stdout == "'known'\n"
    assert told.stderr.splitlines() == [
        "There is no setting SEMBLANCE_QQQ: it changes nothing.",
        "There is no setting SEMBLANCE_TOKENS: it changes nothing. Did you mean SEMBLANCE_TOKEN?",
    ]


@pytest.mark.parametrize("name", _NUMBERS)
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999"])
def test_a_number_without_end_and_what_is_none_are_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = PREFIX + name.upper()
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"{variable} is «{value}», which cannot be used: .*finite number"):
        Settings()
