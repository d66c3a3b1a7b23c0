"""Until when no plan decides anything: what the clock alone changes, and what it does not."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cluster.hours import hours_of
from scheduler.facts import events as ev
from scheduler.facts.record import JobRecord
from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.plan import Eviction, KeptCards
from scheduler.model.policy import DEFAULT, EASY, FIFO, Policy
from scheduler.planning.planner import plan
from scheduler.planning.quiet import NEVER_MS, quiet_until_ms
from tests.builders import HOUR_MS, a_park, a_pool, a_state, happen, submit
from tests.preemptive import (
    MIN_RUN_MS,
    NODE,
    NOW_MS,
    POOL,
    TURNS,
    a_pool_of,
    low,
    normal,
    of_fish,
    owned_by,
    run,
    stop,
    wants,
)
from tests.unit.scheduler.planning.test_settled import with_many_alike
from tests.unit.scheduler.test_elastic import RIPE_MS, runs_small
from tests.unit.scheduler.test_planner_invariants import states
from tests.unit.scheduler.test_preemption_invariants import crowded

DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000


def decides(state: State, now_ms: int, policy: Policy) -> bool:
    found = plan(state, now_ms, policy)
    kept = [one for one in found.verdicts.values() if isinstance(one, KeptCards)]
    return bool(found.grants or found.evictions or kept)


@settings(max_examples=25)
@given(
    st.data(),
    st.one_of(states(), crowded()),
    st.sampled_from([DEFAULT, TURNS, TURNS, EASY, FIFO]),
    st.sampled_from([NOW_MS, NOW_MS + MINUTE_MS, DAY_MS]),
)
def test_until_then_no_plan_decides_anything(
    data: st.DataObject, state: State, policy: Policy, now_ms: int
) -> None:
    with_many_alike(state, data)
    until_ms = quiet_until_ms(state, now_ms, policy)
    assume(until_ms > now_ms)

    last_ms = min(until_ms - 1, now_ms + 3 * DAY_MS)
    between = st.integers(now_ms, last_ms)
    for at_ms in (now_ms, data.draw(between), data.draw(between), last_ms):
        assert not decides(state, at_ms, policy)


def a_full_node(*cards: int, since_ms: int = 0) -> State:
    """Of 8 cards: work of so many cards each, of normal priority, began then."""
    state = a_pool_of()
    for number, count in enumerate(cards):
        run(state, normal(f"runs-{number}", count), count, at_ms=since_ms)
    return state


def test_where_nobody_is_stopped_time_alone_changes_nothing() -> None:
    state = a_full_node(8)
    submit(state, wants())

    assert quiet_until_ms(state, NOW_MS, EASY) == NEVER_MS


def test_what_is_free_for_one_who_waits_may_be_given_at_any_moment() -> None:
    state = a_full_node(4)
    submit(state, wants("large", 8), wants("small", 4))

    assert quiet_until_ms(state, NOW_MS, EASY) == NOW_MS


def test_low_work_may_be_stopped_once_it_has_run_for_long_enough() -> None:
    state = a_pool_of()
    run(state, low("low"), 8, at_ms=NOW_MS)
    submit(state, wants())

    until_ms = quiet_until_ms(state, NOW_MS, DEFAULT)

    assert until_ms == NOW_MS + MIN_RUN_MS
    assert quiet_until_ms(state, until_ms, DEFAULT) == until_ms
    assert decides(state, until_ms, DEFAULT)


def waits_having_had(state: State, card_ms: int, job: Job | None = None) -> JobRecord:
    """It ran before, and has had so much."""
    job = job or wants()
    submit(state, job)
    record = state.jobs[job.id]
    state.queue.discard(job.id)
    record.served_card_ms = card_ms
    state.queue.add(record)
    return record


def test_work_comes_to_be_on_a_later_level_than_who_waits() -> None:
    """Of eight cards it has had six card-hours after 45 minutes, and is on the fourth level."""
    state = a_full_node(8, since_ms=NOW_MS)
    waits_having_had(state, 2 * HOUR_MS)
    late_ms = NOW_MS + 45 * MINUTE_MS

    assert quiet_until_ms(state, NOW_MS + MIN_RUN_MS, TURNS) == late_ms
    assert decides(state, late_ms, TURNS)


def test_of_those_of_one_shape_who_has_had_least_counts() -> None:
    state = a_full_node(8)
    waits_having_had(state, 1 << 50, wants("old"))
    waits_having_had(state, 0)

    assert quiet_until_ms(state, NOW_MS, TURNS) == NOW_MS


def test_who_waits_for_long_comes_to_starve() -> None:
    """On one level nobody is stopped for another, until that one starves."""
    state = a_full_node(8, since_ms=20 * HOUR_MS)
    waits_having_had(state, 1 << 50, replace(wants("young"), submitted_at_ms=NOW_MS))
    starving_ms = waits_having_had(state, 1 << 50).starving_from_ms

    assert quiet_until_ms(state, starving_ms - MINUTE_MS, TURNS) == starving_ms
    assert quiet_until_ms(state, starving_ms, TURNS) == starving_ms
    assert decides(state, starving_ms, TURNS)


def test_who_waits_for_long_and_is_to_be_tried_later_starves_then() -> None:
    state = a_full_node(8)
    record = waits_having_had(state, 1 << 50)
    starving_ms = record.starving_from_ms
    record.not_before_ms = starving_ms + MINUTE_MS

    assert quiet_until_ms(state, starving_ms, TURNS) == starving_ms + MINUTE_MS


def test_a_gang_needs_as_many_nodes_as_it_asks_for_that_could_be_cleared() -> None:
    state = a_pool_of(2)
    run(state, normal("old"), 8)
    run(state, normal("young"), 0, 8, at_ms=NOW_MS)
    submit(state, wants("gang", 16))

    assert quiet_until_ms(state, NOW_MS, TURNS) > NOW_MS
    assert decides(state, NOW_MS + MIN_RUN_MS, TURNS)


def test_what_runs_small_may_be_asked_to_grow_then() -> None:
    state = runs_small()

    assert quiet_until_ms(state, MIN_RUN_MS, DEFAULT) == RIPE_MS
    assert quiet_until_ms(state, RIPE_MS, DEFAULT) == RIPE_MS
    assert decides(state, RIPE_MS, DEFAULT)


def test_where_somebody_owns_cards_any_moment_may_decide() -> None:
    state = owned_by(steel=8)
    run(state, of_fish(normal("runs")), 8)
    submit(state, of_fish(wants()))

    assert quiet_until_ms(state, NOW_MS, DEFAULT) == NOW_MS


def test_beside_what_is_being_stopped_others_may_be_at_any_moment() -> None:
    state = a_pool_of()
    run(state, low("first", 4), 4)
    run(state, low("second", 4), 4)
    stop(state, Eviction("first.1", "nobody", (NODE,)))
    submit(state, wants())

    assert quiet_until_ms(state, NOW_MS, DEFAULT) == NOW_MS
    assert decides(state, NOW_MS, DEFAULT)


def test_what_is_kept_for_a_quote_may_change_at_any_moment() -> None:
    state = a_full_node(8)
    quote = ev.QuoteKept(at_ms=NOW_MS, until_ms=NOW_MS + HOUR_MS, job=wants("quoted"))
    happen(state, quote)

    assert quiet_until_ms(state, NOW_MS, EASY) == NOW_MS


def test_a_pool_of_certain_hours_may_open_at_any_moment() -> None:
    park = a_park(replace(a_pool(POOL, 1, 8), hours=hours_of(["daily 08:00-20:00"])))
    state = a_state(park=park)

    assert quiet_until_ms(state, NOW_MS, EASY) == NOW_MS
