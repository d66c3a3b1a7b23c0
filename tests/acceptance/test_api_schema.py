"""The interface does what its own description says, whatever it is asked."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from docs.references import described
from tests.acceptance.brokers import Served

EXAMPLES = 6
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# What no description can say: which tenants, kinds and months there are.
PLAUSIBLE = {
    ("GET", "/v1/jobs"),
    ("GET", "/v1/capacity"),
    ("GET", "/v1/nodes"),
    ("GET", "/v1/prices"),
    ("GET", "/v1/keys"),
    ("GET", "/v1/tenants"),
}
# Streams that have no end, what only agents may ask, and bytes that no description can make up.
LEFT_OUT = ("/v1/events", "/v1/agents/", "/v1/jobs/{job_id}/logs", "/v1/archives/")


def operations() -> list[tuple[str, str]]:
    return [
        (method.upper(), path)
        for path, methods in described()["paths"].items()
        for method in methods
        if not path.startswith(LEFT_OUT)
    ]


@pytest.fixture(scope="module")
def interface(park: Served) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", park.broker.app)


@pytest.mark.parametrize(("method", "path"), operations(), ids=" ".join)
def test_every_answer_is_as_described(method: str, path: str, park: Served, interface: Any) -> None:
    operation = interface[path][method]
    checks = [*CHECKS, positive_data_acceptance] if (method, path) in PLAUSIBLE else CHECKS

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy())
    def asked(case: Any) -> None:
        for role in ("steel", "operator", "finance"):
            headers = {"Authorization": f"Bearer {park.keys[role]}"}
            case.validate_response(case.call(headers=headers), checks=checks)

    asked()
