"""Where a gang fits, where it never could, and which of a pool's nodes it gets."""

from dataclasses import replace
from itertools import product

import pytest

from accounting.prices.rating import PriceBook
from cluster.inventory import Park
from scheduler.model.job import Job, NodeShare, Reason, ReasonCode
from scheduler.model.tree import Tree
from scheduler.placing.placement import (
    Fit,
    FreeCards,
    candidate_pools,
    fit,
    impossible,
    misfits,
    shape_of,
)
from tests.builders import PARK, PARK_PRICES, a_job, a_pool, a_tenant

POOL = a_pool("east-npu", 3, 8)


def fitted(job: Job) -> Fit | Reason:
    return fit(shape_of(job), POOL)


def pool_ids(job: Job) -> list[str]:
    return [pool.id for pool in candidate_pools(shape_of(job), PARK)]


def test_it_fits_where_nodes_are_found_for_it() -> None:
    sizes = [Fit(1, count) for count in range(1, 5)] + [Fit(2, 4), Fit(3, 4)]
    pools = [
        FreeCards(4, ((f"n{number}", count) for number, count in enumerate(free)))
        for free in product(range(5), repeat=3)
    ]

    for pool, size in product(pools, sizes):
        assert pool.fits(size) == (pool.find(size) is not None), (pool.by_node, size)


# Which pools.


def test_pools_come_in_the_order_of_the_users_preference() -> None:
    wanted = a_job(device_kind_ids=("dcu", "npu"))

    assert pool_ids(wanted) == ["north-dcu", "east-npu", "north-npu"]


def test_who_names_no_kind_takes_any_in_the_parks_own_order() -> None:
    assert pool_ids(a_job(device_kind_ids=())) == [
        "east-npu",
        "east-gpu",
        "north-npu",
        "north-dcu",
    ]


def test_only_the_centres_asked_for_are_candidates() -> None:
    assert pool_ids(a_job(device_kind_ids=(), centre_ids=("north",))) == ["north-npu", "north-dcu"]


# How a shape sits in a pool.


@pytest.mark.parametrize(
    ("cards", "nodes", "wanted"),
    [
        (1, None, Fit(1, 1)),
        (8, None, Fit(1, 8)),
        (16, None, Fit(2, 8)),
        (24, None, Fit(3, 8)),
        (24, 3, Fit(3, 8)),
        (5, 1, Fit(1, 5)),
    ],
)
def test_a_gang_takes_as_few_nodes_as_hold_it(cards: int, nodes: int | None, wanted: Fit) -> None:
    assert fitted(a_job(device_count=cards, node_count=nodes)) == wanted


@pytest.mark.parametrize(
    ("cards", "nodes", "told"),
    [
        (25, None, Reason(code=ReasonCode.TOO_BIG, where="east-npu", need=25, free=24)),
        (9, 1, Reason(code=ReasonCode.TOO_BIG, where="east-npu", need=9, free=8)),
        (17, 2, Reason(code=ReasonCode.TOO_BIG, where="east-npu", need=17, free=16)),
        (32, 4, Reason(code=ReasonCode.TOO_BIG, where="east-npu", need=4, free=3, unit="nodes")),
        (4, 4, Reason(code=ReasonCode.TOO_BIG, where="east-npu", need=4, free=3, unit="nodes")),
    ],
)
def test_what_is_larger_than_the_pool_or_its_nodes_is_too_big(
    cards: int, nodes: int | None, told: Reason
) -> None:
    answer = fitted(a_job(device_count=cards, node_count=nodes))

    assert isinstance(answer, Reason)
    assert replace(answer, detail="") == told
    assert answer.detail == {9: "on 1 node", 17: "on 2 nodes"}.get(cards, "")


@pytest.mark.parametrize(("cards", "nodes"), [(12, None), (8, 2), (20, 3)])
def test_more_than_one_node_means_whole_nodes(cards: int, nodes: int | None) -> None:
    answer = fitted(a_job(device_count=cards, node_count=nodes))

    assert isinstance(answer, Reason)
    assert answer.code is ReasonCode.UNEVEN_GANG
    assert "whole nodes, which have 8 each" in answer.detail


@pytest.mark.parametrize(
    ("cards", "members", "is_even"),
    [(8, 4, True), (16, 4, True), (6, 4, False), (16, 1, False), (24, 4, False), (24, 6, True)],
)
def test_members_share_cards_and_nodes_evenly(cards: int, members: int, is_even: bool) -> None:
    answer = fitted(a_job(device_count=cards, member_count=members))

    assert isinstance(answer, Fit) == is_even
    assert is_even or (isinstance(answer, Reason) and answer.code is ReasonCode.UNEVEN_GANG)


# What could never run.


def why_never(job: Job, park: Park = PARK, prices: PriceBook | None = None) -> list[Reason]:
    book = prices or PriceBook((PARK_PRICES,))
    return list(impossible(job, park, Tree({"steel": a_tenant("steel", max_cards=20)}), book, 0))


