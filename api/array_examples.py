"""Examples of arrays in the description of the interface, as those of `examples`."""

from collections.abc import Mapping
from typing import Any

ARRAY_EXAMPLES: dict[str, Any] = {
    "sweep": {
        "summary": "A hundred tasks that differ by BRAIN_ARRAY_INDEX, four at once",
        "value": {
            "name": "sweep",
            "command": "python train.py --seed $BRAIN_ARRAY_INDEX",
            "devices": 1,
            "limit": "30m",
            "array": "0-99%4",
        },
    }
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
ARRAY_ANSWERS: Mapping[str, Any] = {
    "get_array": _ARRAY,
    "cancel_array": _ARRAY
    | {
        "states": {"cancelled": 91, "succeeded": 9},
        "is_over": True,
        "ended_at_ms": 1_795_601_245_031,
    },
}
