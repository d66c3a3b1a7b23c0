"""Jobs on cores: placed like jobs on cards, and never counted as such."""

from dataclasses import replace
from functools import partial

import pytest

from accounting.prices.rating import PriceBook
from api.answers.reasons import Language, amount, text
from cluster.devices import Unit
from scheduler.asking.alternatives import Change, alternatives
from scheduler.asking.loads import loads
from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.metering import book, slices
from scheduler.facts.state import State
from scheduler.model.cores import is_mixed
from scheduler.model.entitlements import Entitlements
from scheduler.model.job import Job, ReasonCode, Variant
from scheduler.model.limits import limit_problems
from scheduler.model.policy import DEFAULT
from scheduler.model.promises import promise_problems
from scheduler.model.tenancy import P
from scheduler.model.tree import Tree
from scheduler.placing.placement import impossible
from scheduler.planning.planner import plan
from scheduler.planning.verifier import verified
from scheduler.sharing.starving import starving
from tests.builders import (
    CORE,
    HOUR_MS,
    PARK_PRICES,
    TFLOPS_BY_KIND,
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

PARK = a_park(a_pool("east-npu", 2, 8), a_pool("east-core", 2, 64))
PRICES = replace(PARK_PRICES, on_demand=(*PARK_PRICES.on_demand, ("core", 36_000)))
"""A core costs 0.036 yuan an hour: a hundredth of a micro-yuan a millisecond."""


def on_cores(job_id: str = "j1", cores: int = 16, tenant_id: str = "steel") -> Job:
    return a_job(job_id, device_kind_ids=("core",), device_count=cores, tenant_id=tenant_id)


def a_queue(*jobs: Job, max_cards: int = 8) -> State:
    tenants = a_tenant("steel", max_cards=max_cards), a_tenant("fish")
    state = a_state(*tenants, park=PARK, prices=(PRICES,))
    submit(state, *jobs)
    return state


def run(state: State, job: Job, *cores: int) -> None:
    submit(state, job)
    happen(state, a_lease(job.id, a_placement(f"east-{job.device_kind_ids[0]}", *cores)))
    happen(state, ev.Started(at_ms=0, attempt_id=f"{job.id}.1"))


def pools(state: State) -> dict[str, str]:
    return {grant.job_id: grant.placement.pool_id for grant in plan(state, 0).grants}


def test_who_names_a_kind_of_cores_is_placed_there() -> None:
    assert pools(a_queue(on_cores())) == {"j1": "east-core"}


def test_who_names_no_kind_is_on_cards() -> None:
    anywhere = a_job(device_kind_ids=(), device_count=64)

    (why,) = impossible(anywhere, PARK, a_queue(max_cards=64).tree, PriceBook((PRICES,)), 0)

    assert (why.code, why.where) == (ReasonCode.TOO_BIG, "east-npu")


def test_cores_are_not_taken_from_a_quota_of_cards() -> None:
    """With a quota of 8 cards: 128 cores and 8 cards run, and a ninth card waits."""
    state = a_queue(on_cores("c1", 64), a_job("k1", device_count=8))
    run(state, on_cores("c2", 64), 0, 64)

    assert pools(state) == {"c1": "east-core", "k1": "east-npu"}
    assert state.held_cards["steel"] == 0
    result = plan(state, 0)
    assert verified(state, result, 0, DEFAULT)[1] == ()
    happen(state, *(a_lease(one.job_id, one.placement) for one in result.grants))
    submit(state, a_job("k2", device_count=1))
    assert [reason.code for reason in plan(state, 0).verdicts["k2"].reasons] == [
        ReasonCode.TENANT_QUOTA
    ]
    assert state.held_cards["steel"] == 8


def test_cores_have_limits_of_their_own_kind() -> None:
    own = a_tenant("steel", nominal_cards=(("core", 32),), borrowing_cards=(("core", 0),))
    state = a_state(own, park=PARK, prices=(PRICES,))
    submit(state, on_cores("c1", 32), on_cores("c2", 1))

    result = plan(state, 0)

    assert [grant.job_id for grant in result.grants] == ["c1"]
    assert [(one.code, one.unit) for one in result.verdicts["c2"].reasons] == [
        (ReasonCode.TENANT_QUOTA, "cores of core")
    ]


def test_a_nominal_quota_in_p_owns_no_cores() -> None:
    tree = Tree({"steel": replace(a_tenant("steel"), nominal_tflops=1_000)}, (), ())
    entitlements = Entitlements(tree, PARK)

    assert entitlements.units("npu") == ("npu", P)
    assert entitlements.units("core") == ("core",)


def test_nominal_cores_are_not_measured_by_a_quota_of_cards() -> None:
    own = replace(a_tenant("steel", max_cards=8), nominal_cards=(("core", 128), ("npu", 8)))
    tree = Tree({"steel": own}, (), ())

    assert [*promise_problems(tree, PARK), *limit_problems(tree, PARK)] == []
    beyond = replace(own, nominal_cards=(("core", 129),))
    assert [*promise_problems(Tree({"steel": beyond}, (), ()), PARK)] != []


def test_a_core_counts_in_fair_share_as_a_card_of_one_tflops() -> None:
    """Both tenants want all cores: who has had them waits for who has not."""
    assert (CORE.share_tflops, CORE.tflops_fp16, CORE.unit) == (1, 0, Unit.CORE)
    state = a_queue()
    run(state, on_cores("c0", 64), 64)
    submit(state, on_cores("c1", 64), replace(on_cores("f1", 64, "fish"), submitted_at_ms=1))

    assert state.shares["steel"].rate == 64
    assert [grant.job_id for grant in plan(state, 1).grants] == ["f1"]


def test_cores_fill_no_stated_capacity() -> None:
    state = a_queue()
    run(state, on_cores("c0", 64), 64)

    assert state.holdings.allocated_tflops == {"east": 0}
    assert PARK.stated_tflops == 16 * TFLOPS_BY_KIND["npu"]
    (_, load) = loads(state)
    assert (load.tflops, load.registered_cards, load.allocated_cards) == (0, 128, 64)


@pytest.mark.parametrize(
    ("kinds", "variant", "mixed"),
    [
        (("npu", "core"), None, True),
        (("core",), ("npu",), True),
        ((), ("core",), True),
        (("core",), ("core",), False),
        (("npu", "gpu"), (), False),
    ],
)
def test_cards_and_cores_are_no_alternatives(
    kinds: tuple[str, ...], variant: tuple[str, ...] | None, mixed: bool
) -> None:
    variants = (
        ()
        if variant is None
        else (Variant(device_kind_ids=variant, device_count=1, limit_ms=HOUR_MS),)
    )

    assert is_mixed(a_job(device_kind_ids=kinds, variants=variants), PARK) is mixed


def test_of_cards_and_of_cores_a_tenant_has_a_share_each() -> None:
    """All have waited for days: 16 cards are used up by two, which says nothing of cores."""
    cards = [a_job(f"k{number}", device_count=8) for number in (1, 2, 3)]
    state = a_queue(*cards, on_cores("z1", 128), on_cores("z2", 1), max_cards=64)

    assert starving(state, 3 * 24 * HOUR_MS).job_ids == {"k1", "k2", "z1"}


def test_who_starved_for_cores_keeps_its_share_of_them_as_it_runs() -> None:
    state = a_queue(max_cards=64)
    submit(state, on_cores("z1", 128))
    lease = a_lease("z1", a_placement("east-core", 64, 64))
    happen(state, replace(lease, is_starving=True), ev.Started(at_ms=0, attempt_id="z1.1"))
    submit(state, on_cores("z2", 1))

    assert starving(state, 3 * 24 * HOUR_MS).job_ids == {"z1"}


def test_what_runs_on_cores_is_metered_without_tflops() -> None:
    state = a_queue()
    run(state, on_cores("c0", 64), 64)

    *_, made = slices(state, state.live["c0.1"], HOUR_MS, HOUR_MS)
    (usage,) = book(state, made, HOUR_MS).usage

    assert (usage.device_count, usage.tflops, usage.price_micros) == (64, 0, 36_000)
    assert isinstance(made, ev.Metered)
    assert made.charge_micros == 64 * 36_000


def test_cores_without_a_price_are_refused() -> None:
    (why,) = impossible(on_cores(), PARK, a_queue().tree, PriceBook((PARK_PRICES,)), 0)

    assert why.code is ReasonCode.NO_PRICE


def test_a_planned_start_on_cores_waits_for_no_quota_of_cards() -> None:
    """All cores are taken for an hour: `c2` is promised them, and `c3` comes after it."""
    state = a_queue(max_cards=8)
    run(state, on_cores("c0", 64), 64)
    run(state, on_cores("c1", 64), 0, 64)
    submit(state, on_cores("c2", 128), on_cores("c3", 64))

    verdicts = plan(state, 0).verdicts

    starts = [verdicts[one].start for one in ("c2", "c3")]
    assert [start and start.at_ms for start in starts] == [HOUR_MS, 2 * HOUR_MS]


def test_a_kind_of_cards_never_becomes_one_of_cores() -> None:
    state = a_queue()
    turned = tuple(replace(kind, unit=Unit.CARD) for kind in PARK.device_kinds)

    refusal = state.apply(ev.ParkDeclared(at_ms=0, park=replace(PARK, device_kinds=turned)))

    assert refusal == (
        "device kind core is counted in cores, and in the new park in cards: "
        "give what is new another id"
    )


def test_who_waits_for_cores_is_told_how_many_cores() -> None:
    state = a_queue()
    run(state, on_cores("c0", 64), 64)
    run(state, on_cores("c1", 64), 0, 64)
    submit(state, on_cores("c2", 16))

    (told,) = plan(state, 0).verdicts["c2"].reasons

    assert text(told, Language.EN) == "needs 16 cores in east-core: 0 free, 16 short"
    assert text(told, Language.ZH) == "在 east-core 需要 16 个核：空闲 0 个核，还差 16 个核"
    assert [one.reasons[0].unit for one in what_if(state, 0, on_cores("c3", 16))] == ["cores"]
    (never,) = impossible(on_cores("c4", 192), PARK, state.tree, PriceBook((PRICES,)), 0)
    assert text(never, Language.EN) == "needs 192 cores, and east-core has 128 in all: 64 short"


@pytest.mark.parametrize(
    ("unit", "english", "chinese"),
    [("cores", "1 core", "1 个核"), ("cores of cpu-x", "1 cpu-x", "1 个 cpu-x")],
)
def test_an_amount_of_cores_has_its_words(unit: str, english: str, chinese: str) -> None:
    assert amount(1, unit, Language.EN) == english
    assert amount(1, unit, Language.ZH) == chinese


def test_who_waits_for_cores_is_not_told_of_cards() -> None:
    """It would start sooner anywhere else that has cores: in the north."""
    park = a_park(a_pool("east-npu", 2, 8), a_pool("east-core", 1, 64), a_pool("north-core", 1, 64))
    state = a_state(park=park, prices=(PRICES,))
    run(state, on_cores("c0", 64), 64)
    job = replace(on_cores("c1", 64), centre_ids=("east",))

    told = alternatives(job, 0, partial(what_if, state, 0), park.core_kind_ids)

    places = [one.job.device_kind_ids for one in told if one.change is Change.PLACE]
    assert places == [("core",)]
