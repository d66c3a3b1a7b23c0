"""What racks keep, whatever is free of them and whoever asks: Hypothesis thinks of it."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Job, NodeShare, Topology
from scheduler.model.plan import Eviction
from scheduler.placing.placement import Fit, FreeCards
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from tests.builders import a_lease, a_park, a_pool, a_state, a_tenant, happen, submit
from tests.preemptive import NOW_MS, TURNS, gone, low, stop, wants
from tests.unit.scheduler.placing.test_racks import POOL, free, numbers

racks = st.integers(1, 5)
cards_of_nodes = st.lists(st.sampled_from((0, 3, 8, 8, 8)), min_size=1, max_size=14)


@given(
    cards_of_nodes,
    racks,
    st.integers(2, 6),
    st.lists(st.tuples(st.integers(0, 13), st.sampled_from((0, 3, 8)))),
)
def test_a_gang_has_the_fewest_racks_that_hold_it(
    cards: list[int], nodes_per_rack: int, count: int, changes: list[tuple[int, int]]
) -> None:
    """However what is free came to be so; who must be in one rack fits where one is enough."""
    cards_free = free(*cards, nodes_per_rack=nodes_per_rack)
    for index, now in changes:
        if index < len(cards):
            cards[index] = now
            cards_free.set(f"{POOL}-n{index + 1:03}", now)
    whole = [index for index, now in enumerate(cards) if now == 8]
    by_rack = sorted(
        (sum(index // nodes_per_rack == rack for index in whole) for rack in range(len(cards))),
        reverse=True,
    )

    found = numbers(cards_free.find(Fit(count, 8)))
    required = numbers(cards_free.find(Fit(count, 8, is_in_rack=True)))

    assert (found is not None) == (len(whole) >= count)
    assert (required is not None) == (by_rack[0] >= count)
    if required is not None:
        assert len({(number - 1) // nodes_per_rack for number in required}) == 1
    if found is not None:
        assert {number - 1 for number in found} <= set(whole)
        fewest = next(n for n in range(1, 15) if sum(by_rack[:n]) >= count)
        assert len({(number - 1) // nodes_per_rack for number in found}) == fewest


@given(cards_of_nodes, racks, st.integers(1, 8))
def test_a_part_of_a_node_never_breaks_a_whole_one_without_need(
    cards: list[int], nodes_per_rack: int, wanted: int
) -> None:
    """It is on as full a node as without racks, and so where there is room without them."""
    racked = free(*cards, nodes_per_rack=nodes_per_rack)
    plain = FreeCards(8, racked.by_node.items())

    found, without = racked.find(Fit(1, wanted)), plain.find(Fit(1, wanted))

    assert (found is None) == (without is None)
    if found is not None and without is not None:
        assert racked.by_node[found[0].node_id] == plain.by_node[without[0].node_id]


@st.composite
def gangs(draw: st.DrawFn) -> Job:
    cards = draw(st.sampled_from((1, 4, 8, 16, 16, 24)))
    job = low("", cards) if draw(st.booleans()) else wants("", cards)
    return replace(job, submitted_at_ms=0, topology=draw(st.sampled_from(Topology)))


@given(
    st.integers(1, 8),
    racks,
    st.lists(st.lists(gangs(), max_size=4), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_never_is_a_gang_across_racks_that_asked_for_one(
    node_count: int, nodes_per_rack: int, rounds: list[list[Job]], is_up: list[bool]
) -> None:
    """Whoever comes, whoever is stopped for it, and whatever it claims then."""
    size = min(nodes_per_rack, node_count)
    park = a_park(a_pool(POOL, node_count, 8, size))
    state = a_state(a_tenant("steel", max_cards=1_000), park=park)
    up = tuple(one for one, yes in zip(park.node_ids(POOL), is_up, strict=False) if yes)
    state.apply(ev.NodesChanged(at_ms=0, centre_id="east", online_node_ids=up))
    for number, jobs in enumerate(rounds):
        submit(state, *(replace(job, id=f"j{number}{at}") for at, job in enumerate(jobs)))
        for now_ms in (number * NOW_MS, number * NOW_MS + 20):
            evictions = carry_out(state, now_ms, size)
            for eviction in evictions:
                gone(state, eviction.attempt_id, now_ms + 10)


def carry_out(state: State, now_ms: int, size: int) -> tuple[Eviction, ...]:
    """All that is decided at that moment, and nothing of it across racks."""
    drawn_up = plan(state, now_ms, TURNS)
    assert verified(state, drawn_up, now_ms, TURNS) == (drawn_up, ())
    for grant in drawn_up.grants:
        nodes = [share.node_id for share in grant.placement.shares]
        check_rack(state.jobs[grant.job_id].job, nodes, size)
        number = state.jobs[grant.job_id].attempt_count + 1
        lease = a_lease(grant.job_id, grant.placement, at_ms=now_ms, number=number)
        happen(state, lease, ev.Started(at_ms=now_ms, attempt_id=lease.attempt_id))
    for eviction in drawn_up.evictions:
        check_rack(state.jobs[eviction.job_id].job, eviction.node_ids, size)
        stop(state, eviction, now_ms)
    return drawn_up.evictions


def check_rack(job: Job, node_ids: Iterable[str], size: int) -> None:
    if job.topology is Topology.RACK:
        shares = tuple(NodeShare(node_id=one, card_count=8) for one in node_ids)
        assert len({(number - 1) // size for number in numbers(shares) or ()}) == 1
