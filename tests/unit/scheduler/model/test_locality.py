"""A job goes where its data may be, and of such pools where it has its data first."""

from dataclasses import replace

import pytest
from typing_extensions import Unpack

from accounting.prices.rating import PriceBook
from cluster.inventory import Park
from scheduler.asking.alternatives import Change, alternatives
from scheduler.asking.whatif import what_if
from scheduler.facts import events as ev
from scheduler.facts.state import State
from scheduler.model.job import Checkpoint, Job, PlannedStart, Priority, Reason, ReasonCode
from scheduler.model.plan import Grant, Verdict
from scheduler.model.policy import DEFAULT, POLICY_BY_NAME, Policy
from scheduler.model.tree import Tree
from scheduler.placing.placement import candidate_pools, impossible, misfits, shape_of
from scheduler.planning.planner import plan
from scheduler.storage.codec import decode_job, encode_job
from tests.builders import (
    HOUR_MS,
    PARK,
    PARK_PRICES,
    JobChanges,
    a_class,
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

MEDICAL = a_class("medical", "north")
SCANS = a_dataset("scans", "north", data_class="medical")
WEB = a_dataset("web", "east")
DATA_PARK = with_data(SCANS, WEB, a_dataset("both", "east", "north"), classes=[MEDICAL])


def pool_ids(job: Job, park: Park = DATA_PARK) -> list[str]:
    return [pool.id for pool in candidate_pools(shape_of(job), park)]


# Where it may be.


@pytest.mark.parametrize(
    ("changes", "pools"),
    [
        ({}, ["east-npu", "east-gpu", "north-npu", "north-dcu"]),
        ({"data_class": "medical"}, ["north-npu", "north-dcu"]),
        ({"data_ids": ("scans",)}, ["north-npu", "north-dcu"]),
        ({"data_ids": ("scans", "both")}, ["north-npu", "north-dcu"]),
        ({"data_ids": ("scans", "web")}, ["north-npu", "north-dcu"]),
        ({"data_class": "medical", "centre_ids": ("east",)}, []),
        ({"data_class": "medical", "centre_ids": ("east", "north")}, ["north-npu", "north-dcu"]),
        ({"data_class": "gone"}, []),
        ({"data_ids": ("both", "gone")}, []),
    ],
)
def test_pools_are_those_that_each_class_of_its_data_allows(
    changes: JobChanges, pools: list[str]
) -> None:
    assert pool_ids(replace(a_job(device_kind_ids=()), **changes)) == pools


def test_of_two_classes_both_must_allow_it() -> None:
    one, other = a_class("one", "east", "north"), a_class("other", "north", "west")
    park = with_data(a_dataset("d", "north", data_class="one"), classes=[one, other])
    job = a_job(data_ids=("d",), data_class="other")

    assert pool_ids(job, park) == ["north-npu"]


# What could never run.


def why_never(**changes: Unpack[JobChanges]) -> list[tuple[ReasonCode, str, str]]:
    book = PriceBook((PARK_PRICES,))
    theirs = replace(WEB, id="theirs", tenant_id="fish")
    own = replace(WEB, id="own", tenant_id="steel")
    park = replace(DATA_PARK, datasets=(*DATA_PARK.datasets, theirs, own))
    reasons = impossible(a_job(**changes), park, Tree({"steel": a_tenant("steel")}), book, 0)
    return [(reason.code, reason.where, reason.detail) for reason in reasons]


def test_a_dataset_that_is_not_there_or_another_tenants_is_unknown() -> None:
    known = "known: both, own, scans, web"

    assert why_never(data_ids=("own", "both")) == []
    assert why_never(data_ids=("own", "gone")) == [(ReasonCode.UNKNOWN_DATA, "gone", known)]
    assert why_never(data_ids=("theirs",)) == [(ReasonCode.UNKNOWN_DATA, "theirs", known)]


def test_an_unknown_class_is_named() -> None:
    unknown = (ReasonCode.UNKNOWN_DATA_CLASS, "secret", "known: medical")

    assert why_never(data_class="secret") == [unknown]


def test_of_very_many_words_that_are_known_some_are_told() -> None:
    datasets = (a_dataset(f"d{number:03}", "east") for number in range(60))
    park, tenants = with_data(*datasets), Tree({"steel": a_tenant("steel")})

    (why,) = impossible(a_job(data_ids=("x",)), park, tenants, PriceBook((PARK_PRICES,)), 0)

    assert why.detail.startswith("known: d000, d001")
    assert why.detail.endswith("d049, and 10 more")


def test_where_no_centre_is_left_each_class_is_named_with_its_centres() -> None:
    never = [(ReasonCode.DATA_NOT_ALLOWED, "medical", "north")]

    assert why_never(data_ids=("scans",), centre_ids=("east",)) == never
    assert why_never(data_class="medical", device_kind_ids=("gpu",)) == never


def test_what_is_too_big_for_the_pools_that_are_left_is_told_why_no_others_are() -> None:
    assert why_never(data_class="medical", device_count=16) == [
        (ReasonCode.TOO_BIG, "north-npu", ""),
        (ReasonCode.DATA_NOT_ALLOWED, "medical", "north"),
    ]


def test_a_waiting_job_whose_data_has_left_the_park_is_told_so() -> None:
    state = a_state(park=DATA_PARK)
    submit(state, a_job(data_ids=("web",), data_class="medical"))
    happen(state, ev.ParkDeclared(at_ms=1, park=PARK))

    (verdict,) = plan(state, 1).verdicts.values()

    assert verdict.reasons == (
        Reason(code=ReasonCode.UNKNOWN_DATA_CLASS, where="medical"),
        Reason(code=ReasonCode.UNKNOWN_DATA, where="web"),
    )
    assert misfits(shape_of(a_job(data_ids=("web",))), PARK) == verdict.reasons[1:]


# Where it goes.


def test_of_equals_the_pool_with_less_to_come_is_first_and_then_the_preferred() -> None:
    small, large = a_dataset("small", "east", ms=1), a_dataset("large", "north", ms=2)
    park = with_data(small, large)
    any_kind = a_job(device_kind_ids=(), data_ids=("small", "large"))

    assert pool_ids(any_kind, park) == ["north-npu", "north-dcu", "east-npu", "east-gpu"]
    by_kind = replace(any_kind, device_kind_ids=("gpu", "dcu", "npu"))
    assert pool_ids(by_kind, park) == ["north-dcu", "north-npu", "east-gpu", "east-npu"]


def test_what_comes_from_two_centres_comes_one_after_the_other() -> None:
    park = with_data(a_dataset("a", "east", ms=30), a_dataset("b", "north", ms=40))

    (north, east, *_) = what_if(a_state(park=park), 0, a_job(data_ids=("a", "b")))

    assert [(one.pool.id, one.transfer_ms) for one in (north, east)] == [
        ("north-npu", 30),
        ("east-npu", 40),
    ]
    assert (north.ready_ms, east.ready_ms) == (30, 40)


def two_centres(busy_ms: int, park: Park | None = None) -> State:
    """A pool of 8 in each; the home of `web`, an hour from the other, is busy for so long."""
    pools = a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8))
    state = a_state(park=park or with_data(WEB, park=pools))
    submit(state, a_job("runs", limit_ms=busy_ms))
    happen(state, a_lease("runs", a_placement("east-npu", 8)))
    return state


