"""What plans keep for quotes, and that nobody else loses by it what a job would not have taken."""

from copy import deepcopy
from dataclasses import replace
from itertools import zip_longest

from hypothesis import assume, event, given
from hypothesis import strategies as st

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, Priority, ReasonCode
from scheduler.model.plan import Eviction, Grant, KeptCards, Plan
from scheduler.model.policy import DEFAULT, POLICY_BY_NAME, Policy, Preemption
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import HOUR_MS, a_job, a_lease, a_placement, happen, submit
from tests.unit.scheduler.facts.test_quotes import (
    MINUTE_MS,
    VALID_MS,
    kept,
    note_cards,
    one_node,
    over,
)
from tests.unit.scheduler.test_planner_invariants import jobs, lease, states


def test_what_its_job_would_get_is_kept_for_a_quote_and_it_never_starts() -> None:
    state = one_node()
    happen(state, kept(a_job("q", device_count=8)))
    submit(state, a_job("late", tenant_id="fish", submitted_at_ms=1))

    result = plan(state, 10)

    assert result.grants == ()
    (reason,) = result.verdicts["q"].reasons
    assert (reason.code, reason.need, reason.until_ms) == (ReasonCode.QUOTED, 8, VALID_MS)
    assert [one.code for one in result.verdicts["late"].reasons] == [ReasonCode.DEVICES_BUSY]


def test_what_is_kept_is_taken_once_of_what_is_to_come() -> None:
    state = one_node()
    happen(state, kept(a_job("q", device_count=6)))
    submit(state, a_job("late", tenant_id="fish", device_count=2, submitted_at_ms=1))
    state.jobs["late"].not_before_ms = MINUTE_MS

    start = plan(state, 10).verdicts["late"].start

    assert start is not None
    assert start.at_ms == MINUTE_MS, "beside what is kept"


def test_who_is_ahead_before_cards_are_kept_starts_first() -> None:
    state = one_node()
    happen(state, kept(a_job("q", device_count=8)))
    submit(state, a_job("first", tenant_id="fish", submitted_at_ms=1, priority=Priority.HIGH))

    result = plan(state, 10)

    assert [grant.job_id for grant in result.grants] == ["first"]
    assert [one.code for one in result.verdicts["q"].reasons] == [ReasonCode.DEVICES_BUSY]


def test_who_takes_a_quote_starts_where_it_stood() -> None:
    state = one_node()
    happen(state, kept(a_job("q", device_count=8)))
    submit(state, a_job("late", tenant_id="fish", submitted_at_ms=1))

    submit(state, replace(a_job("q", device_count=8), command="true"))

    assert [grant.job_id for grant in plan(state, 10).grants] == ["q"]
    assert (len(state.quotes), state.jobs["q"].job.command) == (0, "true")


def a_kept_node() -> State:
    """All 8 cards are kept for `q`, and who is ahead of it comes then."""
    state = one_node()
    happen(state, kept(a_job("q", device_count=8)))
    note_cards(state, 10)
    submit(state, a_job("high", tenant_id="fish", submitted_at_ms=11, priority=Priority.HIGH))
    return state


def test_who_comes_later_to_be_ahead_does_not_take_what_is_kept() -> None:
    state = a_kept_node()

    result = plan(state, 20)

    assert result.grants == ()
    assert isinstance(result.verdicts["q"], KeptCards)
    note_cards(state, 20)
    assert [grant.job_id for grant in plan(state, 30).grants] == []


def test_who_takes_what_is_kept_starts_before_who_is_ahead() -> None:
    state = a_kept_node()

    submit(state, a_job("q", device_count=8))

    assert [grant.job_id for grant in plan(state, 20).grants] == ["q"]


def test_what_is_given_up_goes_to_who_is_ahead() -> None:
    state = a_kept_node()

    happen(state, over("q", 20))

    assert [grant.job_id for grant in plan(state, 20).grants] == ["high"]
    assert not state.claims


