"""What plans do with gangs of several roles: starts, reasons, promises, room that is made."""

from dataclasses import replace

import pytest

from scheduler.asking.ranking import ranking
from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, NodeShare, PlannedStart, Priority, ReasonCode, Topology
from scheduler.model.policy import DEFAULT
from scheduler.model.variants import halves
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.storage.codec import decode_job, encode_job
from tests.builders import (
    HOUR_MS,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    of_roles,
    submit,
)
from tests.preemptive import NOW_MS, POOL, TURNS, low, of_fish, run, stopped, verdict_of, wants

PARK = a_park(a_pool(POOL, 3, 8))
MIXED = ((1, 0), (2, 5), (1, 3))
"""A launcher, two members of five cards, one of three: bundles of eight and of five."""


def mixed(job_id: str = "new", priority: Priority = Priority.NORMAL) -> Job:
    return of_roles(wants(job_id, priority=priority), *MIXED)


def busy(state: State, job_id: str, *cards: int, hours: int = 10) -> None:
    """Who stops for nobody holds so many cards of each node, for so long."""
    run(state, a_job(job_id, device_count=sum(cards), limit_ms=hours * HOUR_MS), *cards)


def nodes(*cards: tuple[int, int]) -> tuple[NodeShare, ...]:
    return tuple(NodeShare(node_id=f"{POOL}-n{n:03}", card_count=count) for n, count in cards)


# Starts.


def test_a_gang_starts_where_each_bundle_has_the_tightest_node() -> None:
    state = a_state(park=PARK)
    busy(state, "b", 3)
    submit(state, mixed())

    (grant,) = plan(state, NOW_MS).grants

    assert grant.placement.shares == nodes((2, 8), (1, 5))


def test_all_members_start_or_none() -> None:
    """Thirteen cards are free, and eight and five are needed; but not so."""
    state = a_state(park=PARK)
    busy(state, "b", 4, 4, 3)

    verdict = verdict_of(state, mixed())

    (reason,) = verdict.reasons
    assert (reason.code, reason.need, reason.free) == (ReasonCode.FRAGMENTED, 13, 5)


def test_two_gangs_share_nodes_and_never_more_than_there_is() -> None:
    state = a_state(park=PARK)
    submit(state, *(of_roles(wants(f"j{n}"), (1, 5), (1, 4)) for n in range(3)))

    drawn_up = plan(state, NOW_MS)

    placed = {grant.job_id: grant.placement.shares for grant in drawn_up.grants}
    assert placed == {"j0": nodes((1, 5), (2, 4)), "j1": nodes((3, 5), (2, 4))}
    (reason,) = drawn_up.verdicts["j2"].reasons
    assert (reason.code, reason.need, reason.free) == (ReasonCode.DEVICES_BUSY, 9, 6)


def test_a_gang_is_in_one_pool() -> None:
    park = a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8))
    state = a_state(park=park)
    submit(state, of_roles(a_job(), (1, 8)), of_roles(a_job("j2"), (1, 5), (1, 3)))

    grants = {one.job_id: one.placement.pool_id for one in plan(state, 0).grants}

    assert grants == {"j1": "east-npu", "j2": "north-npu"}


# Why not now.


def test_too_few_free_cards_are_told_as_such() -> None:
    state = a_state(park=PARK)
    busy(state, "b", 8, 8)

    (reason,) = verdict_of(state, mixed()).reasons

    assert (reason.code, reason.need, reason.free) == (ReasonCode.DEVICES_BUSY, 13, 8)


def test_too_few_nodes_are_told_though_they_had_cards_enough() -> None:
    """Three members of five cards need three nodes; of two, sixteen cards would be free."""
    state = a_state(park=PARK)
    up = PARK.node_ids(POOL)[:2]
    happen(state, ev.NodesChanged(at_ms=0, centre_id="east", online_node_ids=up))

    verdict = verdict_of(state, of_roles(wants(), (3, 5)))

    (reason,) = verdict.reasons
    assert (reason.code, reason.need, reason.free) == (ReasonCode.NODES_DOWN, 15, 10)
    assert verdict.start is None


