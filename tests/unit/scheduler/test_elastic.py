"""Elastic jobs: on how many cards they start, when they go on with more, worked out by hand."""

from dataclasses import replace

import pytest

from cluster.driver import AttemptEnd
from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, NodeShare, Placement, Variant
from scheduler.model.plan import Answers, Eviction, Plan
from scheduler.model.policy import DEFAULT, EASY
from scheduler.model.variants import SIZES_MAX, forms, given_speeds
from scheduler.planning.growth import GROW_AFTER_MS, RESTART_MS
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.planning.victims import SOON_MS
from tests.builders import (
    HOUR_MS,
    a_job,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.hand import a_hand, ended, here, runs, say
from tests.hand import submit as ask
from tests.unit.scheduler.model.test_variants import end, run

POOL = "east-npu"
SAVES = Checkpoint(dir="ckpt", signal="SIGUSR1", grace_ms=60_000)
RIPE_MS = GROW_AFTER_MS


def elastic(job_id: str = "j", most: int = 16, least: int = 4, hours: int = 10) -> Job:
    return a_job(
        job_id,
        device_count=most,
        min_device_count=least,
        checkpoint=SAVES,
        limit_ms=hours * HOUR_MS,
    )


def two_nodes(*jobs: Job, max_cards: int = 64) -> State:
    state = a_state(a_tenant("steel", max_cards=max_cards), park=a_park(a_pool(POOL, 2, 8)))
    submit(state, *jobs)
    return state


def runs_small(job: Job | None = None, *cards: int, max_cards: int = 64) -> State:
    """It runs on four cards, or so many of each node, since the beginning."""
    state = two_nodes(job or elastic(), max_cards=max_cards)
    run(state, (job or elastic()).id, a_placement(POOL, *(cards or (4,))))
    return state


def placed(result: Plan) -> list[int]:
    return [grant.placement.card_count for grant in result.grants]


# Its sizes.


def test_its_sizes_are_halves_down_to_the_least() -> None:
    sizes = forms(elastic(most=48, least=5))

    assert [size.device_count for size in sizes] == [48, 24, 12, 6]
    assert [size.limit_ms // HOUR_MS for size in sizes] == [10, 20, 40, 80]
    assert not any(size.has_forms for size in sizes)
    assert given_speeds(elastic(most=48, least=5)) == (1_000, None, None, None)


def test_nodes_and_members_are_halved_with_it() -> None:
    job = replace(elastic(most=32, least=1), node_count=4, member_count=8)

    sizes = [(one.device_count, one.node_count, one.member_count) for one in forms(job)]

    assert sizes == [(32, 4, 8), (16, 2, 4), (8, 1, 2)], "half a node is none"


def test_it_has_no_more_sizes_than_so_many() -> None:
    assert len(forms(elastic(most=1 << 16, least=1))) == SIZES_MAX == 8


def test_what_looks_alike_but_for_its_nodes_has_other_sizes() -> None:
    state = two_nodes(elastic("a"), replace(elastic("b"), node_count=1), elastic("c"))

    assert placed(plan(state, 0)) == [16]
    assert len(plan(state, 0).verdicts) == 2


# On how many cards it starts.


@pytest.mark.parametrize(
    ("used", "cards"), [((0, 0), 16), ((1, 0), 8), ((1, 1), 4), ((4, 2), 4), ((5, 5), None)]
)
def test_it_starts_on_as_many_as_are_free(used: tuple[int, int], cards: int | None) -> None:
    state = two_nodes(elastic())
    for number, count in enumerate(used):
        if count:
            submit(state, a_job(f"x{number}", device_count=count))
            run(state, f"x{number}", a_placement(POOL, *(0,) * number, count))

    assert placed(plan(state, 1)) == ([cards] if cards else [])


def test_who_was_stopped_may_go_on_smaller() -> None:
    """It has run for two hours on 16 cards, which are eight on 4."""
    state = two_nodes(elastic())
    run(state, "j", a_placement(POOL, 8, 8))
    end(state, "j.1", 2 * HOUR_MS, EndCause.PREEMPTED)
    submit(state, a_job("x"), a_job("y", device_count=4))
    run(state, "x", a_placement(POOL, 8), at_ms=2 * HOUR_MS)
    run(state, "y", a_placement(POOL, 0, 4), at_ms=2 * HOUR_MS)

    assert placed(plan(state, 2 * HOUR_MS)) == [4]
    run(state, "j", node_two(4), at_ms=2 * HOUR_MS, number=2)
    assert state.jobs["j"].speed_permille == 250
    assert state.jobs["j"].had_ms == 2 * HOUR_MS


def node_two(cards: int) -> Placement:
    second = NodeShare(node_id=f"{POOL}-n002", card_count=cards)
    return replace(a_placement(POOL, cards), shares=(second,))


# When it goes on with more.


def grown(state: State, now_ms: int = RIPE_MS) -> tuple[Eviction, ...]:
    result = plan(state, now_ms)
    assert verified(state, result, now_ms, DEFAULT) == (result, ())
    return result.evictions


def test_where_nobody_waits_it_goes_on_with_all_that_fits() -> None:
    assert grown(runs_small()) == (Eviction("j.1", "j", (f"{POOL}-n001", f"{POOL}-n002")),)


def test_not_before_it_has_run_for_long_enough() -> None:
    state = runs_small()

    assert grown(state, RIPE_MS - 1) == ()
    assert grown(state, RIPE_MS) != ()


def test_it_takes_the_largest_size_that_fits_with_what_it_has() -> None:
    state = runs_small()
    submit(state, a_job("x", device_count=1))
    run(state, "x", node_two(1))

    assert grown(state) == (Eviction("j.1", "j", (f"{POOL}-n001",)),), "8 cards on its own node"


def test_where_no_larger_size_fits_it_stays() -> None:
    state = runs_small()
    submit(state, a_job("x", device_count=1), a_job("y", device_count=1))
    run(state, "x", node_two(1))
    run(state, "y", a_placement(POOL, 1))

    assert grown(state) == ()


def test_it_stays_in_its_pool() -> None:
    state = a_state(park=a_park(a_pool(POOL, 1, 8), a_pool("north-npu", 2, 8)))
    submit(state, elastic(), a_job("x", device_count=4))
    run(state, "j", a_placement(POOL, 4))
    run(state, "x", a_placement(POOL, 4))

    assert grown(state) == ()


def test_it_stays_while_somebody_waits_who_could_be_there() -> None:
    """It wants both nodes, of which one is in use in part."""
    state = runs_small()
    submit(state, replace(a_job("w", device_count=16), submitted_at_ms=RIPE_MS - 1))

    assert grown(state) == ()


def test_who_waits_for_another_pool_does_not_matter() -> None:
    state = a_state(park=a_park(a_pool(POOL, 2, 8), a_pool("north-dcu", 1, 8)))
    submit(state, elastic(), a_job("x", device_kind_ids=("dcu",)))
    run(state, "j", a_placement(POOL, 4))
    run(state, "x", a_placement("north-dcu", 8))
    submit(state, a_job("w", device_kind_ids=("dcu",), submitted_at_ms=1))

    assert [one.attempt_id for one in grown(state)] == ["j.1"]


def test_who_starts_in_the_same_plan_has_its_cards_first() -> None:
    state = runs_small()
    submit(state, a_job("w", device_count=8))

    result = plan(state, RIPE_MS)

    assert placed(result) == [8]
    assert [one.node_ids for one in result.evictions] == [(f"{POOL}-n001",)]


def test_one_after_the_other() -> None:
    """While one is being stopped nobody knows yet what it will leave."""
    state = two_nodes(elastic("a"), elastic("b"))
    run(state, "a", a_placement(POOL, 4))
    run(state, "b", node_two(4))

    (first,) = grown(state)
    assert first.attempt_id == "a.1"
    stop = ev.StopDecided(
        at_ms=RIPE_MS,
        attempt_id="a.1",
        cause=EndCause.PREEMPTED,
        grace_ms=60_000,
        for_job_id="a",
        for_node_ids=first.node_ids,
    )
    happen(state, stop)

    assert grown(state, RIPE_MS + 1) == ()


def test_then_it_goes_on_larger() -> None:
    state = runs_small()
    (growth,) = grown(state)
    stop = ev.StopDecided(
        at_ms=RIPE_MS,
        attempt_id="j.1",
        cause=EndCause.PREEMPTED,
        grace_ms=60_000,
        for_job_id="j",
        for_node_ids=growth.node_ids,
    )
    happen(state, stop)
    end(state, "j.1", RIPE_MS + 9_000, EndCause.PREEMPTED)

    assert placed(plan(state, RIPE_MS + 9_000)) == [16]
    run(state, "j", a_placement(POOL, 8, 8), at_ms=RIPE_MS + 9_000, number=2)
    assert grown(state, 9 * HOUR_MS) == (), "it has all that it asks for"


def test_its_quota_and_its_balance_must_have_room() -> None:
    assert grown(runs_small(max_cards=16)) != ()
    (to_eight,) = grown(runs_small(max_cards=15))
    assert len(to_eight.node_ids) == 1
    poor = runs_small()
    poor.funds["steel"].available_micros = 0
    assert grown(poor) == ()


def test_a_quota_that_is_kept_for_another_has_no_room() -> None:
    state = a_state(
        a_tenant("steel", max_cards=20), park=a_park(a_pool(POOL, 2, 8), a_pool("north-dcu", 2, 8))
    )
    submit(state, elastic(), a_job("x", device_count=8, device_kind_ids=("dcu",), limit_ms=HOUR_MS))
    run(state, "j", a_placement(POOL, 4))
    run(state, "x", a_placement("north-dcu", 8))
    # It waits for 16 cards of the quota, of which 8 are left and 8 come back in an hour.
    wide = a_job("w", device_count=16, device_kind_ids=("dcu",), submitted_at_ms=1)
    submit(state, wide)

    assert grown(state) == ()


def test_what_is_about_to_end_is_left_alone() -> None:
    """On 16 cards in the place of 4 it needs a quarter; it must win the restart and the grace."""
    left_ms = (RESTART_MS + SAVES.grace_ms) * 4 // 3
    job = replace(elastic(), limit_ms=(RIPE_MS + left_ms - SAVES.grace_ms) // 4)

    assert grown(runs_small(job)) == ()
    assert grown(runs_small(replace(job, limit_ms=job.limit_ms + 1_000))) != ()


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint(dir="ckpt"),
        Checkpoint(dir="ckpt", signal="SIGUSR1", grace_ms=SOON_MS + 1),
    ],
    ids=["untold", "slow"],
)
def test_who_cannot_be_told_to_save_itself_soon_stays_as_it_is(checkpoint: Checkpoint) -> None:
    assert grown(runs_small(replace(elastic(), checkpoint=checkpoint))) == ()


def test_who_has_variants_and_is_not_elastic_stays_as_it_is() -> None:
    less = Variant(device_kind_ids=("npu",), device_count=4, limit_ms=HOUR_MS)
    job = replace(elastic(), min_device_count=None, variants=(less,))

    assert grown(runs_small(job)) == ()


def test_where_nobody_is_stopped_nobody_grows() -> None:
    assert plan(runs_small(), RIPE_MS, EASY).evictions == ()


def test_who_is_cancelled_or_stops_is_not_stopped_again() -> None:
    state = runs_small()
    happen(state, ev.CancelRequested(at_ms=1, job_id="j", by="u"))

    assert grown(state) == ()


def test_a_plan_for_grants_alone_asks_as_well() -> None:
    state = runs_small()
    submit(state, a_job("w", device_count=1))

    assert plan(state, RIPE_MS, answers=Answers.GRANTS).evictions != ()


def test_who_runs_small_is_known_after_a_checkpoint_as_well() -> None:
    state = State.restored(runs_small().snapshot())

    check(state)
    assert [*state.agenda.small] == ["j.1"]


def test_the_broker_stops_it_and_starts_it_larger() -> None:
    hand = a_hand()
    for job in (here("x", 8), here("y", 4)):
        ask(hand, job, 1_000)
    ask(hand, replace(elastic(), centre_ids=("east",)), 1_000)
    busy = [runs(f"{one}.1", 2_000) for one in ("x", "y", "j")]
    say(hand, 2_000, *busy)
    assert hand.controller.state.live["j.1"].placement.card_count == 4
    over = [ended(f"{one}.1", 2_000, 3_000) for one in ("x", "y")]
    say(hand, 3_000, *over, busy[-1])

    say(hand, 2_000 + RIPE_MS, busy[-1])
    stopped = replace(ended("j.1", 2_000, 2_005 + RIPE_MS), end=AttemptEnd.STOPPED)
    say(hand, 2_005 + RIPE_MS, stopped)

    assert hand.centres["east"].stopped == ["j.1"]
    live = hand.controller.state.live["j.2"]
    assert live.placement.card_count == 16
    assert hand.controller.state.jobs["j"].had_ms == (RIPE_MS + 5) // 4


# A second look.


@pytest.mark.parametrize(
    ("node_numbers", "flaw"),
    [
        ((1, 2), None),
        ((1,), None),
        ((2,), None),
        ((), "no larger size of it fits there"),
        ((1, 3), "no larger size of it fits there"),
    ],
)
def test_a_growth_is_looked_at_again(node_numbers: tuple[int, ...], flaw: str | None) -> None:
    node_ids = tuple(f"{POOL}-n{number:03}" for number in node_numbers)
    result = Plan(grants=(), verdicts={}, evictions=(Eviction("j.1", "j", node_ids),))

    _, flaws = verified(runs_small(), result, RIPE_MS, DEFAULT)

    assert flaws == (() if flaw is None else (f"attempt j.1 for job j: {flaw}",))


def test_nothing_grows_where_there_is_no_room() -> None:
    """As another runs there, or as the node is down."""
    busy, down = runs_small(), runs_small()
    submit(busy, a_job("x", device_count=1))
    run(busy, "x", a_placement(POOL, 0, 1))
    happen(down, ev.NodesChanged(at_ms=1, centre_id="east", online_node_ids=(f"{POOL}-n001",)))
    bent = Plan(grants=(), verdicts={}, evictions=(Eviction("j.1", "j", (f"{POOL}-n002",)),))

    for state in (busy, down):
        _, flaws = verified(state, bent, RIPE_MS, DEFAULT)
        assert flaws == ("attempt j.1 for job j: no larger size of it fits there",)


@pytest.mark.parametrize(
    ("job", "max_cards", "flaw"),
    [
        (replace(elastic(), min_device_count=None), 64, "it is not elastic"),
        (elastic(), 7, "no larger size of it fits there"),
    ],
)
def test_a_growth_that_breaks_a_rule_is_not_carried_out(
    job: Job, max_cards: int, flaw: str
) -> None:
    state = runs_small(job, max_cards=max_cards)
    growth = Eviction("j.1", "j", (f"{POOL}-n001",))

    found, flaws = verified(state, Plan(grants=(), verdicts={}, evictions=(growth,)), 0, DEFAULT)

    assert found.evictions == ()
    assert "it has not run for 600000 ms" in flaws[0]
    _, flaws = verified(state, Plan(grants=(), verdicts={}, evictions=(growth,)), RIPE_MS, DEFAULT)
    assert flaw in flaws[0]
