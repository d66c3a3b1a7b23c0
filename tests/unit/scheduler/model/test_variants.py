"""Jobs that are content with one gang or another: who starts as what, worked out by hand."""

from dataclasses import replace
from typing import Unpack

import pytest

from api.schemas import variant_spec
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, EndCause, Job, Placement, ReasonCode, Variant
from scheduler.model.plan import Plan
from scheduler.model.policy import FIFO
from scheduler.model.variants import SIZES_MAX, form_in, forms
from scheduler.orders import members
from scheduler.planning.planner import plan
from tests.builders import (
    HOUR_MS,
    JobChanges,
    a_dataset,
    a_job,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    submit,
    with_data,
)

PARK = a_park(a_pool("east-npu", 2, 8), a_pool("north-dcu", 2, 8))
"""313 and 400 TFLOPS a card."""

NPU, DCU = "east-npu", "north-dcu"
SAVES = Checkpoint(dir="ckpt")


def on_dcu(cards: int = 16, hours: int = 1, speed: int | None = None) -> Variant:
    return Variant(
        device_kind_ids=("dcu",),
        device_count=cards,
        limit_ms=hours * HOUR_MS,
        speed_permille=speed,
    )


def either(job_id: str = "j", *others: Variant, **changes: Unpack[JobChanges]) -> Job:
    """Eight cards of npu for an hour, or one of these."""
    return replace(a_job(job_id, **changes), variants=others or (on_dcu(),))


def a_queue(*jobs: Job) -> State:
    state = a_state(park=PARK)
    submit(state, *jobs)
    return state


def fill(state: State, pool_id: str, cards: tuple[int, ...] = (8, 8), hours: int = 1) -> None:
    """So many cards of its nodes are in use for so long, each node's by a job of its own."""
    for number, count in enumerate(cards):
        job_id = f"{pool_id}{number}"
        kinds = (pool_id.split("-")[1],)
        job = a_job(job_id, device_count=count, limit_ms=hours * HOUR_MS, device_kind_ids=kinds)
        own = (*(0,) * number, count)
        submit(state, job)
        run(state, job_id, a_placement(pool_id, *own))


def run(state: State, job_id: str, placement: Placement, at_ms: int = 0, number: int = 1) -> None:
    lease = a_lease(job_id, placement, at_ms=at_ms, number=number)
    happen(state, lease, ev.Started(at_ms=at_ms, attempt_id=lease.attempt_id))


def end(state: State, attempt_id: str, at_ms: int, cause: EndCause = EndCause.FINISHED) -> None:
    happen(state, ev.Ended(at_ms=at_ms, attempt_id=attempt_id, cause=cause, exit_code=0))


def started(result: Plan) -> dict[str, tuple[str, int]]:
    return {one.job_id: (one.placement.pool_id, one.placement.card_count) for one in result.grants}


# Its forms.


def test_a_job_without_variants_is_its_only_form() -> None:
    job = a_job()

    assert forms(job) == (job,)
    assert form_in(job, a_placement(DCU, 3)) is job


def test_a_form_is_the_job_with_the_gang_and_the_limit_of_the_variant() -> None:
    variant = replace(on_dcu(16, 2), node_count=2, member_count=4)
    job = either("j", variant, node_count=1, member_count=8)

    first, second = forms(job)

    assert first == replace(job, variants=())
    assert (second.device_count, second.device_kind_ids) == (16, ("dcu",))
    assert (second.node_count, second.member_count, second.limit_ms) == (2, 4, 2 * HOUR_MS)


def test_what_runs_is_told_by_its_kind_and_its_cards() -> None:
    job = either("j", on_dcu(16), on_dcu(8, 9), device_kind_ids=("npu", "dcu"), device_count=4)

    assert form_in(job, a_placement(NPU, 4)).limit_ms == HOUR_MS
    assert form_in(job, a_placement(DCU, 4)).limit_ms == HOUR_MS
    assert form_in(job, a_placement(DCU, 8)).limit_ms == 9 * HOUR_MS
    assert form_in(job, a_placement(DCU, 8, 8)).device_count == 16
    assert form_in(either("j", on_dcu(8, 9)), a_placement(DCU, 8)).limit_ms == 9 * HOUR_MS


# Who starts as what.


def test_it_starts_as_it_asks_first_where_that_fits() -> None:
    assert started(plan(a_queue(either()), 0)) == {"j": (NPU, 8)}


def test_else_as_the_first_variant_that_fits_now() -> None:
    state = a_queue(either("j", on_dcu(16), on_dcu(8)))
    fill(state, NPU)
    fill(state, DCU, (1,))

    assert started(plan(state, 1)) == {"j": (DCU, 8)}


