"""Parameters and answers that many routes share."""

from typing import Annotated, Any

from fastapi import Path, Query

from api.auth import Caller
from api.errors import MEDIA_TYPE, TITLES, Refused
from api.schemas.jobs import Problem
from api.schemas.values import MAX_MS

MONTH_PATTERN = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"
DAY_MS = 86_400_000
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

JobId = Annotated[str, Path(pattern=r"^[a-z0-9]{1,64}$", description="what the submit answered")]
QuoteParameter = Annotated[
    str, Path(alias="quote_id", pattern=r"^[a-z0-9]{1,64}$", description="what a quote has as `id`")
]
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
MonthPath = Annotated[
    str, Path(pattern=MONTH_PATTERN, description="of Asia/Shanghai", examples=["2026-10"])
]


def one_tenant(caller: Caller, tenant: str | None) -> str:
    """Whose bills an answer is about: a tenant's own, or whom finance names."""
    tenant_id = caller.narrowed(tenant)
    if tenant_id is None:
        error = {"field": "tenant", "in": "query", "problem": "Field required", "fix": "add it"}
        raise Refused(422, "a statement is one tenant's", errors=[error])
    return tenant_id


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


def window(
    from_ms: int | None, to_ms: int | None, now_ms: int, default_ms: int, ms_max: int | None = None
) -> tuple[int, int]:
    """A window of time: up to now, and as long as `default_ms`, unless the caller says else.

    `ms_max` is how long it may be; `None` where that does not matter.
    """
    end_ms = now_ms if to_ms is None else to_ms
    begin_ms = max(0, end_ms - default_ms) if from_ms is None else from_ms
    if begin_ms >= end_ms:
        raise _bad_window(
            "the window of time is empty",
            f"{begin_ms} is not before to_ms {end_ms}",
            "choose an earlier from_ms or a later to_ms",
        )
    if ms_max is not None and end_ms - begin_ms > ms_max:
        raise _bad_window(
            f"the window of time may be {ms_max // DAY_MS} days long at most",
            f"{begin_ms} is {-(-(end_ms - begin_ms) // DAY_MS)} days before to_ms {end_ms}",
            f"choose {end_ms - ms_max} or later, or ask in several steps",
        )
    return begin_ms, end_ms


def _bad_window(detail: str, problem: str, fix: str) -> Refused:
    error = {"field": "from_ms", "in": "query", "problem": problem, "fix": fix}
    return Refused(422, detail, errors=[error])
