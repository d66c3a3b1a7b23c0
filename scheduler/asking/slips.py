"""Why a job that waits starts later than it was told first: what of that can be established.

The plan that told it is not kept. What it counted on of the work that ran then can be worked out
again: the forecast of each run was made at its lease, and stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from scheduler.facts.record import Attempt
from scheduler.facts.state import State
from scheduler.model.policy import DEFAULT, Policy
from scheduler.timing.forecasts import Forecasts

NEAR_MS = 60_000
FAR_SHARE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldFirst:
    """What a job was told first of its start in this wait, and when."""

    at_ms: int
    start_ms: int
    pool_id: str

    def is_missed(self, start_ms: int | None) -> bool:
        """Whether a start is clearly later; None is no start that anybody knows."""
        slack_ms = max(NEAR_MS, (self.start_ms - self.at_ms) // FAR_SHARE)
        return start_ms is None or start_ms - self.start_ms >= slack_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Overstayed:
    """So many runs, on so many cards, that were counted on to be over when it was to start.

    `mine` of them are of the job's own tenant. The longest is `over_ms` past what was counted on
    then, and until `until_ms` they are counted on now.
    """

    count: int
    mine: int
    cards: int
    over_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What keeps the job from the start that it was told first, where anything is known to."""

    overstayed: Overstayed | None


def slip(
    state: State, now_ms: int, tenant_id: str, told: ToldFirst, policy: Policy = DEFAULT
) -> Slip:
    """Of a job of this tenant; in the pool that it was told. The state must not be changed."""
    there = [one for one in state.live.values() if one.placement.pool_id == told.pool_id]
    return Slip(overstayed=_overstayed(state, now_ms, tenant_id, told, there, policy))


def _overstayed(
    state: State,
    now_ms: int,
    tenant_id: str,
    told: ToldFirst,
    there: Iterable[Attempt],
    policy: Policy,
) -> Overstayed | None:
    """Those that were there when it was told, and by that were to be over by its start."""
    then, now = Forecasts(state, told.at_ms, policy), Forecasts(state, now_ms, policy)
    found = [
        (attempt, now_ms - was_ms, is_ms)
        for attempt in there
        if attempt.leased_at_ms <= told.at_ms
        and (was_ms := then.live_ends(attempt).likely_ms) <= told.start_ms
        and (is_ms := now.live_ends(attempt).likely_ms) > told.start_ms
    ]
    if not found:
        return None
    return Overstayed(
        count=len(found),
        mine=sum(state.jobs[one.job_id].job.tenant_id == tenant_id for one, _, _ in found),
        cards=sum(one.placement.card_count for one, _, _ in found),
        over_ms=max(over_ms for _, over_ms, _ in found),
        until_ms=max(until_ms for _, _, until_ms in found),
    )
