"""Jobs that are content with one gang or another: what is told of them, checked, and counted."""

from dataclasses import replace

import pytest

from scheduler.asking.ranking import ranking
from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.model.job import Job, Placement
from scheduler.model.plan import Answers, Grant, Plan
from scheduler.model.policy import DEFAULT
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.sharing.starving import starving
from tests.builders import (
    HOUR_MS,
    PARK_PRICES,
    a_job,
    a_lease,
    a_placement,
    a_state,
    a_tenant,
    happen,
    submit,
)
from tests.unit.scheduler.model.test_variants import (
    DCU,
    NPU,
    PARK,
    a_queue,
    either,
    end,
    fill,
    on_dcu,
    run,
)

# What else counts by variant.


def test_who_is_asked_what_if_has_a_line_for_each_variant() -> None:
    state = a_queue()
    fill(state, NPU, hours=3)
    job = either("new", on_dcu(16, hours=2), on_dcu(8))

    found = what_if(state, 1, job)

    told = [(one.pool.id, one.form.device_count, one.cost_fen, one.start_ms) for one in found]
    assert told == [
        (DCU, 16, 23_040, 1),
        (DCU, 8, 5_760, 1),
        (NPU, 8, 2_880, 3 * HOUR_MS),
    ]


def test_what_would_be_over_first_comes_first_of_what_would_wait() -> None:
    state = a_queue()
    fill(state, NPU, hours=3)
    fill(state, DCU, hours=2)

    found = what_if(state, 1, either("new", on_dcu(16, hours=5)))

    assert [one.pool.id for one in found] == [NPU, DCU]


def test_the_ranking_says_what_it_needs_of_each_pool() -> None:
    state = a_queue(either("j", on_dcu(16)))
    fill(state, NPU)
    fill(state, DCU)

    found = ranking(state, 1, "j")

    assert found is not None
    assert [(use.pool.id, use.needed) for use in found.pools] == [(NPU, 8), (DCU, 16)]


def a_grant(job_id: str, placement: Placement) -> Grant:
    """It holds what an hour of these cards costs."""
    price_micros = dict(PARK_PRICES.on_demand)[placement.device_kind_id]
    return Grant(
        job_id=job_id, placement=placement, hold_micros=placement.card_count * price_micros
    )


@pytest.mark.parametrize(
    ("placement", "flaws"),
    [
        (a_placement(DCU, 8, 8), 0),
        (a_placement(NPU, 8), 0),
        (a_placement(DCU, 8), 1),
        (a_placement(NPU, 8, 8), 1),
    ],
)
def test_a_grant_is_exactly_one_of_its_forms(placement: Placement, flaws: int) -> None:
    grant = a_grant("j", placement)

    _, found = verified(a_queue(either()), Plan(grants=(grant,), verdicts={}), 0, DEFAULT)

    assert len(found) == flaws


def test_the_verifier_counts_the_cards_of_the_variant_in_its_quota() -> None:
    state = a_state(a_tenant("steel", max_cards=15), park=PARK)
    submit(state, either())
    grant = a_grant("j", a_placement(DCU, 8, 8))

    _, flaws = verified(state, Plan(grants=(grant,), verdicts={}), 0, DEFAULT)

    assert "may take 15 cards more" in flaws[0]


def test_what_one_grant_of_a_plan_takes_is_gone_for_the_next() -> None:
    state = a_state(a_tenant("steel", max_cards=20), park=PARK)
    submit(state, either("a"), either("b"))
    grants = [a_grant("a", a_placement(DCU, 8, 8)), a_grant("b", a_placement(NPU, 8))]

    _, flaws = verified(state, Plan(grants=tuple(grants), verdicts={}), 0, DEFAULT)

    assert [flaw.rpartition(": ")[2] for flaw in flaws] == ["steel may take 4 cards more"]


