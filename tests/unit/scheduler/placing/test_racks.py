"""Where a gang fits in a pool with racks, and what who must be in one rack is told."""

import json
from dataclasses import replace

import pytest

from accounting.prices.rating import PriceBook
from cluster.inventory import Park
from scheduler.asking.ranking import ranking
from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, NodeShare, PlannedStart, ReasonCode, Topology
from scheduler.model.policy import DEFAULT
from scheduler.model.tree import Tree
from scheduler.placing.placement import Fit, FreeCards, fit, impossible, shape_of
from scheduler.placing.racks import RackedCards, free_cards
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.storage.codec import decode_job, decode_value, encode_job, encode_value
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.preemptive import LIMIT_MS, NOW_MS, TURNS, low, of_fish, run, stopped, verdict_of, wants
from tests.simulation.audit import Audit

POOL = "east-npu"
PARK = a_park(a_pool(POOL, 6, 8, nodes_per_rack=2))
TWO, THREE = Fit(2, 8), Fit(3, 8)
TWO_IN_RACK = Fit(2, 8, is_in_rack=True)


def free(*cards: int, nodes_per_rack: int = 2) -> FreeCards:
    """So many cards of each node of a pool."""
    park = a_park(a_pool(POOL, len(cards), 8, nodes_per_rack=nodes_per_rack))
    nodes = zip(park.node_ids(POOL), cards, strict=True)
    return free_cards(park, park.pool_by_id[POOL], nodes)


def numbers(shares: tuple[NodeShare, ...] | None) -> list[int] | None:
    """The numbers of the nodes in the pool."""
    if shares is None:
        return None
    return [int(share.node_id.removeprefix(f"{POOL}-n")) for share in shares]


# What a park says.


def test_a_rack_is_so_many_nodes_in_a_row_and_the_last_may_be_smaller() -> None:
    park = a_park(a_pool(POOL, 5, 8, nodes_per_rack=2), a_pool("east-gpu", 2, 8))

    racks = [park.rack_by_node.get(node_id) for node_id in park.node_ids(POOL)]

    assert racks == [1, 1, 2, 2, 3]
    assert park.rack_by_node.keys().isdisjoint(park.node_ids("east-gpu"))


def test_parks_and_jobs_of_before_there_were_racks_are_read_as_they_were() -> None:
    park, job = a_park(a_pool(POOL, 2, 8)), a_job()
    said_of_job = {key: said for key, said in encode_job(job).items() if key != "topology"}
    said_of_park = json.dumps(encode_value(park)).replace(', "nodes_per_rack": null', "")
    said_of_park = said_of_park.replace(', "guarantees_racks": false', "")

    assert "rack" not in said_of_park
    assert decode_value(Park, json.loads(said_of_park)) == park
    assert decode_job(said_of_job) == job
    assert decode_value(Park, encode_value(PARK)) == PARK
    assert decode_job(encode_job(in_rack(job))) == in_rack(job)


# Which nodes.


def test_a_gang_is_in_one_rack_where_one_has_room() -> None:
    assert numbers(free(8, 0, 0, 8, 8, 8).find(TWO)) == [5, 6]


def test_of_the_racks_that_suffice_it_takes_the_fullest() -> None:
    cards = free(8, 8, 8, 8, 8, 0, nodes_per_rack=3)

    assert numbers(cards.find(TWO)) == [4, 5]


def test_else_it_takes_as_few_racks_as_can_be() -> None:
    """First the rack with most whole nodes; what is left goes where it breaks least."""
    cards = free(8, 0, 0, 8, 8, 0, 8, 8, 8, nodes_per_rack=3)

    assert numbers(cards.find(Fit(4, 8))) == [1, 7, 8, 9]
    assert numbers(cards.find(Fit(5, 8))) == [4, 5, 7, 8, 9]