def codes(reasons: list[Reason]) -> list[tuple[ReasonCode, str]]:
    return [(reason.code, reason.where) for reason in reasons]


def test_what_fits_an_empty_pool_could_run() -> None:
    assert why_never(a_job()) == []
    assert why_never(a_job(device_count=16, device_kind_ids=())) == []


def test_a_job_of_nobody_could_never_run() -> None:
    assert codes(why_never(a_job(tenant_id="x"))) == [(ReasonCode.UNKNOWN_TENANT, "x")]


def test_every_unknown_word_is_named_with_those_that_are_known() -> None:
    job = replace(a_job(device_kind_ids=("tpu", "npu"), centre_ids=("west",)), field="magic")

    reasons = why_never(job)

    assert codes(reasons) == [
        (ReasonCode.UNKNOWN_DEVICE, "tpu"),
        (ReasonCode.UNKNOWN_CENTRE, "west"),
        (ReasonCode.UNKNOWN_FIELD, "magic"),
    ]
    assert [reason.detail for reason in reasons] == [
        "known: dcu, gpu, npu",
        "known: east, north",
        "known: manufacturing",
    ]


def test_a_job_above_its_tenants_quota_could_never_run() -> None:
    over = Reason(code=ReasonCode.TENANT_QUOTA, where="steel", need=24, free=20)

    assert why_never(a_job(device_count=24)) == [over]


def test_a_job_too_big_for_each_of_its_pools_is_told_so_for_each() -> None:
    reasons = why_never(a_job(device_count=17))

    assert codes(reasons) == [
        (ReasonCode.TOO_BIG, "east-npu"),
        (ReasonCode.TOO_BIG, "north-npu"),
    ]
    assert why_never(a_job(device_count=16)) == [], "one pool that holds it is enough"


def test_a_kind_that_none_of_its_centres_has_could_never_run_there() -> None:
    job = a_job(device_kind_ids=("dcu",), centre_ids=("east",))
    none = Reason(
        code=ReasonCode.TOO_BIG, where="east", need=8, free=0, detail="it has no pool of dcu"
    )

    assert why_never(job) == [none]
    assert misfits(shape_of(job), PARK) == (none,)


def test_where_no_possible_pool_has_a_price_the_job_could_never_run() -> None:
    gpu_only = replace(PARK_PRICES, on_demand=(("gpu", 1),))
    book = PriceBook((gpu_only,))

    assert codes(why_never(a_job(), prices=book)) == [
        (ReasonCode.NO_PRICE, "east-npu"),
        (ReasonCode.NO_PRICE, "north-npu"),
    ]
    assert why_never(a_job(device_count=4, device_kind_ids=("npu", "gpu")), prices=book) == []
    assert why_never(a_job(), prices=PriceBook((replace(PARK_PRICES, from_ms=1),))) != []


# Which nodes.


def free(*cards: int) -> FreeCards:
    return FreeCards(8, [(f"n{number}", count) for number, count in enumerate(cards, start=1)])


def shares(*pairs: tuple[str, int]) -> tuple[NodeShare, ...]:
    return tuple(NodeShare(node_id=node_id, card_count=cards) for node_id, cards in pairs)


def test_a_part_of_a_node_goes_where_it_leaves_least() -> None:
    assert free(8, 3, 5).find(Fit(1, 3)) == shares(("n2", 3))
    assert free(8, 3, 5).find(Fit(1, 4)) == shares(("n3", 4))
    assert free(8, 3, 5).find(Fit(1, 6)) == shares(("n1", 6))


def test_more_than_one_node_is_made_of_whole_ones() -> None:
    assert free(8, 7, 8).find(Fit(2, 8)) == shares(("n1", 8), ("n3", 8))
    assert free(8, 7, 7).find(Fit(2, 8)) is None


def test_what_does_not_fit_on_one_node_is_not_spread() -> None:
    assert free(4, 4).find(Fit(1, 8)) is None


def test_finding_takes_nothing() -> None:
    cards = free(8)

    assert cards.find(Fit(1, 8)) == cards.find(Fit(1, 8))


def test_what_is_set_is_counted_and_found() -> None:
    cards = free(8, 8)

    cards.set("n1", 2)

    assert (cards.total, cards.most_on_a_node(), cards.whole_node_count()) == (10, 8, 1)
    assert cards.find(Fit(1, 2)) == shares(("n1", 2))
    cards.set("n2", 0)
    assert (cards.total, cards.most_on_a_node(), cards.whole_node_count()) == (2, 2, 0)


def test_a_copy_goes_its_own_way() -> None:
    cards = free(8)

    cards.copy().set("n1", 0)

    assert cards.total == 8


def test_a_copy_is_in_the_order_of_the_nodes_whatever_was_taken_and_given_back() -> None:
    cards = free(8, 8)

    cards.set("n1", 0)
    cards.set("n1", 8)

    assert cards.find(Fit(1, 8)) == shares(("n2", 8))
    assert cards.copy().find(Fit(1, 8)) == shares(("n1", 8))
