"""A tenant, a project and a cohort, as the description of the API shows them."""

from typing import Any

from api.examples.requests import COHORT_EXAMPLES, PROJECT_EXAMPLES

_ENTITLED: dict[str, Any] = {
    "nominal_cards": {"ascend-910b3": 128},
    "nominal_tflops": None,
    "borrowing_cards": {"ascend-910b3": 64},
    "borrowing_tflops": None,
    "lending_cards": {},
    "lending_tflops": None,
}
TENANT: dict[str, Any] = {
    "id": "t03",
    "name": "工业互联网平台企业(示例)",
    "type": "enterprise",
    "field": "manufacturing",
    "price_class": "standard",
    "max_cards": 512,
    **_ENTITLED,
    "nominal_nodes": {"qdaicc-910b3": 8},
    "weight": 100,
    "cohort": "group-a",
    "credit_limit": "0.00",
    "balance": "19983872.00",
    "held": "0.00",
    "hard_stop": False,
}
PROJECT: dict[str, Any] = {
    **_ENTITLED,
    **PROJECT_EXAMPLES["project"]["value"],
    "tenant": "t03",
    "id": "vision",
}
COHORT: dict[str, Any] = {
    **_ENTITLED,
    **COHORT_EXAMPLES["group"]["value"],
    "id": "group-a",
    "tenants": ["t03"],
}
