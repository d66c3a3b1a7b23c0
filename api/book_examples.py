"""Examples of what the books answer; read beside `api.examples`."""

from collections.abc import Mapping
from typing import Any

_USED: dict[str, Any] = {
    "tenant": "t03",
    "project": "default",
    "field": "manufacturing",
    "centre": "qdaicc",
    "device": "ascend-910b3",
    "qos": "normal",
    "device_ms": 16_588_800_000,
    "card_hours": "4608.000000",
    "p_hours": "1442.304000",
    "price": "3.50",
    "amount": "16128.00",
    "amount_fen": 1_612_800,
    "cause": None,
}
_STATEMENT = {
    "tenant": "steel",
    "gross": "16128.00",
    "gross_fen": 1_612_800,
    "sha256": "2c26b46b68ffc68ff99b453c1d304134" * 2,
    "standing": "confirmed",
}
_MONTH = {
    "month": "2026-10",
    "state": "closed",
    "closed_at_ms": 1_793_671_200_000,
    "statements": [_STATEMENT],
}
_VOUCHER = {
    "id": "QD-2026-0007",
    "tenant": "steel",
    "issuer": "Qingdao",
    "contract": "HT-2026-031",
    "amount": "50000.00",
    "share_permille": 200,
    "from_ms": 1_767_196_800_000,
    "until_ms": 1_798_732_800_000,
    "fields": [],
    "devices": ["ascend-910b3"],
    "centres": [],
    "issued_at_ms": 1_767_229_200_000,
    "left": "46774.40",
}
BOOK_ANSWERS: Mapping[str, Any] = {
    "usage": {
        "from_ms": 1_793_462_400_000,
        "to_ms": 1_796_054_400_000,
        "lines": [_USED],
        "device_ms": 16_588_800_000,
        "card_hours": "4608.000000",
        "p_hours": "1442.304000",
        "amount": "16128.00",
        "amount_fen": 1_612_800,
    },
    "list_months": {"months": [_MONTH]},
    "close": _MONTH,
    "list_vouchers": {"items": [_VOUCHER]},
    "issue_voucher": _VOUCHER,
    "put_hard_stop": {"tenant": "t03", "is_on": True},
}
