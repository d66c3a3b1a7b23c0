"""Examples of what is asked and answered about closed months; read beside `api.examples`."""

from collections.abc import Mapping
from typing import Any

_REPLY = {
    "tenant": "t03",
    "month": "2026-10",
    "number": 1,
    "kind": "disputed",
    "reason": "10-12 的两卡时为平台故障",
    "lines": [2],
    "sha256": "2c26b46b68ffc68ff99b453c1d304134" * 2,
    "by": "t03 (3f0c5a1b2d4e)",
    "at_ms": 1_793_757_600_000,
}
BILL_ANSWERS: Mapping[str, Any] = {
    "list_replies": {"standing": "disputed", "items": [_REPLY]},
    "confirm": _REPLY | {"kind": "confirmed", "reason": "", "lines": []},
    "dispute": _REPLY,
    "resolve": _REPLY | {"number": 2, "kind": "resolved", "reason": "已在 11 月更正", "lines": []},
}
DISPUTE_EXAMPLES: dict[str, Any] = {
    "line": {
        "summary": "The second line is not right",
        "value": {"reason": "10-12 的两卡时为平台故障", "lines": [2]},
    }
}
RESOLUTION_EXAMPLES: dict[str, Any] = {
    "answer": {
        "summary": "What came of a dispute",
        "value": {"tenant": "steel", "reason": "已在 11 月更正"},
    }
}
