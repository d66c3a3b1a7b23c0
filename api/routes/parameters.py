"""Parameters and answers that many routes share."""

from typing import Annotated, Any

from fastapi import Path, Query

from api.errors import MEDIA_TYPE, TITLES, Refused
from api.schemas import Problem
from api.values import MAX_MS

MONTH_PATTERN = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

JobId = Annotated[str, Path(pattern=r"^[a-z0-9]{1,64}$", description="what the submit answered")]
TenantId = Annotated[str, Path(pattern=NAME_PATTERN, description="the tenant's id")]
CentreId = Annotated[str, Path(pattern=NAME_PATTERN, description="the centre of the key")]
TenantQuery = Annotated[
    str | None, Query(alias="tenant", pattern=NAME_PATTERN, description="a tenant's own by default")
]
FromMs = Annotated[int | None, Query(ge=0, le=MAX_MS, description="inclusive; epoch milliseconds")]
ToMs = Annotated[int | None, Query(ge=0, le=MAX_MS, description="exclusive; epoch milliseconds")]

Month = Annotated[
    str | None, Query(pattern=MONTH_PATTERN, description="of Asia/Shanghai", examples=["2026-10"])
]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documents which errors a route may answer with, beside those that all may."""
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {
            "description": TITLES[status],
            "content": {MEDIA_TYPE: problem},
            "model": Problem,
        }
        for status in sorted({400, 401, 403, 413, 422, 500, 503, *statuses})
    }


def window(from_ms: int | None, to_ms: int | None, now_ms: int, default_ms: int) -> tuple[int, int]:
    """A window of time: up to now, and as long as `default_ms`, unless the caller says else."""
    end_ms = now_ms if to_ms is None else to_ms
    begin_ms = max(0, end_ms - default_ms) if from_ms is None else from_ms
    if begin_ms >= end_ms:
        error = {
            "field": "from_ms",
            "in": "query",
            "problem": f"{begin_ms} is not before to_ms {end_ms}",
            "fix": "choose an earlier from_ms or a later to_ms",
        }
        raise Refused(422, "the window of time is empty", errors=[error])
    return begin_ms, end_ms
