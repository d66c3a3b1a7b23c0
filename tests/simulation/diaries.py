"""What centres would have kept of a simulated world, and that the log says nothing else.

A diary may have been lost with its centre's memory, or have outlived it: the log must fit to both.
But what a centre forgot before it was heard of is in no log, and its diary alone can tell of it.
"""

from collections.abc import Iterator

from cluster.diary import Diary, Noted
from cluster.driver import AttemptPhase
from cluster.simulated import Run, World
from scheduler.asking.diaries import Discrepancy, Logged, Sort, discrepancies
from scheduler.facts.log import MemoryLog
from tests.simulation.audit import Audit, Try


def check_centres_agree(audit: Audit, log: MemoryLog, world: World) -> None:
    """To the millisecond: in this world all clocks are one, and a report is never on its way."""
    logged = dict(_logged(audit, log))
    for centre_id in sorted({one.centre_id for one in logged.values()}):
        forgot_ms = max((at for one, at in world.amnesias if one == centre_id), default=0)
        for since_ms in sorted({0, forgot_ms}):
            diary = diary_of(world, centre_id, since_ms)
            known = {one: it for one, it in logged.items() if _is_compared(it, centre_id, diary)}
            differing = discrepancies(centre_id, diary, known, tolerance_ms=0)
            found = [one for one in differing if not _is_forgotten(one, world)]
            assert not found, f"{centre_id} has otherwise than the log: {found}"


def _is_forgotten(one: Discrepancy, world: World) -> bool:
    """Whether it ran unheard, and its centre lost its memory before the log gave it up, unbilled.

    An agent that is told to stop what it does not know notes that instead, as its last word.
    """
    logged, noted = one.logged, one.noted
    if one.sort is not Sort.START or logged is None or noted is None:
        return False
    from_ms, until_ms = noted.ended_at_ms, logged.ended_at_ms
    assert from_ms is not None
    assert until_ms is not None
    is_unheard = logged.started_at_ms is None and logged.used_to_ms is None
    return is_unheard and any(
        centre_id == logged.centre_id and from_ms <= at_ms <= until_ms
        for centre_id, at_ms in world.amnesias
    )


def diary_of(world: World, centre_id: str, since_ms: int) -> Diary:
    """Of a centre that has lost what it knew before that."""
    runs = [run for run in world.runs if run.order.centre_id == centre_id]
    kept = {
        run.order.attempt_id: _noted(run)
        for run in runs
        if run.ended_at_ms is None or run.ended_at_ms > since_ms
    }
    return Diary(whole_since_ms=since_ms, attempts=tuple(kept.values()))


def _is_compared(logged: Logged, centre_id: str, diary: Diary) -> bool:
    named = {one.attempt_id for one in diary.attempts}
    is_of_now = logged.ended_at_ms is None or logged.ended_at_ms > diary.whole_since_ms
    return logged.attempt_id in named or (logged.centre_id == centre_id and is_of_now)


def _noted(run: Run) -> Noted:
    order = run.order
    cards: dict[str, int] = {}
    for member in order.members:
        cards[member.node_id] = cards.get(member.node_id, 0) + member.card_count
    running = AttemptPhase.STARTING if run.started_at_ms is None else AttemptPhase.RUNNING
    return Noted(
        attempt_id=order.attempt_id,
        phase=running if run.ended_at_ms is None else AttemptPhase.ENDED,
        job_id=order.job_id,
        tenant_id=order.tenant_id,
        device_kind_id=order.device_kind_id,
        cards=tuple(sorted((node_id, count) for node_id, count in cards.items() if count)),
        started_at_ms=run.started_at_ms,
        ended_at_ms=run.ended_at_ms,
        end=run.end,
    )


def _logged(audit: Audit, log: MemoryLog) -> Iterator[tuple[str, Logged]]:
    used: dict[str, int] = {}
    for usage in log.usage.values():
        attempt_id = usage.reference.partition("/")[0]
        used[attempt_id] = max(used.get(attempt_id, 0), usage.to_ms)
    for attempt_id, attempt in audit.tries.items():
        yield attempt_id, _as_logged(audit, attempt, used.get(attempt_id))


def _as_logged(audit: Audit, attempt: Try, used_to_ms: int | None) -> Logged:
    leased, placement = attempt.leased, attempt.leased.placement
    started, ended = attempt.started, attempt.ended
    return Logged(
        attempt_id=leased.attempt_id,
        job_id=leased.job_id,
        tenant_id=audit.jobs[leased.job_id].tenant_id,
        centre_id=placement.centre_id,
        device_kind_id=placement.device_kind_id,
        cards=tuple(sorted((share.node_id, share.card_count) for share in placement.shares)),
        started_at_ms=started.at_ms if started else None,
        ended_at_ms=ended.at_ms if ended else None,
        cause=ended.cause if ended else None,
        used_to_ms=used_to_ms,
    )
