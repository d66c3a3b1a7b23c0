"""Answers, and bodies that agents send, as the description of the API shows them.

`ANSWERS` and `BODIES` are by operation id; a test reads each with the model that it stands for.
"""

from collections.abc import Mapping
from typing import Any

from api.examples.bills import BILL_ANSWERS
from api.examples.books import BOOK_ANSWERS
from api.examples.branches import COHORT, PROJECT, TENANT
from api.examples.requests import PRICE_EXAMPLES

JOB_ID = "j01m892qmfmrqxgv43rsg2pybxq"
ATTEMPT_ID = f"{JOB_ID}.1"
_LEASED_MS = 1_795_601_191_415
_PLANNED_MS = 1_795_615_591_416
_BUSY: dict[str, Any] = {
    "code": "devices_busy",
    "where": "qdaicc-910b3",
    "need": 8,
    "free": 2,
    "gap": 6,
    "unit": "cards",
    "until_ms": None,
    "detail": "",
    "text": "needs 8 cards in qdaicc-910b3: 2 free, 6 short",
    "text_zh": "在 qdaicc-910b3 需要 8 张卡：空闲 2 张卡，还差 6 张卡",
}
_TURN: list[dict[str, Any]] = [
    {
        "name": "nominal_quota",
        "value": "within",
        "text": "it is within its tenant's nominal quota",
        "text_zh": "在企业额定配额之内",
    },
    {
        "name": "priority",
        "value": "normal",
        "text": "its priority is normal",
        "text_zh": "优先级为普通",
    },
]
_QUEUED: dict[str, Any] = {
    "id": JOB_ID,
    "tenant": "t03",
    "state": "queued",
    "spec": {"command": "python train.py", "devices": 8, "limit": "4h"},
    "submitted_at_ms": 1_795_601_191_412,
    "started_at_ms": None,
    "ended_at_ms": None,
    "position": None,
    "planned_start_ms": None,
    "planned_pool": None,
    "planned_devices": None,
    "start_p50_ms": None,
    "start_p90_ms": None,
    "is_start_promised": False,
    "end_cause": None,
    "detail": "",
    "reasons": [],
    "attempts": [],
}
_RUNNING: dict[str, Any] = _QUEUED | {
    "state": "running",
    "started_at_ms": _LEASED_MS + 31,
    "attempts": [
        {
            "id": ATTEMPT_ID,
            "centre": "qdaicc",
            "pool": "qdaicc-910b3",
            "device": "ascend-910b3",
            "nodes": [{"node_id": "qdaicc-910b3-n001", "card_count": 8}],
            "leased_at_ms": _LEASED_MS,
            "started_at_ms": _LEASED_MS + 31,
            "ended_at_ms": None,
            "cause": None,
            "exit_code": None,
            "detail": "",
        }
    ],
    "cost": "7.00",
}
_CENTRE: dict[str, Any] = {
    "id": "qdaicc",
    "name": "青岛人工智能计算中心",
    "is_heard": True,
    "heard_at_ms": _LEASED_MS,
    "stated_tflops": 50_080,
    "registered_tflops": 50_080,
    "online_tflops": 50_080,
    "schedulable_tflops": 50_080,
    "allocated_tflops": 2_504,
    "pools": [
        {
            "id": "qdaicc-910b3",
            "device": "ascend-910b3",
            "tflops": 313,
            "nodes": 20,
            "registered_cards": 160,
            "online_cards": 160,
            "schedulable_cards": 160,
            "allocated_cards": 8,
        }
    ],
}
_KEY: dict[str, Any] = {
    "id": "f588129c799a",
    "role": "agent",
    "tenant": None,
    "centre": "qdaicc",
    "label": "agent of qdaicc",
    "created_at_ms": 1_795_601_193_665,
    "last_used_at_ms": None,
    "revoked_at_ms": None,
}
_NODE: dict[str, Any] = {
    "id": "qdaicc-910b3-n001",
    "centre": "qdaicc",
    "pool": "qdaicc-910b3",
    "device": "ascend-910b3",
    "cards": 8,
    "is_online": True,
}
_DATASET: dict[str, Any] = {
    "id": "scans-2026",
    "tenant": "steel",
    "size_bytes": 1_649_267_441_664,
    "data_class": "medical",
    "centres": ["qdaicc"],
}
_PRICES: dict[str, Any] = PRICE_EXAMPLES["next year"]["value"] | {
    "is_in_force": False,
    "vat_permille": 60,
}

