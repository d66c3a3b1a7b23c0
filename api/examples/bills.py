"""Examples of what is asked and answered about closed months; read beside `answers`."""

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
_INVOICE = {
    "id": "t03-2026-10-1",
    "tenant": "t03",
    "month": "2026-10",
    "statement_sha256": "2c26b46b68ffc68ff99b453c1d304134" * 2,
    "buyer": "青岛某钢铁有限公司",
    "credit_code": "91370200163562681G",
    "state": "issued",
    "number": "26372000000012345678",
    "lines": [
        {
            "item": "*信息技术服务*算力服务费",
            "device": "ascend-910b3",
            "unit": "卡时",
            "quantity": "4608",
            "price": "3.50",
            "net": "15215.09",
            "vat_permille": 60,
            "tax": "912.91",
            "gross": "16128.00",
        }
    ],
    "net": "15215.09",
    "tax": "912.91",
    "gross": "16128.00",
    "credited": "0.00",
    "paid": "0.00",
    "steps": [
        {
            "kind": "issued",
            "number": "26372000000012345678",
            "amount": "16128.00",
            "reason": "",
            "by": "finance (5d1c0b7a9e2f)",
            "at_ms": 1_793_844_000_000,
        }
    ],
    "by": "t03 (3f0c5a1b2d4e)",
    "at_ms": 1_793_757_600_000,
}
_PAYMENT = {
    "reference": "bank-2026-1107",
    "tenant": "t03",
    "month": "2026-10",
    "invoice": "t03-2026-10-1",
    "amount": "16128.00",
    "paid_at_ms": 1_794_009_600_000,
    "by": "finance (5d1c0b7a9e2f)",
    "at_ms": 1_794_016_800_000,
}
_ACCOUNT = {
    "tenant": "t03",
    "month": "2026-10",
    "due": "16128.00",
    "requested": "16128.00",
    "issued": "16128.00",
    "credited": "0.00",
    "paid": "16128.00",
    "outstanding": "0.00",
    "outstanding_fen": 0,
}
INVOICE_EXAMPLES: dict[str, Any] = {
    "all": {
        "summary": "All that is due of October",
        "value": {
            "id": "steel-2026-10-1",
            "tenant": "steel",
            "month": "2026-10",
            "buyer": "青岛某钢铁有限公司",
            "credit_code": "91370200163562681G",
        },
    }
}
ISSUED_EXAMPLES: dict[str, Any] = {
    "number": {"summary": "Its number", "value": {"number": "26372000000012345678"}}
}
CREDITED_EXAMPLES: dict[str, Any] = {
    "whole": {
        "summary": "All of it, for it was made out wrongly",
        "value": {"number": "26372000000087654321", "reason": "抬头有误"},
    }
}
PAYMENT_EXAMPLES: dict[str, Any] = {
    "transfer": {
        "summary": "A bank transfer for a month",
        "value": {
            "reference": "bank-2026-1107",
            "tenant": "steel",
            "month": "2026-10",
            "amount": "16128.00",
            "paid_at_ms": 1_767_600_000_000,
        },
    }
}
_INVOICE_ANSWERS: Mapping[str, Any] = {
    "list_invoices": {"items": [_INVOICE]},
    "get_invoice": _INVOICE,
    "ask_invoice": _INVOICE | {"state": "requested", "number": None, "steps": []},
    "issue_invoice": _INVOICE,
    "credit_invoice": _INVOICE,
    "withdraw_invoice": _INVOICE | {"state": "withdrawn", "number": None, "steps": []},
    "list_payments": {
        "items": [_PAYMENT],
        "accounts": [_ACCOUNT],
        "outstanding": "0.00",
        "outstanding_fen": 0,
    },
    "record_payment": _PAYMENT,
}
_TERMS: dict[str, Any] = {
    "centre": "qdaicc",
    "month": "2027-01",
    "kind": "tiered",
    "prices": {},
    "tiers": [
        {"from_card_hours": 0, "share_permille": 600},
        {"from_card_hours": 10_000, "share_permille": 700},
    ],
    "vat_permille": 60,
}
TERMS_EXAMPLES: dict[str, Any] = {
    "tiered": {"summary": "60 % of revenue, 70 % beyond 10,000 card-hours", "value": _TERMS}
}
_PUBLISHED = _TERMS | {"by": "finance (5d1c0b7a9e2f)", "at_ms": 1_793_844_000_000}
_CONTRACT: dict[str, Any] = {
    "number": "HT-2026-031",
    "tenant": "steel",
    "amount": "800001.00",
    "district": "黄岛区",
    "is_related": False,
    "from_ms": 1_767_196_800_000,
    "until_ms": 1_798_732_800_000,
}
_RULE: dict[str, Any] = {
    "id": "qd-2026",
    "mode": "reimburse_after_payment",
    "issuer": "青岛市",
    "pool": "算力券",
    "year": "2026",
    "budget": "10000000.00",
    "share_permille": 200,
    "minimum": "100000.00",
    "cap": "1000000.00",
    "bars_related": True,
    "from_ms": 1_806_508_800_000,
    "until_ms": 1_811_779_200_000,
    "fields": [],
    "devices": [],
    "centres": [],
}
_ASKED = {"rule": "qd-2026", "contract": "HT-2026-031"}
_BY = {"by": "finance (5d1c0b7a9e2f)", "at_ms": 1_807_318_800_000}
_CLAIM = {
    **_ASKED,
    "id": "qd-2026.steel",
    "tenant": "steel",
    "base": "430080.00",
    "amount": "86016.00",
    "city": "0.00",
    "district": "0.00",
    "payments": ["bank-2026-1107"],
    **_BY,
}
_ASSESSMENT = {
    **_ASKED,
    "tenant": "steel",
    "base": "430080.00",
    "share": "86016.00",
    "cap_left": "1000000.00",
    "pool_left": "10000000.00",
    "amount": "86016.00",
    "payments": ["bank-2026-1107"],
}
CONTRACT_EXAMPLES: dict[str, Any] = {
    "contract": {"summary": "A contract of 800,001.00 yuan", "value": _CONTRACT}
}
RULE_EXAMPLES: dict[str, Any] = {
    "city": {"summary": "20 % of what was paid, from 100,000 on, at most a million", "value": _RULE}
}
CLAIM_EXAMPLES: dict[str, Any] = {
    "claim": {"summary": "By a rule, for a contract", "value": _ASKED}
}
BILL_ANSWERS: Mapping[str, Any] = {
    "list_replies": {"standing": "disputed", "items": [_REPLY]},
    "confirm": _REPLY | {"kind": "confirmed", "reason": "", "lines": []},
    "dispute": _REPLY,
    "resolve": _REPLY | {"number": 2, "kind": "accepted", "reason": "已在 11 月更正", "lines": []},
    **_INVOICE_ANSWERS,
    "list_terms": {"items": [_PUBLISHED]},
    "publish_centre_terms": _PUBLISHED,
    "list_contracts": {"items": [_CONTRACT | _BY]},
    "register": _CONTRACT | _BY,
    "list_rules": {"items": [_RULE | _BY]},
    "publish_claim_rule": _RULE | _BY,
    "list_claims": {"items": [_CLAIM]},
    "assess_claim": _ASSESSMENT,
    "claim_subsidy": _CLAIM,
}
CONFIRMATION_EXAMPLES: dict[str, Any] = {
    "this one": {
        "summary": "Only if it is the statement that was read",
        "value": {"sha256": "2c26b46b68ffc68ff99b453c1d304134" * 2},
    }
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
        "value": {"tenant": "steel", "decision": "accepted", "reason": "已在 11 月更正"},
    },
    "granted": {
        "summary": "The tenant is right, and gets back what it paid for the line",
        "value": {
            "tenant": "steel",
            "decision": "accepted",
            "reason": "该节点当时故障",
            "amount": "7.00",
        },
    },
}