def test_what_a_silent_centre_hides_of_bundles_is_told() -> None:
    state = a_state(park=PARK)
    busy(state, "b", 4, 4, 3)
    submit(state, mixed())
    happen(state, ev.CentreLinkChanged(at_ms=NOW_MS, centre_id="east", is_heard=False))

    found = ranking(state, NOW_MS, "new")

    assert found is not None
    told = [(reason.code, reason.free) for reason in found.pools[0].reasons]
    assert told == [(ReasonCode.CENTRE_SILENT, 0), (ReasonCode.FRAGMENTED, 5)]


def test_fewer_cards_are_no_advice_for_roles() -> None:
    alike = wants("new", 8)

    assert [size.device_count for size in halves(alike)] == [4, 2, 1]
    assert not [*halves(of_roles(alike, (2, 4)))]


# When.


def ends_of(state: State) -> None:
    """The first node has five cards free after two hours, and all after four; the others later."""
    busy(state, "a", 5, hours=2)
    busy(state, "b", 3, hours=4)
    busy(state, "c", 0, 8, hours=3)
    busy(state, "d", 0, 0, 8, hours=9)


def test_it_is_promised_the_first_moment_at_which_all_its_bundles_have_a_node() -> None:
    """After two hours five cards are free; after three hours eight on another node as well."""
    state = a_state(park=PARK)
    ends_of(state)

    verdict = verdict_of(state, mixed())

    assert verdict.start == PlannedStart(3 * HOUR_MS, POOL, is_promised=True)


def test_an_estimate_waits_for_nodes_as_well() -> None:
    """Another is promised the pool: two bundles of six wait for two nodes with so many."""
    state = a_state(a_tenant("steel"), a_tenant("fish"), park=PARK)
    ends_of(state)
    submit(state, of_fish(wants("first", cards=24)))
    job = of_roles(a_job("second", limit_ms=HOUR_MS, submitted_at_ms=1), (2, 6))

    verdict = verdict_of(state, job)

    assert verdict.start == PlannedStart(4 * HOUR_MS, POOL)
    (prospect,) = what_if(state, NOW_MS, job)
    assert prospect.start_ms == 4 * HOUR_MS


def test_an_estimate_waits_for_nodes_of_one_rack() -> None:
    """Each of the racks of two nodes has one with six cards free now, and the second then."""
    park = a_park(a_pool(POOL, 4, 8, nodes_per_rack=2))
    state = a_state(a_tenant("steel"), a_tenant("fish"), park=park)
    for number, hours in ((2, 7), (4, 5)):
        busy(state, f"b{number}", *[0] * (number - 1), 8, hours=hours)
    submit(state, of_fish(wants("first", cards=32)))
    job = a_job("second", limit_ms=HOUR_MS, submitted_at_ms=1, topology=Topology.RACK)

    verdict = verdict_of(state, of_roles(job, (2, 6)))

    assert verdict.start is not None
    assert verdict.start.at_ms == 5 * HOUR_MS


# Who makes room.


def test_those_are_stopped_who_make_room_for_all_bundles_and_nobody_else() -> None:
    """The first node has five cards free; of the others the second is cleared for least."""
    state = a_state(park=PARK)
    busy(state, "b", 3)
    run(state, low("cheap", 4), 0, 4, at_ms=2_000_000)
    run(state, low("also", 4), 0, 4, at_ms=2_000_000)
    run(state, low("dear"), 0, 0, 8)
    submit(state, mixed())

    drawn_up = plan(state, NOW_MS, TURNS)

    assert sorted(stopped(drawn_up)) == ["also.1", "cheap.1"]
    assert drawn_up.evictions[0].node_ids == (f"{POOL}-n002", f"{POOL}-n001")
    assert verified(state, drawn_up, NOW_MS, TURNS) == (drawn_up, ())


def test_of_two_who_run_side_by_side_only_the_needed_one_is_stopped() -> None:
    state = a_state(park=PARK)
    busy(state, "b", 8)
    run(state, low("low1", 3), 0, 3)
    run(state, low("low2", 5), 0, 5)
    busy(state, "c", 0, 0, 4)
    submit(state, of_roles(wants(), (1, 5), (1, 4)))

    drawn_up = plan(state, NOW_MS, TURNS)

    assert stopped(drawn_up) == ["low2.1"]


