"""What may be declared while work runs: the park, tenants, prices, payments."""

from dataclasses import replace

import pytest

from accounting.money import yuan_of_micros
from accounting.prices.rating import PriceList
from cluster.inventory import Pool
from scheduler.facts import events as ev
from scheduler.facts.metering import slices
from scheduler.facts.purses import MAX_BALANCE_MICROS
from scheduler.facts.state import State
from scheduler.model.job import EndCause
from tests.builders import (
    PARK,
    PARK_PRICES,
    TENANT,
    YUAN,
    a_class,
    a_dataset,
    a_job,
    a_kind,
    a_lease,
    a_park,
    a_placement,
    a_pool,
    a_state,
    a_tenant,
    happen,
    refused,
    submit,
    with_data,
)

RICH = 10**12


def a_busy_state() -> State:
    """`j1` of steel holds both nodes of east-npu since moment 0."""
    state = a_state()
    submit(state, a_job(device_count=16))
    happen(state, a_lease("j1", a_placement("east-npu", 8, 8)))
    happen(state, ev.Started(at_ms=0, attempt_id="j1.1"))
    return state


def prices(list_id: str, from_ms: int, *classes: str, kinds: str = "npu dcu gpu") -> PriceList:
    return replace(
        PARK_PRICES,
        id=list_id,
        from_ms=from_ms,
        on_demand=tuple((kind, 1) for kind in kinds.split()),
        class_permille=tuple((name, 1_000) for name in classes),
    )


def published(price_list: PriceList, at_ms: int = 0) -> ev.PriceListPublished:
    return ev.PriceListPublished(at_ms=at_ms, price_list=price_list)


# The park.


def test_a_larger_park_has_more_to_give() -> None:
    state = a_busy_state()
    larger = a_park(a_pool("east-npu", 3, 8), a_pool("south-dcu", 1, 4))

    happen(state, ev.ParkDeclared(at_ms=1, park=larger))

    assert state.free_cards == {
        "east-npu-n001": 0,
        "east-npu-n002": 0,
        "east-npu-n003": 8,
        "south-dcu-n001": 4,
    }
    assert state.holdings.allocated_tflops == {"east": 16 * 313, "south": 0}


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        ((a_pool("east-npu", 1, 8),), "east-npu-n002"),
        ((a_pool("east-npu", 2, 4),), "east-npu-n001"),
        ((replace(a_pool("east-npu", 2, 8), device_kind_id="dcu"),), "j1.1"),
        ((replace(a_pool("east-npu", 2, 8), centre_id="west"),), "j1.1"),
        ((a_pool("south-dcu", 1, 4),), "has no pool east-npu of npu"),
    ],
    ids=["a node less", "fewer cards", "another kind", "another centre", "no such pool"],
)
def test_a_park_keeps_what_is_in_use(pools: tuple[Pool, ...], said: str) -> None:
    smaller = ev.ParkDeclared(at_ms=1, park=a_park(*pools))

    assert said in refused(a_busy_state(), smaller)


def test_a_park_keeps_the_device_kinds_in_use() -> None:
    kinds = tuple(kind for kind in PARK.device_kinds if kind.id != "npu")

    asked = ev.ParkDeclared(at_ms=1, park=replace(PARK, device_kinds=kinds))

    assert "j1.1" in refused(a_busy_state(), asked)


@pytest.mark.parametrize("tflops", [1, 320])
def test_a_kind_stated_anew_while_it_is_used_counts_so_from_then_on(tflops: int) -> None:
    state = a_busy_state()
    kinds = (a_kind("npu", tflops), *PARK.device_kinds[1:])
    park = replace(PARK, device_kinds=kinds, stated_tflops=10**9)
    park = replace(park, centres=tuple(replace(c, stated_tflops=10**8) for c in park.centres))

    happen(state, ev.ParkDeclared(at_ms=500, park=park))

    share = state.shares["steel"]
    assert (share.rate, share.at_ms) == (16 * tflops, 500)
    assert share.used == pytest.approx(16 * 313 * 500, rel=1e-5)
    assert state.holdings.allocated_tflops["east"] == 16 * tflops
    over = ev.Ended(at_ms=900, attempt_id="j1.1", cause=EndCause.FINISHED, exit_code=0)
    happen(state, over)
    assert state.shares["steel"].rate == 0