def test_an_owner_takes_back_as_much_as_its_variant_needs() -> None:
    """Of 16 cards of dcu 8 are its own: 16 are more than that, and its variant is 8."""
    owner, borrower = a_tenant("a", nominal_cards=(("dcu", 8),)), a_tenant("b")
    state = a_state(owner, borrower, park=PARK)
    submit(state, a_job("x", tenant_id="b", device_count=16, device_kind_ids=("dcu",)))
    run(state, "x", a_placement(DCU, 8, 8))
    wide = either("w", on_dcu(8), tenant_id="a", limit_ms=9 * HOUR_MS)
    submit(state, replace(wide, device_count=16, device_kind_ids=("dcu",)))

    result = plan(state, HOUR_MS // 2)

    assert [(one.attempt_id, len(one.node_ids)) for one in result.evictions] == [("x.1", 1)]
    assert verified(state, result, HOUR_MS // 2, DEFAULT) == (result, ())


# Who has waited for too long.

LATE_MS = 100 * HOUR_MS


def waits(job_id: str, cards: int, *variants: int) -> Job:
    job = a_job(job_id, device_count=cards)
    return replace(job, variants=tuple(on_dcu(count) for count in variants))


def test_who_fits_its_quota_as_a_variant_alone_may_starve() -> None:
    state = a_state(a_tenant("steel", max_cards=8), park=PARK)
    submit(state, waits("never", 16), waits("j", 16, 4))

    assert starving(state, LATE_MS).job_ids == {"j"}


def test_of_its_tenants_share_it_has_what_it_runs_on() -> None:
    """The park has 32 cards, of which it has 16; those that wait take the others."""
    state = a_queue(waits("fed", 8, 16), waits("a", 16), waits("b", 8))
    happen(state, replace(a_lease("fed", a_placement(DCU, 8, 8)), is_starving=True))
    happen(state, ev.Started(at_ms=0, attempt_id="fed.1"))

    assert starving(state, LATE_MS).job_ids == {"fed", "a"}


def test_a_quote_says_how_long_the_likes_of_a_job_run_at_the_speed_of_each_form() -> None:
    """Four of its user ran for 10 h on 8 cards; on the other kind it runs half as fast."""
    state, now_ms = a_state(park=PARK), 0
    for number in range(4):
        job = a_job(f"p{number}", device_count=8, limit_ms=20 * HOUR_MS, submitted_at_ms=now_ms)
        submit(state, job)
        run(state, job.id, a_placement(NPU, 8), at_ms=now_ms)
        now_ms += 10 * HOUR_MS
        end(state, f"p{number}.1", now_ms)
    asked = a_job("q", device_count=8, limit_ms=20 * HOUR_MS, submitted_at_ms=now_ms)

    found = what_if(state, now_ms, replace(asked, variants=(on_dcu(4, hours=40, speed=500),)))

    assert {(one.form.device_count, one.run_ms) for one in found} == {
        (8, 10 * HOUR_MS),
        (4, 20 * HOUR_MS),
    }


def test_a_quota_is_kept_for_a_job_whose_other_form_has_no_hope() -> None:
    """Six of eight cards are free of quota; the other form's centre is silent."""
    state = a_state(a_tenant("steel", max_cards=8), park=PARK)
    happen(state, ev.CentreLinkChanged(at_ms=0, centre_id="north", is_heard=False))
    submit(state, a_job("s", device_count=2))
    run(state, "s", a_placement(NPU, 2))
    big = a_job("big", device_count=8, submitted_at_ms=1)
    small = (
        a_job(f"x{n}", device_count=1, submitted_at_ms=2 + n, limit_ms=50 * HOUR_MS)
        for n in range(3)
    )
    submit(state, replace(big, variants=(on_dcu(4),)), *small)

    assert plan(state, 1_000).grants == ()


def test_a_plan_of_grants_makes_room_for_who_owns_on_one_of_its_kinds() -> None:
    owner = a_tenant("steel", max_cards=64, nominal_cards=(("npu", 16),))
    state = a_state(owner, a_tenant("fish"), a_tenant("coal"), park=PARK)
    held = [(NPU, (8,)), (NPU, (0, 8)), (DCU, (8,)), (DCU, (0, 8))]
    for number, (pool_id, cards) in enumerate(held):
        kind = pool_id.split("-")[1]
        job = a_job(f"f{number}", tenant_id="fish", device_kind_ids=(kind,))
        submit(state, replace(job, limit_ms=10 * HOUR_MS))
        run(state, job.id, a_placement(pool_id, *cards))
    submit(state, a_job("c", tenant_id="coal", submitted_at_ms=1))
    submit(state, replace(a_job("own", submitted_at_ms=2), variants=(on_dcu(8),)))

    whole, grants = (plan(state, HOUR_MS, DEFAULT, answers) for answers in Answers)

    assert [one.job_id for one in whole.evictions] == ["own"]
    assert grants.evictions == whole.evictions
