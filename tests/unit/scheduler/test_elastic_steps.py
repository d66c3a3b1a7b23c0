"""Elastic jobs whose sizes are so many cards apart, worked out by hand."""

from dataclasses import replace

import pytest

from scheduler.facts.state import State
from scheduler.model.job import Job
from scheduler.model.plan import Answers
from scheduler.model.variants import forms, given_speeds
from scheduler.planning.planner import plan
from tests import preemptive
from tests.builders import (
    HOUR_MS,
    a_job,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    submit,
)
from tests.preemptive import NOW_MS, SAVES, gone, low, normal, stop, wants
from tests.unit.scheduler.model.test_variants import run
from tests.unit.scheduler.test_elastic import POOL, RIPE_MS, elastic, grown, placed, two_nodes


def stepwise(job_id: str = "j", most: int = 8, least: int = 2, step: int = 2) -> Job:
    return replace(elastic(job_id, most, least), step_device_count=step)


def test_its_sizes_are_so_many_cards_apart_and_nodes_and_members_go_with_them() -> None:
    job = replace(stepwise(most=48, least=24, step=8), node_count=6, member_count=12)

    sizes = [(one.device_count, one.node_count, one.member_count) for one in forms(job)]

    assert sizes == [(48, 6, 12), (40, 5, 10), (32, 4, 8), (24, 3, 6)]
    limits_ms = [10 * HOUR_MS * 48 // cards for cards in (48, 40, 32, 24)]
    assert [size.limit_ms for size in forms(job)] == limits_ms
    assert not any(size.has_forms for size in forms(job))
    assert given_speeds(job) == (1_000, None, None, None)


@pytest.mark.parametrize(("used", "cards"), [(1, 6), (2, 6), (3, 4), (5, 2), (7, None)])
def test_it_starts_on_more_of_what_is_free_than_a_half(used: int, cards: int | None) -> None:
    state = two_nodes(stepwise())
    for number in (1, 2):
        submit(state, a_job(f"x{number}", device_count=used))
        run(state, f"x{number}", a_placement(POOL, *(0,) * (number - 1), used))

    assert placed(plan(state, 1)) == ([cards] if cards else [])


def test_it_grows_to_the_largest_that_fits_with_what_it_has() -> None:
    state = two_nodes(stepwise(), *(a_job(f"x{number}", device_count=2) for number in (1, 2)))
    run(state, "j", a_placement(POOL, 4))
    run(state, "x1", a_placement(POOL, 2))
    run(state, "x2", a_placement(POOL, 0, 2))

    (eviction,) = grown(state, RIPE_MS)

    assert len(eviction.node_ids) == 1
    assert state.jobs["j"].is_small


def test_who_has_other_steps_is_not_alike() -> None:
    """By halves none has six cards, so who is taken to be like the first would start on four."""
    state = two_nodes(elastic("a", 8, 2), stepwise("b"))
    for number in (1, 2):
        submit(state, a_job(f"x{number}", device_count=2))
        run(state, f"x{number}", a_placement(POOL, *(0,) * (number - 1), 2))

    assert placed(plan(state, 1)) == [4, 6]


def test_where_no_half_fits_a_step_may() -> None:
    state = two_nodes(elastic("a", 8, 3), stepwise("b", 8, 3, 5))
    for number in (1, 2):
        submit(state, a_job(f"x{number}", device_count=5))
        run(state, f"x{number}", a_placement(POOL, *(0,) * (number - 1), 5))

    assert placed(plan(state, 1, answers=Answers.GRANTS)) == [3]


def two_claims(cards: int, step: int | None) -> State:
    """Of 8 either tenant may have 4 more: for two jobs, `b` of so many, two of 4 were stopped."""
    tenants = (a_tenant(name, max_cards=8) for name in ("steel", "fish"))
    state = a_state(*tenants, a_tenant("ship"), park=a_park(a_pool(POOL, 2, 8)))
    for one, tenant_id, most in (("a", "steel", 8), ("b", "fish", cards)):
        preemptive.run(state, replace(normal(f"{one}0", 4), tenant_id=tenant_id), 4)
        preemptive.run(state, replace(low(f"{one}1", 4), tenant_id="ship"), 0, 4)
        waits = replace(wants(one, most), min_device_count=2, checkpoint=SAVES)
        submit(state, replace(waits, tenant_id=tenant_id, step_device_count=step))
    stops = plan(state, NOW_MS).evictions
    assert [one.job_id for one in stops] == ["a", "b"]
    for eviction in stops:
        stop(state, eviction)
    for eviction in stops:
        gone(state, eviction.attempt_id, NOW_MS + 1)
    return state


def sizes(state: State) -> dict[str, int]:
    grants = plan(state, NOW_MS + 2).grants
    return {one.job_id: one.placement.card_count for one in grants}


def test_two_for_whom_room_was_made_on_one_node_have_as_much_as_was_made() -> None:
    assert sizes(two_claims(8, None)) == {"a": 4, "b": 4}


def test_of_what_was_freed_for_both_one_takes_no_more_though_it_may_have_more() -> None:
    state = two_claims(4, 2)
    gone(state, "a0.1", NOW_MS + 1)

    assert sizes(state)["b"] == 4
