"""Quotas of projects and cohorts: whom they bind, and what is told; worked out by hand."""

from dataclasses import replace

import pytest

from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import EndCause, Job, Priority, Reason, ReasonCode
from scheduler.placing.placement import impossible
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    divide,
    group,
    happen,
    submit,
)

MINUTE_MS = 60_000
TWO_NODES = a_park(a_pool("east-npu", 2, 8))


def coast() -> State:
    members = (a_tenant(name, cohort_id="coast") for name in ("fish", "ship"))
    return a_state(*members, a_tenant("steel"), park=TWO_NODES)


def why(state: State, job_id: str, now_ms: int = 0) -> Reason:
    (reason,) = plan(state, now_ms).verdicts[job_id].reasons
    return reason


def granted(state: State, now_ms: int = 0) -> list[str]:
    return [grant.job_id for grant in plan(state, now_ms).grants]


def hold(state: State, job_id: str, tenant_id: str, cards: int, project: str = "default") -> None:
    job = a_job(job_id, tenant_id=tenant_id, device_count=cards, project=project)
    submit(state, job)
    happen(state, a_lease(job_id, a_placement("east-npu", cards)))


def test_a_project_holds_no_more_than_its_quota() -> None:
    state = a_state(a_tenant("steel"), park=TWO_NODES)
    divide(state, "steel", a=4, b=None)
    submit(
        state,
        a_job("a1", device_count=3, project="a"),
        a_job("a2", device_count=2, project="a", submitted_at_ms=1),
        a_job("b1", device_count=8, project="b", submitted_at_ms=2),
    )

    assert granted(state, 2) == ["a1", "b1"]
    assert why(state, "a2", 2) == Reason(
        code=ReasonCode.PROJECT_QUOTA, where="steel/a", need=2, free=1
    )


def test_a_cohort_holds_no_more_than_its_quota_whoever_takes_it() -> None:
    state = coast()
    group(state, "coast", max_cards=6)
    hold(state, "f", "fish", 4)
    submit(
        state,
        a_job("s1", tenant_id="ship", device_count=3),
        a_job("x", tenant_id="steel", device_count=8, submitted_at_ms=2),
    )

    assert granted(state, 2) == ["x"]
    assert why(state, "s1", 2) == Reason(
        code=ReasonCode.COHORT_QUOTA, where="coast", need=3, free=2
    )


def test_a_wider_quota_binds_though_a_narrower_one_has_room() -> None:
    state = coast()
    group(state, "coast", max_cards=6)
    happen(
        state, ev.TenantDeclared(at_ms=0, tenant=a_tenant("ship", cohort_id="coast", max_cards=8))
    )
    hold(state, "f", "fish", 4)
    submit(state, a_job("s1", tenant_id="ship", device_count=3))

    assert why(state, "s1").code is ReasonCode.COHORT_QUOTA


def test_a_quota_is_kept_for_who_waits_for_it_first() -> None:
    """At 01:00 `f` is over and `big` has its five of six: one is spare for who goes on longer."""
    state = coast()
    group(state, "coast", max_cards=6)
    hold(state, "f", "fish", 4)
    submit(state, a_job("big", tenant_id="ship", device_count=5))
    long = a_job("long", tenant_id="fish", device_count=2, submitted_at_ms=1)
    submit(state, long)

    assert granted(state, 2) == []
    assert why(state, "long", 2) == Reason(
        code=ReasonCode.COHORT_QUOTA,
        where="coast",
        need=2,
        free=1,
        until_ms=HOUR_MS,
        detail="kept for job big",
    )
    submit(state, replace(long, id="one", device_count=1))
    assert granted(state, 2) == ["one"]
    submit(state, replace(long, id="short", limit_ms=HOUR_MS - 2))
    assert granted(state, 2) == ["short"], "it goes first, and then nothing is left"


