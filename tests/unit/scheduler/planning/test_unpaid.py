"""Who cannot pay where pools are closed at some hours."""

from dataclasses import replace

from scheduler.facts.opening import by_hours
from scheduler.facts.state import State
from scheduler.model.job import ReasonCode
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, a_job, a_park, a_pool, a_state, happen, submit
from tests.unit.scheduler.model.test_offered import CLOSES_MS, DAYTIME, OPENS_MS, POOL

EAST_BY_DAY = replace(a_pool(POOL, 2, 8), hours=DAYTIME)
BIG = a_job("big", device_count=16, node_count=2, centre_ids=("east",))
SMALL = a_job("small", centre_ids=("north",))


def at(now_ms: int) -> State:
    """Two wait; the pool of the first is open by day alone, that of the other always."""
    state = a_state(park=a_park(EAST_BY_DAY, a_pool("north-npu", 2, 8)))
    happen(state, *by_hours(state, now_ms))
    submit(state, BIG, SMALL)
    return state


def granted(now_ms: int) -> list[str]:
    """Where there is enough for the second now, and for the first once what is held comes back."""
    state = at(now_ms)
    funds = state.funds["steel"]
    funds.available_micros = 0
    needs = {key: one.reasons[0].need for key, one in plan(state, now_ms).verdicts.items()}
    funds.available_micros, funds.held_micros = needs["small"], needs["big"]
    return [grant.job_id for grant in plan(state, now_ms).grants]


def test_who_cannot_pay_waits_for_no_hours_and_is_told_no_start() -> None:
    state = at(CLOSES_MS)
    state.funds["steel"].available_micros = 0

    verdict = plan(state, CLOSES_MS).verdicts["big"]

    assert {one.code for one in verdict.reasons} == {ReasonCode.FUNDS}
    assert verdict.start is None


def test_money_is_saved_for_who_could_start_now_and_not_for_a_pool_that_is_closed() -> None:
    assert granted(CLOSES_MS + HOUR_MS) == ["small"]
    assert granted(OPENS_MS) == []
