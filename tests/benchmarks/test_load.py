"""The benchmark of many clients fails where answers went wrong, or memory grew."""

from typing import Any

import pytest

from benchmarks import load


def figures(**more: Any) -> dict[str, Any]:
    fine = {"per_second": 9.0, "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "requests": 10_000, "refused": 12}
    return {**fine, "errors": {}, "megabytes_before": 500.0, "megabytes_after": 510.0, "growth": 0.02, **more}


@pytest.mark.parametrize(
    ("wrong", "requests", "sentence"),
    [
        ({}, 10_000, None),
        ({"growth": 0.5}, 600, None),
        ({"growth": 0.05}, 10_000, "Memory grew by 5.0% over 10,000 requests."),
        ({"errors": {"500": 3}}, 600, "Wrong answers: 3 × 500."),
        ({"errors": {"ReadError": 1}}, 600, "Wrong answers: 1 × ReadError."),
    ],
)
def test_it_fails_where_answers_go_wrong_or_memory_grows(
    wrong: dict[str, Any],
    requests: int,
    sentence: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = iter([figures(**wrong), figures()])
    monkeypatch.setattr(load, "measure", lambda *_: next(measured))
    try:
        load.main(["--requests", str(requests)])
        ended = None
    except SystemExit as end:
        ended = end.code
    assert ended == sentence
    assert "many clients" in capsys.readouterr().out
