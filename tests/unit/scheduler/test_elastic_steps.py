"""Elastic jobs whose sizes are so many cards apart, worked out by hand."""

from dataclasses import replace

import pytest

from scheduler.model.job import Job
from scheduler.model.plan import Answers
from scheduler.model.variants import forms, given_speeds
from scheduler.planning.planner import plan
from tests.builders import HOUR_MS, a_job, a_placement, submit
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