def test_cards_are_kept_no_longer_than_its_job_would_be_safe() -> None:
    """Work may be stopped once it has run for so long, and a quote gives way then."""
    state = a_kept_node()
    min_run_ms = 2 * MINUTE_MS
    brief = replace(DEFAULT, preemption=Preemption(min_run_ms=min_run_ms))

    before, after = (plan(state, 10 + min_run_ms + more, brief) for more in (-1, 0))

    assert (before.grants, [one.job_id for one in after.grants]) == ((), ["high"])
    never = replace(DEFAULT, preemption=None)
    assert plan(state, 10 + min_run_ms, never).grants == (), "nobody is ever stopped"


def test_who_loses_its_node_stands_in_the_queue_again() -> None:
    state = a_kept_node()
    off = ev.NodesChanged(at_ms=20, centre_id="east", online_node_ids=())
    happen(state, off)

    note_cards(state, 20)

    assert not state.claims
    assert state.jobs["q"].quote is not None
    assert state.jobs["q"].quote.tflops == 0


def test_a_quote_stops_nobody_and_its_job_does() -> None:
    state = one_node()
    submit(state, a_job("low", tenant_id="fish", priority=Priority.LOW, limit_ms=9 * HOUR_MS))
    leased = a_lease("low", a_placement("east-npu", 8))
    happen(state, leased, ev.Started(at_ms=0, attempt_id=leased.attempt_id))
    job = a_job("q", device_count=8, submitted_at_ms=HOUR_MS)
    now_ms = HOUR_MS + MINUTE_MS

    happen(state, kept(job, HOUR_MS))
    of_quote = plan(state, now_ms)
    submit(state, job)
    of_job = plan(state, now_ms)

    assert of_quote.evictions == ()
    assert [one.attempt_id for one in of_job.evictions] == ["low.1"]


def test_who_asks_about_a_quote_is_told_what_its_job_would_meet() -> None:
    state = one_node()
    job = a_job("q", device_count=8)
    happen(state, kept(job))

    (prospect,) = what_if(state, 10, job)

    assert (prospect.start_ms, prospect.reasons) == (10, ())
    assert state.jobs["q"].quote is not None, "asking changes nothing"


@st.composite
def candidates(draw: st.DrawFn) -> Job:
    """Half of them would start where anybody would."""
    job = draw(jobs(99))
    if draw(st.booleans()):
        return job
    return a_job(
        job.id,
        tenant_id=job.tenant_id,
        device_count=draw(st.integers(1, 4)),
        device_kind_ids=(),
        limit_ms=job.limit_ms,
        priority=Priority.HIGH,
    )


def a_newcomer(number: int) -> Job:
    return a_job(
        f"n{number}",
        tenant_id=("acme", "blue", "coal")[number % 3],
        device_count=1 + number % 8,
        device_kind_ids=(),
        priority=(Priority.NORMAL, Priority.HIGH)[number % 2],
        submitted_at_ms=7,
    )


@given(states(), candidates(), st.sampled_from(sorted(POLICY_BY_NAME)))
def test_a_kept_quote_delays_nobody_more_than_its_job_would(
    state: State, job: Job, name: str
) -> None:
    """All others are told the same, wherever and whenever; and nothing is above any capacity."""
    policy: Policy = POLICY_BY_NAME[name]
    as_job = State.restored(deepcopy(state.snapshot()))
    happen(as_job, ev.Submitted(at_ms=6, job=job))
    happen(state, kept(job, 6))

    of_job, of_quote = plan(as_job, 7, policy), plan(state, 7, policy)

    its_grant = [grant for grant in of_job.grants if grant.job_id == job.id]
    event("its job would start" if its_grant else "its job would wait")
    assert of_quote.grants == tuple(one for one in of_job.grants if one.job_id != job.id)
    is_quoted = of_quote.verdicts[job.id].reasons[0].code is ReasonCode.QUOTED
    assert is_quoted == bool(its_grant)
    others = {one: verdict for one, verdict in of_quote.verdicts.items() if one != job.id}
    assert others == {one: told for one, told in of_job.verdicts.items() if one != job.id}
    if not its_grant:
        assert of_quote.verdicts == of_job.verdicts
    assert verified(state, of_quote, 7, policy) == (of_quote, ())