def test_who_must_be_in_one_rack_is_nowhere_else() -> None:
    assert free(8, 0, 0, 8, 8, 0).find(TWO) is not None
    assert free(8, 0, 0, 8, 8, 0).find(TWO_IN_RACK) is None
    assert numbers(free(8, 0, 8, 8, 8, 0).find(TWO_IN_RACK)) == [3, 4]


def test_a_whole_node_is_taken_of_the_rack_that_is_broken_most() -> None:
    assert numbers(free(8, 8, 0, 8).find(Fit(1, 8))) == [4]
    assert numbers(free(8, 8, 0, 8).find(Fit(1, 3))) == [4]


def test_a_part_of_a_node_goes_where_it_leaves_least_whatever_the_rack() -> None:
    assert numbers(free(5, 8, 8, 4).find(Fit(1, 4))) == [4]
    assert numbers(free(4, 8, 8, 5).find(Fit(1, 5))) == [4]
    assert free(4, 4).find(Fit(1, 5)) is None


def test_what_is_set_is_found() -> None:
    cards = free(8, 8, 8, 8)

    cards.set(f"{POOL}-n001", 3)
    assert numbers(cards.find(TWO)) == [3, 4]
    cards.set(f"{POOL}-n003", 0)
    assert cards.find(TWO_IN_RACK) is None
    cards.set(f"{POOL}-n001", 8)
    assert numbers(cards.find(TWO_IN_RACK)) == [1, 2]
    cards.set(f"{POOL}-n001", 8)
    assert cards.whole_node_count() == 3


def test_a_copy_and_a_part_have_racks_as_well() -> None:
    cards = free(8, 0, 8, 8)

    own = cards.copy()
    own.set(f"{POOL}-n003", 0)

    assert own.find(TWO_IN_RACK) is None
    assert numbers(cards.find(TWO_IN_RACK)) == [3, 4]
    part = cards.on([f"{POOL}-n001", f"{POOL}-n004"])
    assert (numbers(part.find(TWO)), part.find(TWO_IN_RACK)) == ([1, 4], None)


def test_neighbours_by_rank_are_neighbours_by_number() -> None:
    """`n1000` comes before `n999` where names are compared as text."""
    cards = [0] * 998 + [8] * 4

    found = free(*cards, nodes_per_rack=2).find(THREE)

    assert numbers(found) == [999, 1000, 1001]


def test_a_pool_without_racks_pays_nothing_for_them() -> None:
    park = a_park(a_pool(POOL, 2, 8))

    assert type(free_cards(park, park.pool_by_id[POOL], ())) is FreeCards
    assert isinstance(free(8), RackedCards)


# Who is refused.


def in_rack(job: Job) -> Job:
    return replace(job, topology=Topology.RACK)


def why_never(job: Job, park: Park) -> list[tuple[ReasonCode, int, int, str]]:
    tree = Tree({"steel": a_tenant("steel")})
    reasons = impossible(job, park, tree, PriceBook((PARK_PRICES,)), 0)
    return [(one.code, one.need, one.free, one.detail) for one in reasons]


def test_a_rack_that_no_pool_has_is_refused() -> None:
    wanted = in_rack(a_job(device_count=24))

    assert why_never(wanted, PARK) == [(ReasonCode.NO_RACK, 24, 16, "of 2 nodes")]
    without = a_park(a_pool(POOL, 6, 8))
    assert why_never(wanted, without) == [(ReasonCode.NO_RACK, 24, 0, "it has no racks")]
    assert why_never(a_job(device_count=24), PARK) == []
    assert why_never(in_rack(a_job(device_count=16)), PARK) == []


def test_who_is_on_one_node_is_in_one_rack() -> None:
    pool = a_pool(POOL, 6, 8)

    assert fit(shape_of(in_rack(a_job(device_count=8))), pool) == Fit(1, 8)


def test_only_pools_whose_racks_are_large_enough_are_taken() -> None:
    park = a_park(a_pool(POOL, 6, 8, nodes_per_rack=2), a_pool("north-npu", 6, 8, 3))
    state = a_state(park=park)
    submit(state, in_rack(a_job(device_count=24)))

    (grant,) = plan(state, 0).grants

    assert grant.placement.pool_id == "north-npu"