def test_an_earlier_variant_goes_before_a_later_one() -> None:
    state = a_queue(either("j", on_dcu(16), on_dcu(8)))
    fill(state, NPU)

    assert started(plan(state, 1)) == {"j": (DCU, 16)}


def test_its_own_cards_count_in_the_quota_of_each_variant() -> None:
    state = a_state(a_tenant("steel", max_cards=20), park=PARK)
    submit(state, either("j", on_dcu(16), on_dcu(4)))
    fill(state, NPU)

    assert started(plan(state, 1)) == {"j": (DCU, 4)}


def test_a_variant_that_cannot_be_paid_is_passed_over() -> None:
    state = a_queue(either("j", on_dcu(16), on_dcu(4)))
    fill(state, NPU)
    # An hour of 4 dcu is 28.8 yuan, of 16 it is 115.2.
    state.funds["steel"].available_micros = 30_000_000

    assert started(plan(state, 1)) == {"j": (DCU, 4)}


def test_the_hold_is_for_the_limit_of_the_variant() -> None:
    state = a_queue(either("j", on_dcu(16, hours=3)))
    fill(state, NPU)

    (grant,) = plan(state, 1).grants

    assert grant.hold_micros == 16 * 3 * 7_200_000


def test_a_variant_has_its_members_and_its_limit() -> None:
    state = a_queue(either("j", replace(on_dcu(16, 3), member_count=4)))

    run(state, "j", a_placement(DCU, 8, 8))

    record = state.jobs["j"]
    assert record.attempt is not None
    assert record.attempt.ends.latest_ms == 3 * HOUR_MS
    assert state.agenda.to_stop(3 * HOUR_MS - 1) == []
    assert state.agenda.to_stop(3 * HOUR_MS) == ["j.1"]
    assert [one.card_count for one in members(record.form, record.attempt)] == [4] * 4


def test_what_is_granted_counts_by_the_variant_at_once() -> None:
    """16 dcu are more than the 16 npu that `b` has, 8 of them would be less."""
    state = a_state(a_tenant("a"), a_tenant("b"), park=PARK)
    submit(state, either("a1", on_dcu(16), tenant_id="a"))
    submit(state, a_job("a2", tenant_id="a", submitted_at_ms=1))
    submit(state, a_job("b1", tenant_id="b", submitted_at_ms=2))
    for number in (0, 1):
        submit(state, a_job(f"x{number}", tenant_id="b"))
        run(state, f"x{number}", a_placement(NPU, *(0,) * number, 8))

    result = plan(state, 3)

    assert started(result) == {"a1": (DCU, 16)}
    assert list(result.verdicts) == ["b1", "a2"]


# Who waits.


def test_it_is_told_what_each_variant_lacks() -> None:
    state = a_queue(either("j", on_dcu(16), on_dcu(12)))
    fill(state, NPU)
    fill(state, DCU, (8, 4))

    (verdict,) = plan(state, 1).verdicts.values()

    told = [(reason.code, reason.where, reason.need, reason.free) for reason in verdict.reasons]
    assert told == [
        (ReasonCode.DEVICES_BUSY, NPU, 8, 0),
        (ReasonCode.DEVICES_BUSY, DCU, 16, 4),
        (ReasonCode.UNEVEN_GANG, DCU, 12, 16),
    ]


def test_it_is_promised_one_start_where_it_is_likely_to_be_over_first() -> None:
    state = a_queue(either("j", on_dcu(16, hours=5)), a_job("k", device_count=16))
    fill(state, NPU, hours=3)
    fill(state, DCU, hours=2)

    verdicts = plan(state, 1).verdicts

    # At 3 h for 1 h, or at 2 h for 5 h.
    start = verdicts["j"].start
    assert start is not None
    assert (start.at_ms, start.pool_id, start.is_promised) == (3 * HOUR_MS, NPU, True)
    assert start.card_count == 8
    assert verdicts["k"].start is not None
    assert not verdicts["k"].start.is_promised
    assert verdicts["k"].start.card_count is None, "it has one form"


def test_where_the_variant_is_over_first_the_promise_is_there() -> None:
    state = a_queue(either("j", on_dcu(16, hours=1)))
    fill(state, NPU, hours=3)
    fill(state, DCU, hours=2)

    (verdict,) = plan(state, 1).verdicts.values()

    assert verdict.start is not None
    assert (verdict.start.at_ms, verdict.start.pool_id) == (2 * HOUR_MS, DCU)
    assert verdict.start.card_count == 16


def test_a_promise_of_a_variant_keeps_its_own_cards() -> None:
    """Beside 16 cards that come free there is no room for what would run longer."""
    long = a_job("long", device_count=1, limit_ms=9 * HOUR_MS, device_kind_ids=("dcu",))
    state = a_queue(either("j", on_dcu(16, hours=1)), replace(long, submitted_at_ms=1))
    fill(state, NPU, hours=9)
    fill(state, DCU, (8, 7), hours=2)

    assert started(plan(state, 2)) == {}