def test_a_planned_start_waits_for_a_quota_that_is_kept_for_one_without_any() -> None:
    """At 01:00 `big` has its quota, and waits on for a node that is down: it is kept no longer."""
    state = a_state(a_tenant("steel", max_cards=16), park=TWO_NODES)
    hold(state, "f", "steel", 1)
    happen(state, ev.NodesChanged(at_ms=0, centre_id="east", online_node_ids=("east-npu-n001",)))
    submit(
        state, a_job("big", device_count=16), a_job("small", device_count=2, limit_ms=2 * HOUR_MS)
    )

    verdicts = plan(state, 1).verdicts

    assert verdicts["big"].start is None
    assert verdicts["small"].start is not None
    assert verdicts["small"].start.at_ms == HOUR_MS
    happen(state, ev.Ended(at_ms=HOUR_MS, attempt_id="f.1", cause=EndCause.FINISHED, exit_code=0))
    assert granted(state, HOUR_MS) == ["small"]


def test_a_planned_start_waits_for_all_quotas_that_are_kept_for_others_without_any() -> None:
    """`a`'s is kept until 01:00 and steel's until 02:00; of either pool one node is down."""
    pools = a_pool("east-npu", 2, 8), a_pool("north-npu", 2, 2), a_pool("west-npu", 2, 8)
    state = a_state(a_tenant("steel", max_cards=16), park=a_park(*pools))
    divide(state, "steel", a=4, b=None)
    hold(state, "a1", "steel", 2, "a")
    submit(state, a_job("b1", device_count=8, project="b", limit_ms=2 * HOUR_MS))
    happen(state, a_lease("b1", a_placement("east-npu", 0, 8)))
    for centre, cards, project in (("north", 4, "a"), ("west", 16, "b")):
        node = (f"{centre}-npu-n001",)
        happen(state, ev.NodesChanged(at_ms=0, centre_id=centre, online_node_ids=node))
        job = a_job(f"{project}2", device_count=cards, project=project, centre_ids=(centre,))
        submit(state, replace(job, priority=Priority.HIGH))
    new = a_job("new", device_count=2, project="a", centre_ids=("east",), limit_ms=9 * HOUR_MS)
    submit(state, new)

    verdicts = plan(state, 1).verdicts

    assert why(state, "new", 1).until_ms == HOUR_MS, "it is told the first"
    assert [verdicts[one].start for one in ("a2", "b2")] == [None, None]
    assert [one.start_ms for one in what_if(state, 1, new)] == [2 * HOUR_MS]
    assert verdicts["new"].start is not None
    assert verdicts["new"].start.at_ms == 2 * HOUR_MS
    brief = replace(new, limit_ms=HOUR_MS - 2)
    assert [one.start_ms for one in what_if(state, 1, brief)] == [1], "it is over before"
    happen(state, ev.Ended(at_ms=HOUR_MS, attempt_id="a1.1", cause=EndCause.FINISHED, exit_code=0))
    assert granted(state, HOUR_MS) == []