# Plans.


def spread_over(state: State, *nodes: int, limit_ms: int = LIMIT_MS) -> None:
    """A job that stops for nobody runs on each of these nodes."""
    for number in nodes:
        cards = [0] * (number - 1) + [8]
        job = a_job(f"busy{number}", device_count=8, limit_ms=limit_ms)
        run(state, job, *cards)


def test_whole_nodes_in_different_racks_are_in_pieces_for_who_must_be_in_one() -> None:
    state = a_state(park=PARK)
    spread_over(state, 1, 3, 5, 6)

    verdict = verdict_of(state, in_rack(wants(cards=16)))

    (reason,) = verdict.reasons
    assert (reason.code, reason.need, reason.free) == (ReasonCode.FRAGMENTED, 16, 8)


def test_it_is_promised_the_first_rack_that_comes_free_and_no_two_halves() -> None:
    """The third rack is free after three hours; a node of each of the others was before."""
    state = a_state(park=PARK)
    for number, hours in enumerate((9, 2, 9, 2, 3, 3), start=1):
        spread_over(state, number, limit_ms=hours * HOUR_MS)

    near = verdict_of(state, replace(wants("near", cards=16), topology=Topology.POOL))
    far = a_state(park=PARK)
    for number, hours in enumerate((9, 2, 9, 2, 3, 3), start=1):
        spread_over(far, number, limit_ms=hours * HOUR_MS)

    assert near.start == PlannedStart(2 * HOUR_MS, POOL, is_promised=True)
    required = verdict_of(far, in_rack(wants("far", cards=16)))
    assert required.start == PlannedStart(3 * HOUR_MS, POOL, is_promised=True)


def test_an_estimate_waits_for_a_rack_as_well() -> None:
    """Another is promised the pool, so that this one is estimated: not before a rack is whole."""
    state = a_state(a_tenant("steel"), a_tenant("fish"), park=PARK)
    for number, hours in enumerate((9, 2, 9, 2, 5, 5), start=1):
        spread_over(state, number, limit_ms=hours * HOUR_MS)
    submit(state, of_fish(wants("first", cards=48)))

    asked = in_rack(a_job("second", device_count=16, limit_ms=HOUR_MS, submitted_at_ms=1))
    verdict = verdict_of(state, asked)

    assert verdict.start is not None
    assert not verdict.start.is_promised
    assert verdict.start.at_ms == 5 * HOUR_MS
    (prospect,) = what_if(state, NOW_MS, asked)
    assert prospect.start_ms == 5 * HOUR_MS


def test_where_no_rack_has_enough_nodes_that_are_up_it_waits_for_nodes() -> None:
    state = a_state(park=PARK)
    up = tuple(node_id for node_id in PARK.node_ids(POOL) if node_id[-1] in "135")
    happen(state, ev.NodesChanged(at_ms=0, centre_id="east", online_node_ids=up))

    verdict = verdict_of(state, in_rack(wants(cards=16)))

    (reason,) = verdict.reasons
    assert (reason.code, reason.need, reason.free) == (ReasonCode.NODES_DOWN, 16, 8)
    assert verdict.start is None
    waiting = a_state(park=PARK)
    happen(waiting, ev.NodesChanged(at_ms=0, centre_id="east", online_node_ids=()))
    (none,) = verdict_of(waiting, in_rack(wants(cards=16))).reasons
    assert (none.code, none.free) == (ReasonCode.NODES_DOWN, 0)


def test_what_a_silent_centre_hides_is_told_by_racks_as_well() -> None:
    """Were it heard again, a node of each rack would be free, and no rack."""
    state = a_state(park=PARK)
    spread_over(state, 1, 3, 5)
    submit(state, in_rack(wants(cards=16)))
    happen(state, ev.CentreLinkChanged(at_ms=NOW_MS, centre_id="east", is_heard=False))

    found = ranking(state, NOW_MS, "new")

    assert found is not None
    (use,) = found.pools
    told = [(reason.code, reason.free) for reason in use.reasons]
    assert told == [(ReasonCode.CENTRE_SILENT, 0), (ReasonCode.FRAGMENTED, 8)]