# Tenants.


def test_a_new_credit_limit_moves_what_is_available_by_the_difference() -> None:
    state = a_state(a_tenant("steel", credit_limit_micros=5 * YUAN))
    assert state.funds["steel"].available_micros == RICH + 5 * YUAN

    changed = a_tenant("steel", credit_limit_micros=2 * YUAN, max_cards=3)
    happen(state, ev.TenantDeclared(at_ms=1, tenant=changed))

    assert state.funds["steel"].available_micros == RICH + 2 * YUAN
    assert state.tenants["steel"].max_cards == 3


def test_a_tenant_that_changes_keeps_what_it_holds_and_used() -> None:
    state = a_busy_state()

    happen(state, ev.TenantDeclared(at_ms=1, tenant=a_tenant("steel", max_cards=1)))

    assert state.held_cards == {"steel": 16}
    assert state.shares["steel"].rate == 16 * 313


def test_a_tenants_class_must_be_in_the_price_list() -> None:
    gold = ev.TenantDeclared(at_ms=0, tenant=a_tenant("steel", price_class="gold"))

    assert "price class gold" in refused(a_state(), gold)


@pytest.mark.parametrize("classes", [("standard",), ("standard", "gold")])
def test_a_tenants_class_must_be_in_the_list_in_force_and_in_those_to_come(
    classes: tuple[str, ...],
) -> None:
    others = {"standard", "gold"}.difference(classes) or {"gold"}
    now, later = prices("now", 0, *classes), prices("later", 100, "standard", *others)
    state = a_state(prices=(now,))
    happen(state, published(later))

    gold = ev.TenantDeclared(at_ms=1, tenant=a_tenant("steel", price_class="gold"))

    if "gold" in classes:
        happen(state, gold)
    else:
        assert "price class gold" in refused(state, gold)


def test_what_runs_keeps_its_class_and_each_list_to_come_must_name_it() -> None:
    state = a_busy_state()
    happen(state, published(prices("both", 100, "standard", "gold")))
    happen(state, ev.TenantDeclared(at_ms=200, tenant=a_tenant("steel", price_class="gold")))

    assert "standard" in refused(state, published(prices("gold", 300, "gold")))
    happen(state, *slices(state, state.live["j1.1"], 400, 400))
    over = ev.Ended(at_ms=400, attempt_id="j1.1", cause=EndCause.FINISHED, exit_code=0)
    happen(state, over, published(prices("gold", 500, "gold")))


# Prices.


def test_the_first_list_may_begin_in_the_past_and_no_other() -> None:
    state = a_state(prices=())
    happen(state, published(PARK_PRICES, at_ms=1_000))

    late = published(prices("late", 999, "standard"), at_ms=1_000)

    assert "in the past" in refused(state, late)
    happen(state, published(prices("late", 1_000, "standard"), at_ms=1_000))


@pytest.mark.parametrize(
    "incomplete",
    [
        prices("x", 9, "standard", kinds="npu gpu"),
        prices("x", 9, "gold"),
        replace(prices("x", 9, "standard"), qos_permille=(("low", 1), ("normal", 1))),
    ],
    ids=["a kind", "a class", "a priority"],
)
def test_a_list_names_every_kind_class_and_priority(incomplete: PriceList) -> None:
    assert "has no entry for" in refused(a_state(), published(incomplete))


def test_a_list_begins_after_the_last_one() -> None:
    again = published(prices("again", 0, "standard"))

    assert "at or before" in refused(a_state(), again)


# Money.


def test_a_payment_counts_once() -> None:
    state = a_state()
    paid = ev.Credited(at_ms=1, tenant_id="steel", amount_micros=7, reference="r")

    happen(state, paid)

    assert state.funds["steel"].available_micros == RICH + 7
    assert "booked already" in refused(state, paid)