def answer(state: State, job_id: str = "reads", policy: Policy = DEFAULT) -> Grant | Verdict:
    drawn_up = plan(state, 0, policy)
    grants = {grant.job_id: grant for grant in drawn_up.grants}
    return grants.get(job_id) or drawn_up.verdicts[job_id]


def test_it_waits_at_home_where_it_is_ready_as_soon_as_elsewhere() -> None:
    state = two_centres(HOUR_MS)
    submit(state, a_job("reads", data_ids=("web",)))

    verdict = answer(state)

    assert isinstance(verdict, Verdict)
    assert verdict.start == PlannedStart(HOUR_MS, "east-npu", is_promised=True)
    busy, far = verdict.reasons
    assert (busy.code, busy.where) == (ReasonCode.DEVICES_BUSY, "east-npu")
    assert far == Reason(
        code=ReasonCode.NEARER_DATA,
        where="north-npu",
        need=HOUR_MS,
        unit="ms",
        until_ms=HOUR_MS,
        detail="east-npu",
    )
    first, second = what_if(state, 0, a_job("asked", data_ids=("web",), submitted_at_ms=-1))
    assert (first.pool.id, first.start_ms, first.is_promised) == ("east-npu", HOUR_MS, True)
    assert (second.pool.id, second.start_ms, second.reasons) == ("north-npu", 0, (far,))