_TERMS: dict[str, Any] = {
    "id": JOB_ID,
    "tenant": "t03",
    "at_ms": 1_795_601_191_412,
    "expires_at_ms": 1_795_601_491_412,
    "spec": {"command": "python train.py", "devices": 8, "limit": "4h"},
    "pool": "qdaicc-910b3",
    "start_ms": _PLANNED_MS,
    "cost": "112.00",
    "is_kept": False,
    "job_id": None,
}
_ARRAY: dict[str, Any] = {
    "id": "a01m892qmfmrqxgv43rsg2pybxq",
    "tenant": "t03",
    "name": "sweep",
    "count": 100,
    "lowest": 0,
    "highest": 99,
    "at_most": 4,
    "states": {"held": 86, "running": 4, "succeeded": 9, "failed": 1},
    "is_over": False,
    "failed": [7],
    "submitted_at_ms": 1_795_601_191_412,
    "started_at_ms": 1_795_601_191_446,
    "ended_at_ms": None,
}
_STANDING: dict[str, Any] = {
    "at_ms": 1_795_601_191_412,
    "job_id": JOB_ID,
    "position": 3,
    "waiting": 42,
    "ahead_yours": 1,
    "terms": _TURN,
    "pools": [
        {
            "centre": "qdaicc",
            "pool": "qdaicc-910b3",
            "device": "ascend-910b3",
            "cards": 8,
            "needs": 8,
            "free": 4,
            "down": 0,
            "yours": 1,
            "others": {"standard": 3},
            "reasons": [_BUSY],
        }
    ],
}