def test_who_has_one_form_is_not_told_in_which_it_is_promised_a_start() -> None:
    state = a_queue(a_job("j", device_count=8, device_kind_ids=("npu",)))
    fill(state, NPU)

    start = plan(state, 1).verdicts["j"].start

    assert start is not None
    assert (start.is_promised, start.card_count) == (True, None)


@pytest.mark.parametrize(("hours", "pool_id", "at_hour"), [(1, DCU, 3), (5, NPU, 4)])
def test_who_cannot_be_promised_anything_has_a_planned_start_in_its_best_form(
    hours: int, pool_id: str, at_hour: int
) -> None:
    """After who is ahead: on dcu at 3 h, on npu at 4 h and for one hour."""
    state = a_queue(
        a_job("ahead", device_count=16, device_kind_ids=("dcu",)),
        a_job("first", device_count=16),
        either("j", on_dcu(16, hours=hours)),
    )
    fill(state, NPU, hours=3)
    fill(state, DCU, hours=2)

    start = plan(state, 1).verdicts["j"].start

    assert start is not None
    assert (start.at_ms, start.pool_id) == (at_hour * HOUR_MS, pool_id)
    assert start.card_count == (16 if pool_id == DCU else 8)
    assert not start.is_promised


def test_a_later_job_counts_with_the_cards_of_the_variant_that_is_planned() -> None:
    late = a_job("late", device_kind_ids=("dcu",), submitted_at_ms=1)
    state = a_queue(
        a_job("ahead", device_count=16, device_kind_ids=("dcu",)),
        a_job("first", device_count=16),
        either("j", on_dcu(16)),
        late,
    )
    fill(state, NPU, hours=3)
    fill(state, DCU, hours=2)

    start = plan(state, 1).verdicts["late"].start

    assert start is not None
    assert start.at_ms == 4 * HOUR_MS, "after all 16 of it"


def test_a_later_job_counts_with_the_cards_of_the_variant_that_is_promised() -> None:
    state = a_queue(
        either("j", on_dcu(16, hours=1)),
        a_job("next", device_count=8, device_kind_ids=("dcu",), submitted_at_ms=1),
    )
    fill(state, NPU, hours=9)
    fill(state, DCU, hours=2)

    start = plan(state, 2).verdicts["next"].start

    assert start is not None
    assert start.at_ms == 3 * HOUR_MS


def test_a_quota_is_kept_for_the_variant_that_needs_least() -> None:
    """2 of 12 cards are left, and 2 more in an hour: they are for its 4, and not for 9 hours."""
    state = a_state(a_tenant("steel", max_cards=12), park=PARK)
    submit(state, either("j", on_dcu(4)))
    submit(state, a_job("late", device_count=2, limit_ms=9 * HOUR_MS, submitted_at_ms=1))
    fill(state, NPU, (8,), hours=9)
    fill(state, DCU, (2,), hours=1)

    result = plan(state, 2)

    assert started(result) == {}
    (reason,) = result.verdicts["late"].reasons
    assert (reason.code, reason.detail) == (ReasonCode.TENANT_QUOTA, "kept for job j")
    assert [one.need for one in result.verdicts["j"].reasons] == [8, 4]


def test_where_nobody_may_pass_it_closes_the_pools_of_all_its_variants() -> None:
    state = a_queue(either("j", on_dcu(16)), a_job("k", device_count=1, submitted_at_ms=1))
    submit(state, a_job("d", device_count=1, device_kind_ids=("dcu",), submitted_at_ms=1))
    fill(state, NPU, (8, 7))
    fill(state, DCU, (8, 7))

    assert started(plan(state, 2, FIFO)) == {}


def test_its_data_is_nearer_to_some_pools_of_a_variant_than_to_others() -> None:
    pools = (a_pool("east-npu", 1, 8), a_pool("east-dcu", 1, 8), a_pool("north-dcu", 1, 8))
    park = with_data(a_dataset("d", "east", ms=HOUR_MS), park=a_park(*pools))
    state = a_state(park=park)
    submit(state, either("j", on_dcu(8), data_ids=("d",)))
    fill(state, "east-npu", (8,), hours=9)
    fill(state, "east-dcu", (8,), hours=1)

    verdict = plan(state, HOUR_MS - 1).verdicts["j"]

    assert [one.code for one in verdict.reasons][-1] is ReasonCode.NEARER_DATA
    assert verdict.start is not None
    assert verdict.start.pool_id == "east-dcu"


def test_what_is_asked_and_what_is_planned_have_as_many_sizes() -> None:
    """The client knows nothing of the planner, and says the number itself."""
    assert variant_spec.SIZES_MAX == SIZES_MAX