def test_it_goes_elsewhere_where_it_is_ready_sooner_in_spite_of_the_transfer() -> None:
    state = two_centres(HOUR_MS + 1)
    submit(state, a_job("reads", data_ids=("web",)))

    grant = answer(state)

    assert isinstance(grant, Grant)
    assert grant.placement.pool_id == "north-npu"
    first, second = what_if(state, 0, state.jobs["reads"].job)
    assert (first.pool.id, first.reasons, first.transfer_ms) == ("north-npu", (), HOUR_MS)
    assert (second.pool.id, second.start_ms) == ("east-npu", HOUR_MS + 1)


def test_some_of_its_data_has_to_come_wherever_it_is() -> None:
    """In half an hour to the east, in an hour to the north, where it could start now."""
    pools = a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8))
    park = with_data(WEB, a_dataset("small", "north", ms=HOUR_MS // 2), park=pools)
    answers = {}
    for busy_ms in (HOUR_MS // 2, HOUR_MS // 2 + 1):
        state = two_centres(busy_ms, park)
        submit(state, a_job("reads", data_ids=("web", "small")))
        answers[busy_ms] = answer(state)

    soon, late = answers.values()

    assert isinstance(soon, Verdict)
    assert isinstance(late, Grant)
    assert late.placement.pool_id == "north-npu"


def test_behind_another_who_is_promised_its_home_it_goes_elsewhere() -> None:
    """When it would start at home is not known while a plan is made, and may be late."""
    state = two_centres(HOUR_MS)
    submit(state, a_job("ahead", data_ids=("web",)), a_job("reads", data_ids=("web",)))

    assert isinstance(answer(state, "ahead"), Verdict)
    assert isinstance(answer(state), Grant)


def test_what_needs_no_data_is_not_held_up_by_it() -> None:
    state = two_centres(1)
    submit(state, a_job("reads"))

    assert isinstance(answer(state), Grant)


def test_who_keeps_no_promises_goes_where_there_is_room() -> None:
    state = two_centres(1)
    submit(state, a_job("reads", data_ids=("web",)))

    grant = answer(state, policy=POLICY_BY_NAME["fifo"])

    assert isinstance(grant, Grant)
    assert grant.placement.pool_id == "north-npu"


def test_a_promise_is_where_it_is_ready_first() -> None:
    """The other pool comes free half an hour sooner, and an hour is lost there."""
    state = two_centres(2 * HOUR_MS)
    submit(state, a_job("too", limit_ms=HOUR_MS + HOUR_MS // 2))
    happen(state, a_lease("too", a_placement("north-npu", 8)))
    submit(state, a_job("reads", data_ids=("web",)))

    verdict = answer(state)

    assert isinstance(verdict, Verdict)
    assert verdict.start == PlannedStart(2 * HOUR_MS, "east-npu", is_promised=True)
    first, second = what_if(state, 0, a_job("asked", data_ids=("web",), submitted_at_ms=-1))
    assert (first.pool.id, second.pool.id) == ("east-npu", "north-npu")


def test_an_estimate_is_where_it_is_ready_first() -> None:
    """Somebody is promised each pool: `first` until 3:00 at home, `second` until 2:30."""
    state = two_centres(2 * HOUR_MS)
    submit(state, a_job("too", limit_ms=HOUR_MS + HOUR_MS // 2))
    happen(state, a_lease("too", a_placement("north-npu", 8)))
    submit(state, a_job("first", centre_ids=("east",)), a_job("second", centre_ids=("north",)))
    submit(state, a_job("reads", data_ids=("web",), submitted_at_ms=1))

    verdict = answer(state)

    assert isinstance(verdict, Verdict)
    assert verdict.start == PlannedStart(3 * HOUR_MS, "east-npu")


def test_an_estimate_counts_what_has_to_come_to_each_pool() -> None:
    """At home from 3:00 on, and half an hour for the rest; elsewhere from 2:15 on, and an hour."""
    pools = a_park(a_pool("east-npu", 1, 8), a_pool("north-npu", 1, 8))
    park = with_data(WEB, a_dataset("small", "north", ms=HOUR_MS // 2), park=pools)
    state = two_centres(2 * HOUR_MS, park)
    submit(state, a_job("too", limit_ms=HOUR_MS + HOUR_MS // 4))
    happen(state, a_lease("too", a_placement("north-npu", 8)))
    submit(state, a_job("first", centre_ids=("east",)), a_job("second", centre_ids=("north",)))
    submit(state, a_job("reads", data_ids=("web", "small"), submitted_at_ms=1))

    verdict = answer(state)

    assert isinstance(verdict, Verdict)
    assert verdict.start == PlannedStart(2 * HOUR_MS + HOUR_MS // 4, "north-npu")


def test_nobody_is_stopped_far_away_for_who_is_ready_as_soon_at_home() -> None:
    state = two_centres(HOUR_MS)
    low = a_job("low", priority=Priority.LOW, limit_ms=99 * HOUR_MS)
    submit(state, replace(low, checkpoint=Checkpoint(dir="c", signal="SIGUSR1", grace_ms=1)))
    lease = a_lease("low", a_placement("north-npu", 8))
    happen(state, lease, ev.Started(at_ms=0, attempt_id="low.1"))
    submit(state, a_job("reads", data_ids=("web",)))

    with_home = plan(state, HOUR_MS // 2)
    happen(state, ev.CentreLinkChanged(at_ms=0, centre_id="east", is_heard=False))
    without = plan(state, HOUR_MS // 2)

    assert with_home.evictions == ()
    assert [eviction.attempt_id for eviction in without.evictions] == ["low.1"]


def test_more_data_to_come_is_no_sooner_start() -> None:
    """Its home is promised to another; what any place would bring is not worth the transfer."""
    park = with_data(a_dataset("web", "east", ms=9 * HOUR_MS), park=two_centres(1).park or PARK)
    state = two_centres(HOUR_MS, park)
    submit(state, a_job("first", centre_ids=("east",)))
    job = a_job("reads", data_ids=("web",), centre_ids=("east",), submitted_at_ms=1)
    submit(state, job)

    found = alternatives(job, 0, lambda changed: what_if(state, 0, changed))
    without = replace(job, data_ids=())
    free = alternatives(without, 0, lambda changed: what_if(state, 0, changed))

    assert Change.PLACE not in {one.change for one in found}
    assert Change.PLACE in {one.change for one in free}


# In the log.


def test_a_job_of_a_log_from_before_reads_nothing() -> None:
    body = encode_job(a_job())
    for name in ("data_ids", "data_class"):
        del body[name]

    assert decode_job(body) == a_job()
    reads = a_job(data_ids=("web",), data_class="medical")
    assert decode_job(encode_job(reads)) == reads
