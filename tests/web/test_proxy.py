"""What a client says of its own address: nothing is believed of it, so that it cannot evade the limit of its rate."""

from pathlib import Path

import pytest

from tests.web.test_workers import serving

PER_MINUTE = 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_client_that_names_other_addresses_is_limited_all_the_same(
    reference: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMBLANCE_REQUESTS_PER_MINUTE", str(PER_MINUTE))
    with serving("--workers", workers, "--reference", reference) as (_, client):
        statuses = [
            client.get("/v1/gallery", headers={"X-Forwarded-For": f"203.0.113.{number}", "Connection": "close"})
            for number in range(12)
        ]
    answered = [each.status_code for each in statuses].count(200)
    assert 1 <= answered <= PER_MINUTE * workers + 2  # as time goes by
    assert {each.status_code for each in statuses} == {200, 429}
