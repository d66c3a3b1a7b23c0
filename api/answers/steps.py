"""How pools stood over a window of time, as the tables tell it."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row

from accounting.usage.waterfall import Step
from scheduler.storage import queries


def steps_between(
    connection: Connection, pool_ids: Sequence[str], asked: tuple[int, int], step_ms: int
) -> dict[str, list[Step]]:
    """How each pool stood when the window began, and each change inside it; by pool."""
    before = queries.loads_at(connection, pool_ids, asked[0])
    inside = queries.loads_between(connection, pool_ids, *asked, step_ms)
    steps: dict[str, list[Step]] = {pool_id: [] for pool_id in pool_ids}
    for row in (*before, *inside):
        steps[row.pool_id].append(_step(row))
    return steps


def _step(row: Row) -> Step:  # type: ignore[type-arg] # a row of plain SQL
    return Step(
        pool_id=row.pool_id,
        at_ms=row.at_ms,
        tflops=row.tflops,
        registered_cards=row.registered_cards,
        online_cards=row.online_cards,
        allocated_cards=row.allocated_cards,
        # A silent centre may lease nothing, but that is a failure and not maintenance.
        maintenance_cards=row.maintenance_cards,
        reserved_cards=row.reserved_cards,
    )


def step_ms_for(
    connection: Connection, pool_ids: Sequence[str], from_ms: int, to_ms: int, changes_max: int
) -> int:
    """How finely the window is told: to the millisecond, where not too much happened in it."""
    count = queries.load_count(connection, pool_ids, from_ms, to_ms, changes_max + 1)
    if count <= changes_max:
        return 1
    return -(-(to_ms - from_ms) * len(pool_ids) // changes_max)
