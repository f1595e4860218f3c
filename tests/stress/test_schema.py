"""The API against its own description: to requests that it allows and forbids, only answers that it tells of."""

import os
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from siamese import ExpressionService
from siamese.settings import Settings
from siamese.web.api import routes

EXAMPLES = int(os.environ.get("SEMBLANCE_SCHEMA_EXAMPLES", "5"))  # of each route; `make stress` takes more


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_answer_is_unexpected(reference: Path, mode: GenerationMode) -> None:
    service = ExpressionService.load(reference, settings=Settings(requests_per_minute=0))
    schema = schemathesis.openapi.from_asgi("/openapi.json", routes.build(service))
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 13
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query):
            continue  # nothing can be wrong with it

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, database=None)
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(
                excluded_checks=[positive_data_acceptance]
            )  # no schema tells which bytes are a photo

        check()
