"""Bodies to send, as the description of the API shows them: each is taken as it stands."""

from typing import Any

JOB_EXAMPLES: dict[str, Any] = {
    "digits": {
        "summary": "A training job of two members",
        "value": {
            "name": "digits",
            "command": "python train.py --epochs 5",
            "devices": 8,
            "device": ["ascend-910b3", "hygon-k100-ai"],
            "members": 2,
            "limit": "4h",
            "retries": 1,
            "checkpoint": {"dir": "ckpt", "signal": "SIGUSR1", "grace": "60s"},
        },
    },
    "sweep": {
        "summary": "A hundred tasks that differ by BRAIN_ARRAY_INDEX, four at once",
        "value": {
            "name": "sweep",
            "command": "python train.py --seed $BRAIN_ARRAY_INDEX",
            "devices": 1,
            "limit": "30m",
            "array": "0-99%4",
        },
    },
    "roles": {
        "summary": "A launcher without cards, and workers, whose job ends with it",
        "value": {
            "name": "tune",
            "limit": "8h",
            "roles": [
                {"name": "launcher", "devices": 0, "command": "python lead.py"},
                {"name": "worker", "count": 2, "devices": 4, "command": "python work.py"},
            ],
            "ends_with": "launcher",
        },
    },
    "variants": {
        "summary": "64 cards of one kind, or 104 of another",
        "value": {
            "command": "sh train.sh",
            "devices": 64,
            "device": "ascend-910b3",
            "limit": "72h",
            "variants": [{"devices": 104, "device": "hygon-k100-ai", "limit": "72h"}],
        },
    },
    "elastic": {
        "summary": "64 cards, or 32, 16 or 8, whatever is free",
        "value": {
            "command": "sh train.sh",
            "devices": 64,
            "min_devices": 8,
            "limit": "24h",
            "checkpoint": {"dir": "ckpt", "signal": "SIGUSR1"},
        },
    },
    "elastic_by_nodes": {
        "summary": "6 nodes of 8 cards, or 5, 4 or 3",
        "value": {
            "command": "sh train.sh",
            "devices": 48,
            "nodes": 6,
            "min_devices": 24,
            "step_devices": 8,
            "limit": "24h",
            "checkpoint": {"dir": "ckpt", "signal": "SIGUSR1"},
        },
    },
    "smallest": {
        "summary": "One card of any kind",
        "value": {"command": "nvidia-smi || npu-smi info", "devices": 1},
    },
}
BATCH_EXAMPLES: dict[str, Any] = {
    "sweep": {
        "summary": "Two jobs that differ in one argument",
        "value": {
            "jobs": [
                {"command": "python train.py --rate 0.1", "devices": 1, "limit": "30m"},
                {"command": "python train.py --rate 0.01", "devices": 1, "limit": "30m"},
            ]
        },
    }
}
PRICE_EXAMPLES: dict[str, Any] = {
    "next year": {
        "summary": "From 1 January 2027, 00:00 in Shanghai",
        "value": {
            "id": "2027",
            "from_ms": 1_798_732_800_000,
            "on_demand": {"ascend-910b3": "3.50", "hygon-k100-ai": "2.80"},
            "qos_permille": {"low": 500, "normal": 1_000, "high": 1_500},
            "class_permille": {"standard": 1_000},
        },
    }
}
TENANT_EXAMPLES: dict[str, Any] = {
    "enterprise": {
        "summary": "An enterprise with 64 cards",
        "value": {
            "name": "企业甲",
            "field": "manufacturing",
            "price_class": "standard",
            "max_cards": 64,
            "nominal_cards": {"ascend-910b3": 32},
            "weight": 100,
        },
    }
}
TOP_UP_EXAMPLES: dict[str, Any] = {
    "payment": {
        "summary": "A bank transfer",
        "value": {"amount": "10000.00", "reference": "bank-2026-0042"},
    }
}
HARD_STOP_EXAMPLES: dict[str, Any] = {
    "on": {"summary": "Rather stop than owe", "value": {"is_on": True}},
}
PACKAGE_EXAMPLES: dict[str, Any] = {
    "month": {
        "summary": "Four nodes of eight cards for November",
        "value": {
            "id": "HT-2026-044",
            "tenant": "t03",
            "kind": "nodes",
            "device": "ascend-910b3",
            "cards": 32,
            "from_ms": 1_793_462_400_000,
            "until_ms": 1_796_054_400_000,
            "amount": "56000.00",
        },
    },
    "hours": {
        "summary": "A thousand card-hours, for a year",
        "value": {
            "id": "HT-2026-045",
            "tenant": "t03",
            "kind": "card_hours",
            "device": "ascend-910b3",
            "card_hours": 1_000,
            "from_ms": 1_793_462_400_000,
            "until_ms": 1_824_998_400_000,
            "amount": "3000.00",
        },
    },
}
BUDGET_EXAMPLES: dict[str, Any] = {
    "project": {
        "summary": "A project's month, which is told and never stops anything",
        "value": {"amount": "20000.00", "project": "vision"},
    },
    "job": {
        "summary": "A job that stops once it has cost so much",
        "value": {"amount": "500.00", "job_id": "01k2m3n4p5", "hard_stop": True},
    },
}
VOUCHER_EXAMPLES: dict[str, Any] = {
    "city": {
        "summary": "A city's voucher for training on one kind of card",
        "value": {
            "id": "QD-2026-0007",
            "tenant": "steel",
            "issuer": "Qingdao",
            "contract": "HT-2026-031",
            "amount": "50000.00",
            "share_permille": 200,
            "from_ms": 1767196800000,
            "until_ms": 1798732800000,
            "devices": ["ascend-910b3"],
        },
    }
}
KEY_EXAMPLES: dict[str, Any] = {
    "agent": {
        "summary": "For the agent of a centre",
        "value": {"role": "agent", "centre": "qdaicc", "label": "agent of qdaicc"},
    },
    "tenant": {
        "summary": "For a tenant's program",
        "value": {"role": "tenant", "tenant": "t03", "label": "ci"},
    },
}
DATASET_EXAMPLES: dict[str, Any] = {
    "copied": {
        "summary": "It lies in a second centre as well",
        "value": {"size": "1.5TiB", "centres": ["qdaicc", "lsl"], "tenant": "steel"},
    }
}
PROJECT_EXAMPLES: dict[str, Any] = {
    "project": {
        "summary": "A project with twice the usual share, and at most 32 cards",
        "value": {"name": "视觉质检", "weight": 200, "max_cards": 32},
    }
}
COHORT_EXAMPLES: dict[str, Any] = {
    "group": {
        "summary": "The companies of one group, with one share and at most 128 cards",
        "value": {"name": "集团甲", "weight": 300, "max_cards": 128},
    }
}

DRAIN_EXAMPLES: dict[str, Any] = {
    "nodes": {
        "summary": "Two nodes",
        "value": {"nodes": ["qdaicc-910b3-n001", "qdaicc-910b3-n002"]},
    },
    "centre": {"summary": "All of a centre", "value": {"centre": "qdaicc"}},
}