def a_kept_quota(max_cards: int, over_ms: int, new: Job, cards_ms: int = HOUR_MS // 2) -> State:
    """At 00:30 `new` has its cards, and at 01:00 `big` its quota; it has its own cards later."""
    park = a_park(a_pool("east-npu", 2, 8), a_pool("north-npu", 1, 8))
    state = a_state(a_tenant("steel", max_cards=max_cards), a_tenant("fish"), park=park)
    hold(state, "s", "steel", 8)
    own = a_job("x", tenant_id="fish", device_count=8, limit_ms=cards_ms)
    submit(state, own, replace(own, id="y", limit_ms=over_ms))
    happen(state, a_lease("x", a_placement("north-npu", 8)))
    happen(state, a_lease("y", a_placement("east-npu", 0, 8)))
    submit(state, a_job("big", device_count=16, priority=Priority.HIGH, centre_ids=("east",)))
    submit(state, replace(new, centre_ids=("north",)))
    assert why(state, "new", 1).code is ReasonCode.DEVICES_BUSY
    return state


def starts(state: State) -> dict[str, int]:
    told = {one: verdict.start for one, verdict in plan(state, 1).verdicts.items()}
    return {one: start.at_ms for one, start in told.items() if start}


BRIEF = a_job("new", device_count=2, limit_ms=HOUR_MS - MINUTE_MS)
"""Over before a quota that is kept until 01:00, if it begins now, and not if it does at 00:30."""


def test_who_has_its_cards_while_a_quota_is_kept_begins_when_it_is_so_no_more() -> None:
    state = a_kept_quota(16, 2 * HOUR_MS, BRIEF)

    assert starts(state) == {"big": 2 * HOUR_MS, "new": HOUR_MS}
    (asked,) = what_if(state, 1, state.jobs["new"].job)
    assert (asked.start_ms, asked.is_promised) == (HOUR_MS, False)


def test_the_promise_of_cards_at_which_a_quota_is_kept_goes_to_who_comes_behind() -> None:
    state = a_kept_quota(16, 2 * HOUR_MS, BRIEF)
    submit(state, replace(BRIEF, id="other", tenant_id="fish", centre_ids=("north",)))

    start = plan(state, 1).verdicts["other"].start

    assert start is not None
    assert (start.at_ms, start.is_promised) == (HOUR_MS // 2, True)


def test_cards_are_promised_for_when_a_quota_is_kept_no_longer() -> None:
    cards_ms = HOUR_MS + HOUR_MS // 2
    state = a_kept_quota(16, 2 * HOUR_MS, replace(BRIEF, limit_ms=HOUR_MS // 3), cards_ms)

    start = plan(state, 1).verdicts["new"].start

    assert start is not None
    assert (start.at_ms, start.is_promised) == (cards_ms, True)


@pytest.mark.parametrize("over_ms", [HOUR_MS, 2 * HOUR_MS])
def test_beside_a_quota_that_is_kept_one_begins_on_what_is_spare(over_ms: int) -> None:
    """Once `first` is over, which is promised the cards for a minute."""
    state = a_kept_quota(20, over_ms, a_job("new", device_count=4, limit_ms=9 * HOUR_MS))
    first = a_job("first", tenant_id="fish", limit_ms=MINUTE_MS, centre_ids=("north",))
    submit(state, replace(first, device_count=8, priority=Priority.HIGH))

    found = starts(state)

    assert (found["big"], found["new"]) == (over_ms, HOUR_MS // 2 + MINUTE_MS)


def test_a_quote_that_several_quotas_forbid_waits_for_them_and_for_no_cards() -> None:
    """Seven cards are free where it would be, and the eighth is for ten hours."""
    park = a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8))
    state = a_state(a_tenant("steel", max_cards=4), a_tenant("fish"), park=park)
    divide(state, "steel", default=4)
    submit(
        state,
        a_job("f", device_count=4),
        a_job("x", tenant_id="fish", device_count=1, limit_ms=10 * HOUR_MS),
    )
    happen(
        state, a_lease("f", a_placement("north-npu", 4)), a_lease("x", a_placement("east-npu", 1))
    )

    (asked,) = what_if(state, 1, a_job("new", device_count=4, centre_ids=("east",)))

    assert len(asked.reasons) == 2
    assert asked.start_ms == HOUR_MS


def test_a_planned_start_waits_for_the_quota_of_its_project() -> None:
    """Half the park is free, and `a` may hold four cards: `a2` follows `a1`."""
    state = a_state(a_tenant("steel"), park=TWO_NODES)
    divide(state, "steel", a=4, b=None)
    hold(state, "a1", "steel", 4, "a")
    submit(
        state, a_job("a2", device_count=4, project="a"), a_job("a3", device_count=1, project="a")
    )

    verdicts = plan(state, 1).verdicts

    starts = {job_id: verdict.start for job_id, verdict in verdicts.items()}
    assert starts["a2"] is not None
    assert starts["a2"].at_ms == HOUR_MS
    assert starts["a3"] is not None
    assert starts["a3"].at_ms == 2 * HOUR_MS, "the quota has no room beside `a2`"


def test_no_quota_is_kept_for_one_who_cannot_pay_or_of_whom_nothing_is_heard() -> None:
    """`big` would have the whole cohort's: one card of another stays no longer away for it."""
    for is_poor in (True, False):
        state = coast()
        group(state, "coast", max_cards=8)
        hold(state, "f", "fish", 1)
        submit(
            state,
            a_job("big", tenant_id="ship", device_count=8),
            a_job("one", tenant_id="fish", device_count=1, limit_ms=9 * HOUR_MS, submitted_at_ms=1),
        )
        assert granted(state, 2) == [], "it is kept for `big`"
        if is_poor:
            state.funds["ship"].available_micros = 0
        else:
            elsewhere = a_park(a_pool("east-npu", 2, 8), a_pool("north-npu", 1, 8))
            happen(state, ev.ParkDeclared(at_ms=2, park=elsewhere))
            big = state.jobs["big"]
            state.queue.discard("big")
            big.job = replace(big.job, centre_ids=("north",))
            state.queue.add(big)

        assert granted(state, 2) == ["one"]


def test_no_quota_is_kept_for_one_who_asks_for_more_than_it() -> None:
    state = coast()
    submit(state, a_job("big", tenant_id="ship", device_count=8), a_job("one", device_count=1))
    submit(state, a_job("small", tenant_id="ship", device_count=1, submitted_at_ms=1))
    happen(state, ev.TenantDeclared(at_ms=1, tenant=a_tenant("ship", max_cards=4)))

    assert "small" in granted(state, 2)


def test_a_planned_start_may_be_where_nothing_runs_that_could_end() -> None:
    """The quota comes free with `a1`, elsewhere: then `a2` starts where it asked to."""
    park = a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8))
    state = a_state(a_tenant("steel"), park=park)
    divide(state, "steel", a=4)
    hold(state, "a1", "steel", 4, "a")
    submit(state, a_job("a2", device_count=4, project="a", centre_ids=("north",)))

    start = plan(state, 1).verdicts["a2"].start

    assert start is not None
    assert (start.at_ms, start.pool_id) == (HOUR_MS, "north-npu")


def test_a_planned_start_waits_for_the_quota_of_its_cohort() -> None:
    state = coast()
    group(state, "coast", max_cards=6)
    hold(state, "f", "fish", 4)
    submit(state, a_job("s", tenant_id="ship", device_count=4))

    start = plan(state, 1).verdicts["s"].start

    assert start is not None
    assert start.at_ms == HOUR_MS


def test_a_limit_of_one_kind_is_waited_for_where_cards_are_free() -> None:
    """Steel's DCUs are all in use elsewhere, for an hour; the NPUs are promised until the third."""
    dcu = a_tenant("steel", nominal_cards=(("dcu", 8),), borrowing_cards=(("dcu", 0),))
    park = a_park(*(a_pool(one, 1, 8) for one in ("east-npu", "east-dcu", "north-dcu")))
    state = a_state(dcu, a_tenant("fish"), park=park)
    submit(state, a_job("d", device_kind_ids=("dcu",)))
    happen(state, a_lease("d", a_placement("north-dcu", 8)))
    hold(state, "n", "fish", 8)
    submit(state, a_job("ahead", priority=Priority.HIGH, limit_ms=2 * HOUR_MS))
    either = a_job("either", device_kind_ids=("dcu", "npu"), centre_ids=("east",))
    submit(state, either)

    start = plan(state, 1).verdicts["either"].start

    assert start is not None
    assert (start.at_ms, start.pool_id, start.card_count) == (HOUR_MS, "east-dcu", None)


def test_who_asks_for_more_than_a_quota_never_starts() -> None:
    state = coast()
    group(state, "coast", max_cards=6)
    divide(state, "fish", a=2)
    park, prices = TWO_NODES, state.prices

    job = a_job("j", tenant_id="fish", device_count=8, project="a")
    reasons = impossible(job, park, state.tree, prices, 0)

    assert [(one.code, one.where, one.free) for one in reasons] == [
        (ReasonCode.PROJECT_QUOTA, "fish/a", 2),
        (ReasonCode.COHORT_QUOTA, "coast", 6),
    ]


def test_who_is_divided_takes_no_job_for_a_project_that_it_does_not_have() -> None:
    state = coast()
    divide(state, "fish", a=None, b=None)
    park, prices = TWO_NODES, state.prices

    (reason,) = impossible(a_job("j", tenant_id="fish"), park, state.tree, prices, 0)

    assert (reason.code, reason.where) == (ReasonCode.UNKNOWN_PROJECT, "fish/default")
    assert reason.detail == "known: a, b"
    assert not impossible(a_job("j", tenant_id="ship"), park, state.tree, prices, 0)