ANSWERS: Mapping[str, Any] = {
    **BOOK_ANSWERS,
    **BILL_ANSWERS,
    "submit": _QUEUED
    | {
        "quote": {
            "id": JOB_ID,
            "is_kept": True,
            "quoted_pool": "qdaicc-910b3",
            "quoted_start_ms": _PLANNED_MS,
            "quoted_cost": "112.00",
            "pool": "qdaicc-910b3",
            "start_ms": _PLANNED_MS,
            "cost": "112.00",
            "text": "as quoted: it starts about 2026-11-25 22:06:31 in qdaicc-910b3",
            "text_zh": "与询价一致：预计 2026-11-25 22:06:31 在 qdaicc-910b3 启动",
        }
    },
    "submit_batch": {"items": [{"id": JOB_ID, "state": "queued"}]},
    "list_jobs": {"items": [_RUNNING], "next": None},
    "get_job": _RUNNING,
    "explain": {
        "job_id": JOB_ID,
        "state": "queued",
        "position": 1,
        "planned_start_ms": _PLANNED_MS,
        "planned_pool": "qdaicc-910b3",
        "planned_devices": None,
        "start_p50_ms": None,
        "start_p90_ms": None,
        "is_start_promised": True,
        "reasons": [_BUSY],
        "standing": _STANDING,
        "summary": "waits at place 1: needs 8 cards in qdaicc-910b3: 2 free, 6 short. "
        "Cards are kept for it in qdaicc-910b3 from about 2026-11-25 22:06:31",
        "summary_zh": "排队中：第 1 位，在 qdaicc-910b3 需要 8 张卡：空闲 2 张卡，还差 6 张卡。"
        "已在 qdaicc-910b3 为其预留资源，约 2026-11-25 22:06:31 启动",
        "earlier": "",
        "earlier_zh": "",
    },
    "quote": {
        "id": JOB_ID,
        "at_ms": 1_795_601_191_412,
        "expires_at_ms": 1_795_601_491_412,
        "is_kept": False,
        "tenant": "t03",
        "options": [
            {
                "centre": "qdaicc",
                "pool": "qdaicc-910b3",
                "device": "ascend-910b3",
                "devices": 8,
                "start_ms": _PLANNED_MS,
                "is_start_promised": True,
                "stops": 0,
                "stops_own": [],
                "stops_others": {},
                "is_borrowing": False,
                "end_ms": _PLANNED_MS + 14_400_000,
                "likely_end_ms": _PLANNED_MS + 9_000_000,
                "cost": "112.00",
                "reasons": [_BUSY],
            }
        ],
        "summary": "it would start about 2026-11-25 22:06:31 in qdaicc-910b3; "
        "112.00 yuan to its limit, at today's price",
        "summary_zh": "预计 2026-11-25 22:06:31 在 qdaicc-910b3 启动；"
        "按当前价格运行到时限为 112.00 元",
    },
    "get_quote": _TERMS,
    "list_quotes": {"items": [_TERMS | {"is_kept": True}]},
    "alternatives": {
        "at_ms": 1_795_601_191_412,
        "job_id": JOB_ID,
        "items": [
            {
                "change": "cards",
                "value": "2",
                "start_ms": 1_795_601_191_412,
                "pool": "qdaicc-910b3",
                "cost": "28.00",
                "text": "2 cards instead of 8: now in qdaicc-910b3",
                "text_zh": "8 张卡改为 2 张卡：可立即启动（qdaicc-910b3）",
            }
        ],
    },
    "queue": {
        "at_ms": 1_795_601_191_412,
        "waiting": 42,
        "items": [{"position": 3, "terms": _TURN, "job": _QUEUED | {"reasons": [_BUSY]}}],
    },
    "standing": _STANDING,
    "cancel": _QUEUED | {"state": "cancelled", "ended_at_ms": _PLANNED_MS},
    "get_array": _ARRAY,
    "cancel_array": _ARRAY
    | {
        "states": {"cancelled": 91, "succeeded": 9},
        "is_over": True,
        "ended_at_ms": 1_795_601_245_031,
    },
    "capacity": {
        "at_ms": _LEASED_MS,
        "park": "park-1900p",
        "name": "人工智能园区 AI park (1900P)",
        "note": "",
        "is_logical": False,
        "stated_tflops": 50_080,
        "registered_tflops": 50_080,
        "online_tflops": 50_080,
        "schedulable_tflops": 50_080,
        "allocated_tflops": 2_504,
        "queued_jobs": 0,
        "running_jobs": 1,
        "centres": [_CENTRE],
    },
    "centres": {"items": [_CENTRE]},
    "nodes": {"items": [_NODE | {"is_drained": False}]},
    "drain": {"items": [_NODE | {"is_drained": True}]},
    "resume": {"items": [_NODE | {"is_drained": False}]},
    "utilisation": {
        "from_ms": _LEASED_MS - 86_400_000,
        "to_ms": _LEASED_MS,
        "points": [
            {
                "at_ms": _LEASED_MS - 3_600_000,
                "centre": "qdaicc",
                "allocated_tflops": 2_504,
                "online_tflops": 50_080,
                "stated_tflops": 50_080,
            }
        ],
        "average_bp": {"park": 500, "qdaicc": 500},
        "peak_bp": {"park": 500, "qdaicc": 500},
        "peak_at_ms": {"park": _LEASED_MS - 3_600_000, "qdaicc": _LEASED_MS - 3_600_000},
    },
    "list_datasets": {
        "items": [_DATASET],
        "classes": [{"id": "medical", "name": "医疗数据", "centres": ["qdaicc"]}],
    },
    "put_dataset": _DATASET,
    "list_tenants": {"items": [TENANT]},
    "get_tenant": TENANT,
    "put_tenant": TENANT,
    "top_up": TENANT,
    "list_projects": {"items": [PROJECT]},
    "put_project": PROJECT,
    "list_cohorts": {"items": [COHORT]},
    "put_cohort": COHORT,
    "list_prices": {"items": [_PRICES]},
    "publish": _PRICES,
    "me": {
        "key_id": "f588129c799a",
        "role": "agent",
        "label": "agent of qdaicc",
        "tenant": None,
        "centre": "qdaicc",
    },
    "list_keys": {"items": [_KEY]},
    "make_key": _KEY | {"secret": "brk_f588129c799a_..."},
    "upload": {"sha256": "2c26b46b68ffc68ff99b453c1d304134" * 2, "byte_count": 1_620},
    "orders": {"launch": [], "stop": [], "forget": [ATTEMPT_ID]},
    "ship_logs": {"logs": [{"attempt_id": ATTEMPT_ID, "member": 0, "offset": 6, "is_full": False}]},
    "healthz": {"status": "ok"},
    "readyz": {"status": "ok", "database": "ok", "leader": "ok"},
}
BODIES: Mapping[str, Any] = {
    "report": {
        "agent_started_at_ms": _LEASED_MS - 60_000,
        "number": 60,
        "online_node_ids": ["qdaicc-910b3-n001"],
        "attempts": [
            {"attempt_id": ATTEMPT_ID, "phase": "running", "started_at_ms": _LEASED_MS + 31}
        ],
    },
    "orders": {"known": [ATTEMPT_ID], "stopping": [], "wait_ms": 10_000},
    "diary": {
        "asked": _LEASED_MS + 60_000,
        "agent_started_at_ms": _LEASED_MS - 60_000,
        "number": 121,
        "at_ms": _LEASED_MS + 60_012,
        "whole_since_ms": _LEASED_MS - 60_000,
        "attempts": [
            {
                "attempt_id": ATTEMPT_ID,
                "phase": "running",
                "job_id": JOB_ID,
                "tenant_id": "t03",
                "device_kind_id": "ascend-910b3",
                "cards": [["qdaicc-910b3-n001", 8]],
                "started_at_ms": _LEASED_MS + 31,
            }
        ],
    },
    "ship_logs": {
        "chunks": [{"attempt_id": ATTEMPT_ID, "member": 0, "offset": 0, "data": "bG9zcyAK"}]
    },
}
PROBLEM: Mapping[str, Any] = {
    "type": "about:blank",
    "title": "The request does not make sense",
    "status": 422,
    "detail": "1 error in the request",
    "errors": [
        {
            "field": "devces",
            "in": "body",
            "problem": "Extra inputs are not permitted",
            "fix": "did you mean devices or device?",
        }
    ],
}