def test_one_gang_that_clears_two_nodes_saves_the_others() -> None:
    state = a_state(park=a_park(a_pool(POOL, 4, 8)))
    run(state, low("wide", 16), 8, 8)
    run(state, low("low3"), 0, 0, 8, at_ms=2_500_000)
    busy(state, "b", 0, 0, 0, 8)
    submit(state, of_roles(wants(), (2, 6)))

    drawn_up = plan(state, NOW_MS, TURNS)

    assert stopped(drawn_up) == ["wide.1"]


def test_nobody_is_stopped_where_not_all_bundles_would_find_a_node() -> None:
    state = a_state(park=PARK)
    busy(state, "b", 4, 4)
    run(state, low("low1"), 0, 0, 8)
    submit(state, of_roles(wants(), (2, 5)))

    assert plan(state, NOW_MS, TURNS).evictions == ()


def test_a_node_that_one_bundle_takes_is_no_room_for_another() -> None:
    """The five cards of the first node hold the larger; the other needs who is stopped."""
    state = a_state(park=PARK)
    busy(state, "b", 3, 0, 8)
    run(state, low("low2"), 0, 8)
    submit(state, of_roles(wants(), (1, 5), (1, 4)))
    one = a_state(park=PARK)
    busy(one, "b", 5, 5)
    run(one, low("low3"), 0, 0, 8)
    submit(one, of_roles(wants(), (1, 5), (1, 4)))

    assert stopped(plan(state, NOW_MS, TURNS)) == ["low2.1"]
    assert plan(one, NOW_MS, TURNS).evictions == ()


def test_room_for_bundles_is_made_in_one_rack_where_it_must_be() -> None:
    park = a_park(a_pool(POOL, 4, 8, nodes_per_rack=2))
    state = a_state(park=park)
    for number, at_ms in enumerate((0, 2_000_000, 0, 1_500_000), start=1):
        run(state, low(f"low{number}"), *[0] * (number - 1), 8, at_ms=at_ms)
    submit(state, replace(of_roles(wants(), (2, 5)), topology=Topology.RACK))

    drawn_up = plan(state, NOW_MS, TURNS)

    assert sorted(stopped(drawn_up)) == ["low1.1", "low2.1"]


# A second look.


@pytest.mark.parametrize(
    "cards",
    [((2, 8),), ((2, 8), (1, 4)), ((1, 5), (2, 8)), ((2, 7), (1, 6)), ((2, 8), (1, 3), (3, 2))],
    ids=str,
)
def test_what_does_not_seat_every_member_whole_is_not_carried_out(
    cards: tuple[tuple[int, int], ...],
) -> None:
    """A member left out, one without all its cards, the wrong order, one split."""
    state = a_state(park=PARK)
    submit(state, mixed())
    right = plan(state, NOW_MS)
    assert verified(state, right, NOW_MS, DEFAULT) == (right, ())
    (grant,) = right.grants
    bent = replace(grant, placement=replace(grant.placement, shares=nodes(*cards)))

    found, flaws = verified(state, replace(right, grants=(bent,)), NOW_MS, DEFAULT)

    assert found.grants == ()
    assert len(flaws) == 1


# What is kept.


def test_jobs_of_before_there_were_roles_are_read_as_they_were() -> None:
    said = {
        key: value
        for key, value in encode_job(a_job()).items()
        if key not in {"roles", "ends_with"}
    }

    assert decode_job(said) == a_job()
    job = of_roles(a_job(), *MIXED, ends_with="r0")
    assert decode_job(encode_job(job)) == job


def test_a_state_with_roles_is_restored_as_it_was() -> None:
    state = a_state(park=PARK)
    submit(state, mixed())
    happen(state, a_lease("new", a_placement(POOL, 8, 5)))

    again = State.restored(state.snapshot())

    assert again.jobs["new"].job.roles == mixed().roles
    assert again.free_cards == state.free_cards