@given(
    states(),
    st.integers(0, 99).map(a_newcomer),
    st.lists(st.integers(0, 99).map(a_newcomer), max_size=3, unique_by=lambda one: one.id),
)
def test_what_is_kept_takes_from_others_what_its_job_would_have(
    state: State, first: Job, newcomers: list[Job]
) -> None:
    """Whoever comes then is told the same as if its job ran there; of equal nodes any will do.

    Which of them it was decides what is left of a rack, and of what is promised, and so when others
    start.
    """
    job = replace(first, id="q", priority=Priority.HIGH)
    make_well(state)
    happen(state, kept(job, 6))
    ran = State.restored(deepcopy(state.snapshot()))
    verdict = plan(state, 7).verdicts[job.id]
    assume(isinstance(verdict, KeptCards))
    happen(state, *state.quotes.news({job.id: verdict}, state.park, 7))
    happen(ran, ev.Submitted(at_ms=6, job=job))
    (grant,) = (one for one in plan(ran, 7).grants if one.job_id == job.id)
    lease(ran, grant, 7)
    for one in (state, ran):
        submit(one, *newcomers)

    of_quote, of_job = plan(state, 7), plan(ran, 7)

    both = zip_longest(of_quote.grants, of_job.grants)
    parting = next((pair for pair in both if pair[0] != pair[1]), None)
    event("others of equal nodes are taken" if parting else "the same nodes are taken")
    if parting:
        assert job_and_pool(parting[0]) == job_and_pool(parting[1])
    else:
        starts = {one: told.start for one, told in of_quote.verdicts.items() if one != job.id}
        assert starts == {one: told.start for one, told in of_job.verdicts.items()}
    assert isinstance(of_quote.verdicts[job.id], KeptCards)


def job_and_pool(grant: Grant | None) -> tuple[str, str] | None:
    return None if grant is None else (grant.job_id, grant.placement.pool_id)


def make_well(state: State) -> None:
    """All nodes are up and heard of, and everybody can pay."""
    assert state.park is not None
    for centre in state.park.centres:
        online = tuple(node.id for pool in centre.pools for node in pool.nodes())
        state.apply(ev.NodesChanged(at_ms=6, centre_id=centre.id, online_node_ids=online))
        state.apply(ev.CentreLinkChanged(at_ms=6, centre_id=centre.id, is_heard=True))
    for funds in state.funds.values():
        funds.available_micros = 10**12


def test_the_verifier_lets_no_quote_start_and_nobody_be_stopped_for_one() -> None:
    state = one_node()
    happen(state, kept(a_job("q", device_count=4)))
    submit(state, a_job("low", tenant_id="fish", priority=Priority.LOW, limit_ms=9 * HOUR_MS))
    placement = a_placement("east-npu", 8)
    leased = a_lease("low", placement)
    grant = Grant(job_id="q", placement=a_placement("east-npu", 4), hold_micros=0)
    _, of_grant = verified(state, Plan(grants=(grant,), verdicts={}), 10, DEFAULT)
    happen(state, leased, ev.Started(at_ms=0, attempt_id=leased.attempt_id))
    node_ids = tuple(share.node_id for share in placement.shares)
    stop = Eviction("low.1", "q", node_ids)

    _, of_stop = verified(state, Plan(grants=(), verdicts={}, evictions=(stop,)), HOUR_MS, DEFAULT)

    assert of_grant == ("job q in east-npu: it is a quote, and no job yet",)
    assert of_stop == ("attempt low.1 for job q: nobody is stopped for a quote",)