# Who makes room.


def test_room_is_made_in_one_rack() -> None:
    """The cheapest two to stop are in two racks, and would not do."""
    state = a_state(park=PARK)
    for number, at_ms in enumerate((0, 2_000_000, 0, 2_000_000, 1_500_000, 1_500_000), start=1):
        run(state, low(f"low{number}"), *[0] * (number - 1), 8, at_ms=at_ms)
    submit(state, in_rack(wants(cards=16)))

    drawn_up = plan(state, NOW_MS, TURNS)

    assert sorted(stopped(drawn_up)) == ["low5.1", "low6.1"]
    assert drawn_up.evictions[0].node_ids == (f"{POOL}-n005", f"{POOL}-n006")
    assert verified(state, drawn_up, NOW_MS, TURNS) == (drawn_up, ())


def test_what_is_free_of_a_rack_counts_for_its_room() -> None:
    state = a_state(park=PARK)
    for number in (1, 2, 3, 5):
        run(state, low(f"low{number}"), *[0] * (number - 1), 8)
    submit(state, in_rack(wants(cards=16)))

    drawn_up = plan(state, NOW_MS, TURNS)

    assert len(stopped(drawn_up)) == 1
    assert stopped(drawn_up)[0] in {"low3.1", "low5.1"}
    assert verified(state, drawn_up, NOW_MS, TURNS) == (drawn_up, ())


def test_nobody_is_stopped_where_that_makes_no_rack() -> None:
    """A node of each rack is held by who is not to be stopped."""
    state = a_state(park=PARK)
    for number in (1, 3, 5):
        run(state, replace(wants(f"stays{number}"), submitted_at_ms=0), *[0] * (number - 1), 8)
    for number in (2, 4, 6):
        run(state, low(f"low{number}"), *[0] * (number - 1), 8)
    submit(state, in_rack(wants(cards=16)))

    drawn_up = plan(state, NOW_MS)

    assert drawn_up.evictions == ()


# A second look.


@pytest.mark.parametrize(
    ("nodes_per_rack", "cards"), [(2, (0, 8, 8)), (2, (8, 0, 8)), (None, (8, 8))]
)
def test_a_gang_across_racks_that_asked_for_one_is_not_carried_out(
    nodes_per_rack: int | None, cards: tuple[int, ...]
) -> None:
    state = a_state(park=PARK)
    submit(state, in_rack(a_job(device_count=16)))
    right = plan(state, 0)
    assert verified(state, right, 0, DEFAULT) == (right, ())
    (grant,) = right.grants
    shares = a_placement(POOL, *cards).shares
    bent = replace(grant, placement=replace(grant.placement, shares=shares))
    state.park = a_park(a_pool(POOL, 6, 8, nodes_per_rack))

    found, flaws = verified(state, replace(right, grants=(bent,)), 0, DEFAULT)

    assert found.grants == ()
    assert "it asked for nodes of one rack" in flaws[0]


def test_the_audit_of_the_simulation_sees_a_gang_across_racks() -> None:
    """And counts those that are not, by themselves."""
    audit = Audit()
    audit.take(ev.ParkDeclared(at_ms=0, park=PARK))
    audit.take(ev.TenantDeclared(at_ms=0, tenant=a_tenant("steel")))
    for job_id in ("near", "far"):
        submitted = ev.Submitted(at_ms=0, job=in_rack(a_job(job_id, device_count=16)))
        audit.take(submitted)

    audit.take(a_lease("near", a_placement(POOL, 0, 0, 8, 8)))

    assert audit.racked_count == 1
    with pytest.raises(AssertionError, match=r"far\.1 is in 2 racks"):
        audit.take(a_lease("far", a_placement(POOL, 0, 8, 0, 0, 8)))