def test_no_balance_outgrows_what_the_ledger_can_hold() -> None:
    """What is held counts as well: it is the tenant's until it is spent."""
    state = a_state()
    submit(state, a_job(device_count=16))
    happen(state, a_lease("j1", a_placement("east-npu", 8, 8), hold_micros=RICH // 2))
    room = MAX_BALANCE_MICROS - RICH
    paid = ev.Credited(at_ms=1, tenant_id="steel", amount_micros=room + 1, reference="r")

    told = f"at most 4,000,000,000,000 yuan: {yuan_of_micros(room)} yuan may be paid in"
    assert told in refused(state, paid)
    happen(state, replace(paid, amount_micros=room))
    more = replace(paid, amount_micros=1, reference="s")
    assert "4,000,000,000,000 yuan: 0.00 yuan may be paid in" in refused(state, more)
    assert MAX_BALANCE_MICROS * 2 < 1 << 63


def test_nobody_pays_in_nothing_or_for_nobody() -> None:
    paid = ev.Credited(at_ms=1, tenant_id="steel", amount_micros=0, reference="r")

    assert "more than zero" in refused(a_state(), paid)
    assert "more than zero" in refused(a_state(), replace(paid, amount_micros=-1))
    assert "no tenant" in refused(a_state(), replace(paid, tenant_id="x", amount_micros=1))


def test_a_voucher_has_something_back() -> None:
    back = ev.Credited(
        at_ms=1,
        tenant_id="steel",
        amount_micros=-7,
        reference="voucher:v1@2026-10:returned",
        voucher_id="v1",
        voucher_month="2026-10",
    )
    state = a_state()
    available_micros = state.funds["steel"].available_micros

    happen(state, back)

    assert state.funds["steel"].available_micros == available_micros - 7


def test_what_was_declared_before_the_park_holds_in_it() -> None:
    state = State()
    happen(state, ev.TenantDeclared(at_ms=0, tenant=TENANT), published(PARK_PRICES))

    happen(state, ev.ParkDeclared(at_ms=0, park=PARK))

    assert state.held_cards == {"steel": 0}


def test_a_dataset_that_is_declared_takes_the_place_of_the_one_of_its_id() -> None:
    park = with_data(a_dataset("web", "east"), a_dataset("scans", "east"))
    state = a_state(park=park)

    happen(state, ev.DatasetDeclared(at_ms=1, dataset=a_dataset("web", "north", ms=9)))
    happen(state, ev.DatasetDeclared(at_ms=2, dataset=a_dataset("new", "east", "north")))

    assert state.park is not None
    assert [(one.id, one.centre_ids) for one in state.park.datasets] == [
        ("web", ("north",)),
        ("scans", ("east",)),
        ("new", ("east", "north")),
    ]
    assert State.restored(state.snapshot()).park == state.park
    assert state.park.transfer_ms(state.park.dataset_by_id["web"], "east") == 9


def test_a_dataset_is_where_it_may_be_and_of_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no park" in str(
        State().apply(ev.DatasetDeclared(at_ms=1, dataset=a_dataset("web", "east")))
    )
    state = a_state(park=with_data(classes=[a_class("medical", "east")]))
    for dataset, why in (
        (a_dataset("web", "nowhere"), "centre nowhere is not among centres"),
        (a_dataset("web", "east", data_class="odd"), "data_class odd is not among"),
        (a_dataset("web", "north", data_class="medical"), "may be in east alone"),
        (replace(a_dataset("web", "east"), tenant_id="odd"), "tenant odd is not among tenants"),
    ):
        assert why in refused(state, ev.DatasetDeclared(at_ms=1, dataset=dataset))
    monkeypatch.setattr("scheduler.facts.declarations.DATASETS_MAX", 0)
    wish = ev.DatasetDeclared(at_ms=1, dataset=a_dataset("web", "east"))
    assert "as many as it may" in refused(state, wish)


def test_a_dataset_is_not_declared_away_from_who_reads_it() -> None:
    park = with_data(a_dataset("web", "east"), classes=[a_class("medical", "north")])
    state = a_state(park=park)
    submit(state, replace(a_job(device_count=8), data_ids=("web",)))
    happen(state, a_lease("j1", a_placement("east-npu", 8)))

    medical = a_dataset("web", "north", data_class="medical")

    assert "where it runs" in refused(state, ev.DatasetDeclared(at_ms=1, dataset=medical))
