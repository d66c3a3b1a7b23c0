"""Disputed time: what ran, or did not, while its centre was not heard of; nobody is billed for it.

It is resolved by what becomes known: a centre that reports again says what ran, and that is metered
then; one that stays silent has its work given up, and nothing of that is billed.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from accounting.storage.hours import metered_until
from api.schemas.jobs import DisputedTime
from cluster.inventory import Park
from scheduler.storage import queries


def disputed_time(
    connection: Connection, park: Park, window: tuple[int, int], now_ms: int, tenant_id: str | None
) -> Iterator[DisputedTime]:
    """Of each attempt in a silent centre the time since it was last metered, inside a window."""
    views = queries.views(connection, [f"centre:{centre.id}" for centre in park.centres])
    silent = [
        centre.id
        for centre in park.centres
        if (view := views.get(f"centre:{centre.id}")) and not view.body["is_heard"]
    ]
    running = queries.running_in(connection, silent, tenant_id) if silent else ()
    metered = metered_until(connection, [row.id for row in running])
    for row in running:
        from_ms = max(window[0], metered.get(row.id, row.started_at_ms))
        to_ms = min(window[1], now_ms)
        cards = sum(share["card_count"] for share in row.placement["shares"])
        if from_ms < to_ms:
            yield DisputedTime(
                tenant=row.tenant_id,
                project=row.project,
                job=row.job_id,
                attempt=row.id,
                centre=row.centre_id,
                device=row.device_kind_id,
                unit="core" if row.device_kind_id in park.core_kind_ids else "card",
                cards=cards,
                from_ms=from_ms,
                to_ms=to_ms,
                device_ms=cards * (to_ms - from_ms),
            )
