"""Examples of what the books answer; read beside `api.examples.answers`."""

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
_ACTIVITY: dict[str, Any] = {
    "allocated_device_ms": 16_588_800_000,
    "active_device_ms": 11_612_160_000,
    "inactive_device_ms": 4_810_752_000,
    "unmeasured_device_ms": 165_888_000,
}
_HOUR_P: dict[str, Any] = {
    "stated": 180_288_000_000,
    "healthy": 180_288_000_000,
    "down": 0,
    "maintenance": 9_014_400_000,
    "schedulable": 171_273_600_000,
    "allocated": 117_187_200_000,
    "reserved": 0,
    "idle": 54_086_400_000,
    "active": 82_031_040_000,
    "inactive": 33_984_288_000,
    "unmeasured": 1_171_872_000,
    "utilisation_bp": 6_842,
    "peak_bp": 7_368,
    "peak_at_ms": 1_793_464_200_000,
}
_HOUR_CARDS: dict[str, Any] = _HOUR_P | {
    "stated": 576_000_000,
    "healthy": 576_000_000,
    "maintenance": 28_800_000,
    "schedulable": 547_200_000,
    "allocated": 374_400_000,
    "idle": 172_800_000,
    "active": 262_080_000,
    "inactive": 108_576_000,
    "unmeasured": 3_744_000,
}
_WINDOW = {"from_ms": 1_793_462_400_000, "to_ms": 1_793_466_000_000}
_BUDGET = {
    "tenant": "t03",
    "project": "vision",
    "job_id": None,
    "amount": "20000.00",
    "hard_stop": False,
    "month": "2026-10",
    "spent": "16128.00",
    "percent": 80,
}
_REPORTED: dict[str, Any] = {
    "key": "manufacturing",
    "tenants": 12,
    "p_hours": "1442.304000",
    "card_hours": "4608.000000",
    "revenue": "16128.00",
    "revenue_fen": 1_612_800,
}
_PACKAGE = {
    "id": "HT-2026-045",
    "tenant": "t03",
    "kind": "card_hours",
    "device": "ascend-910b3",
    "cards": 0,
    "card_hours": 1_000,
    "from_ms": 1_793_462_400_000,
    "until_ms": 1_824_998_400_000,
    "amount": "3000.00",
    "vat_permille": 60,
    "bought_at_ms": 1_793_462_400_000,
    "committed": "1000",
    "used": "250",
    "unused": "750",
}
BOOK_ANSWERS: Mapping[str, Any] = {
    "centres_reconciled": {
        "centres": [
            {
                "id": "qdaicc",
                "is_compared": True,
                "why_not": None,
                "heard_at_ms": 1_795_601_251_000,
                "attempts": 87,
                "whole_since_ms": 1_793_462_400_000,
                "clock_ahead_ms": 12,
            }
        ],
        "differences": [
            {
                "centre": "qdaicc",
                "attempt": "j01m892qmfmrqxgv43rsg2pybxq.1",
                "job": "j01m892qmfmrqxgv43rsg2pybxq",
                "tenant": "t03",
                "sort": "unknown",
                "log": None,
                "diary": {
                    "state": "running",
                    "centre": "qdaicc",
                    "device": "ascend-910b3",
                    "nodes": {"qdaicc-910b3-n001": 8},
                    "started_at_ms": 1_795_601_191_446,
                    "ended_at_ms": None,
                    "used_to_ms": None,
                },
            }
        ],
        "count": 1,
    },
    "usage": {
        "from_ms": 1_793_462_400_000,
        "to_ms": 1_796_054_400_000,
        "lines": [_USED],
        "device_ms": 16_588_800_000,
        "card_hours": "4608.000000",
        "p_hours": "1442.304000",
        "amount": "16128.00",
        "amount_fen": 1_612_800,
        "activity": _ACTIVITY,
        "activity_lines": [
            _ACTIVITY
            | {
                "tenant": "t03",
                "project": "vision",
                "field": "manufacturing",
                "centre": "lsl",
                "device": "ascend-910b3",
            }
        ],
    },
    "brain_report": {
        "month": "2026-10",
        "from_ms": 1_790_784_000_000,
        "to_ms": 1_793_462_400_000,
        "until_ms": 1_793_462_400_000,
        "park": "qingdao",
        "name": "青岛人工智能产业园",
        "stated_tflops": 1_900_000,
        "utilisation": {"key": "park", **_WINDOW, "p": _HOUR_P, "cards": _HOUR_CARDS},
        "centres": [{"key": "qdaicc", **_WINDOW, "p": _HOUR_P, "cards": _HOUR_CARDS}],
        "total": _REPORTED | {"key": "park"},
        "by_field": [_REPORTED],
        "by_class": [_REPORTED | {"key": "standard"}],
        "by_centre": [_REPORTED | {"key": "qdaicc"}],
        "submitted_jobs": 2_000,
        "waits": [
            {
                "field": None,
                "jobs": 1_990,
                "mean_ms": 61_000,
                "p50_ms": 900,
                "p95_ms": 340_000,
            }
        ],
        "waiting_reasons_now": {"devices_busy": 3},
        "ends": {"finished": 1_900, "node": 2, "user_error": 88},
        "failures": 2,
    },
    "read_waterfall": {
        **_WINDOW,
        "by": "device",
        "each": "hour",
        "items": [{"key": "ascend-910b3", **_WINDOW, "p": _HOUR_P, "cards": _HOUR_CARDS}],
        "used": [],
        "step_ms": 1,
    },
    "list_months": {"months": [_MONTH]},
    "close": _MONTH,
    "list_vouchers": {"items": [_VOUCHER]},
    "issue_voucher": _VOUCHER,
    "list_packages": {"items": [_PACKAGE]},
    "sell_package": _PACKAGE,
    "list_budgets": {"items": [_BUDGET]},
    "put_budget": _BUDGET,
    "put_hard_stop": {"tenant": "t03", "is_on": True},
}
