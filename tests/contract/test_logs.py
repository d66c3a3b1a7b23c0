"""What every `scheduler.facts.log.Log` keeps, whether in memory or in PostgreSQL.

An implementation joins by a `Bed`, see `log_beds`.
"""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from accounting import ledger
from accounting.usage.slices import UsageCredit
from api.database import engine
from cluster.simulated import SimulatedCentre
from scheduler.controller import Controller, Settings
from scheduler.facts import events as ev
from scheduler.facts.log import Cycle, Deposed, Log, Request, Unwritable
from scheduler.facts.record import Snapshot
from scheduler.facts.state import State
from scheduler.model.job import JobState
from tests.builders import (
    PARK,
    PARK_PRICES,
    TENANT,
    USAGE,
    YUAN,
    a_job,
    a_lease,
    a_placement,
    a_state,
    happen,
)
from tests.contract.log_beds import Bed, MemoryBed, SqlBed

LIMIT = 100


@pytest.fixture(params=["memory", "postgresql"])
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    if request.param == "memory":
        yield MemoryBed()
        return
    database = engine(request.getfixturevalue("database_url"))
    yield SqlBed(database)
    database.dispose()


def paid(number: int) -> ev.Credited:
    """An event like any other, that needs nothing before it."""
    return ev.Credited(
        at_ms=number, tenant_id="steel", amount_micros=YUAN, reference=f"payment-{number}"
    )


def cycle(*numbers: int) -> Cycle:
    return Cycle(now_ms=max(numbers, default=0), events=tuple(paid(number) for number in numbers))


def request(number: int) -> Request:
    return Request(id=f"request-{number}", wish=paid(number))


def ids(log: Log, limit: int = LIMIT) -> list[str]:
    return [request.id for request in log.requests(limit)]


def replayed(log: Log) -> list[ev.Event]:
    return list(log.replay()[1])


# One writer.


def test_what_is_committed_is_replayed_in_its_order(bed: Bed) -> None:
    log = bed.writer()
    epoch = log.lead(0)

    log.commit(epoch, cycle(3, 1))
    log.commit(epoch, cycle())
    log.commit(epoch, cycle(2))

    assert replayed(log) == [paid(3), paid(1), paid(2)]
    assert log.replay()[0] == Snapshot()


def test_replaying_takes_nothing_away(bed: Bed) -> None:
    log = bed.writer()
    log.commit(log.lead(0), cycle(1))

    assert replayed(log) == replayed(log) == [paid(1)]


def test_a_new_leader_goes_on_where_the_log_ends(bed: Bed) -> None:
    first = bed.writer()
    first.commit(first.lead(0), cycle(1, 2))

    second = bed.writer()
    second.commit(second.lead(1), cycle(3))

    assert bed.written() == replayed(second) == [paid(1), paid(2), paid(3)]


# One leader at a time.


def test_each_lead_has_a_higher_epoch(bed: Bed) -> None:
    epochs = [bed.writer().lead(now_ms) for now_ms in (0, 0, 5)]

    assert epochs == [1, 2, 3]


def test_a_deposed_leader_writes_nothing(bed: Bed) -> None:
    bed.ask(request(1))
    old, new = bed.writer(), bed.writer()
    epoch = old.lead(0)
    new.lead(0)
    full = Cycle(
        now_ms=0,
        events=(paid(1),),
        request_ids=("request-1",),
        refused={"request-1": "no"},
        usage=(USAGE,),
        transfers=(ledger.top_up("steel", 1, "r", 0),),
    )

    with pytest.raises(Deposed):
        old.commit(epoch, full)

    assert bed.written() == []
    assert bed.booked() == (0, 0, 0)
    assert ids(new) == ["request-1"]
    assert bed.refusal("request-1") is None


def test_a_deposed_leader_keeps_no_checkpoint(bed: Bed) -> None:
    old, new = bed.writer(), bed.writer()
    epoch = old.lead(0)
    new.lead(0)

    with pytest.raises(Deposed):
        old.save(epoch, a_state().snapshot())

    assert new.replay()[0] == Snapshot()


@pytest.mark.parametrize("wrong", [-1, 1])
def test_no_epoch_but_the_leaders_own_will_do(bed: Bed, wrong: int) -> None:
    log = bed.writer()
    epoch = log.lead(0)

    with pytest.raises(Deposed):
        log.commit(epoch + wrong, cycle(1))

    assert bed.written() == []


def test_whoever_is_deposed_may_lead_again(bed: Bed) -> None:
    first, second = bed.writer(), bed.writer()
    first.commit(first.lead(0), cycle(1))
    second.commit(second.lead(0), cycle(2))

    first.commit(first.lead(0), cycle(3))

    assert bed.written() == [paid(1), paid(2), paid(3)]


@pytest.mark.parametrize("seed", range(5))
def test_of_writers_that_depose_one_another_nothing_is_lost_or_written_twice(
    bed: Bed, seed: int
) -> None:
    rng = Random(seed)
    writers = [bed.writer() for _ in range(3)]
    epochs = [writer.lead(0) for writer in writers]
    acknowledged: list[ev.Event] = []

    for number in range(40):
        index = rng.randrange(3)
        if rng.random() < 0.3:
            epochs[index] = writers[index].lead(number)
        try:
            writers[index].commit(epochs[index], cycle(number))
        except Deposed:
            continue
        acknowledged.append(paid(number))

    assert 0 < len(acknowledged) < 40
    assert bed.written() == acknowledged


# All of a cycle or nothing.


@pytest.mark.parametrize(
    "again",
    [
        Cycle(now_ms=2, events=(paid(2),), request_ids=("request-1",), usage=(USAGE,)),
        Cycle(
            now_ms=2,
            events=(paid(2),),
            request_ids=("request-1",),
            transfers=(ledger.top_up("steel", 5, "r", 2),),
        ),
        Cycle(
            now_ms=2,
            events=(paid(2),),
            request_ids=("request-1",),
            usage=(replace(USAGE, reference="new"),),
            credits=(
                UsageCredit(
                    reference="j1.1", tenant_id="steel", at_ms=2, cause="node", recorded_at_ms=2
                ),
            ),
        ),
    ],
    ids=["usage", "transfer", "credit"],
)
def test_what_would_be_booked_twice_takes_its_whole_cycle_with_it(bed: Bed, again: Cycle) -> None:
    bed.ask(request(1))
    log = bed.writer()
    epoch = log.lead(0)
    once = Cycle(
        now_ms=1,
        events=(paid(1),),
        usage=(USAGE,),
        credits=(
            UsageCredit(
                reference="j1.1", tenant_id="steel", at_ms=1, cause="node", recorded_at_ms=1
            ),
        ),
        transfers=(ledger.top_up("steel", 1, "r", 1),),
    )
    log.commit(epoch, once)

    with pytest.raises((AssertionError, Unwritable)):
        log.commit(epoch, again)

    assert bed.written() == [paid(1)]
    assert bed.booked() == (1, 1, 1)
    assert ids(log) == ["request-1"]
    log.commit(epoch, cycle(3))
    assert bed.written() == [paid(1), paid(3)], "and the log goes on"


# The inbox.


def test_requests_come_in_the_order_in_which_they_were_asked(bed: Bed) -> None:
    log = bed.writer()

    bed.ask(request(2), request(3))
    bed.ask(request(1))

    assert log.requests(LIMIT) == (request(2), request(3), request(1))
    assert ids(log, limit=2) == ["request-2", "request-3"]


def test_reading_a_request_does_not_take_it(bed: Bed) -> None:
    log = bed.writer()
    bed.ask(request(1))

    assert ids(log) == ids(log) == ["request-1"]


def test_a_request_is_taken_once_whether_it_was_taken_in_or_refused(bed: Bed) -> None:
    log = bed.writer()
    epoch = log.lead(0)
    bed.ask(request(1), request(2), request(3))

    taken = Cycle(
        now_ms=1,
        events=(paid(1),),
        request_ids=("request-1", "request-2"),
        refused={"request-2": "booked already"},
    )
    log.commit(epoch, taken)

    assert ids(log) == ["request-3"]
    assert [bed.refusal(f"request-{number}") for number in (1, 2, 3)] == [
        None,
        "booked already",
        None,
    ]


def test_the_same_request_twice_is_once_also_after_it_was_taken(bed: Bed) -> None:
    log = bed.writer()
    epoch = log.lead(0)
    bed.ask(request(1), request(1))
    bed.ask(replace(request(2), id="request-1"))
    assert log.requests(LIMIT) == (request(1),), "the first one counts"

    log.commit(epoch, Cycle(now_ms=1, events=(paid(1),), request_ids=("request-1",)))
    bed.ask(request(1))

    assert ids(log) == []


# Checkpoints.


def test_a_checkpoint_is_where_the_replay_begins(bed: Bed) -> None:
    log = bed.writer()
    epoch = log.lead(0)
    snapshot = a_state().snapshot()
    log.commit(epoch, cycle(1))

    log.save(epoch, snapshot)
    log.commit(epoch, cycle(2))

    kept, tail = bed.writer().replay()
    assert (kept, list(tail)) == (snapshot, [paid(2)])


def test_the_newest_checkpoint_counts(bed: Bed) -> None:
    log = bed.writer()
    epoch = log.lead(0)
    for number in range(1, 6):
        log.commit(epoch, cycle(number))
        log.save(epoch, Snapshot(credit_references=[f"after-{number}"]))

    assert log.replay()[0] == Snapshot(credit_references=["after-5"])
    assert replayed(log) == []


def test_a_checkpoint_is_a_copy_that_nobody_can_change(bed: Bed) -> None:
    log = bed.writer()
    state = a_state()
    happen(state, ev.Submitted(at_ms=0, job=a_job()))
    happen(state, a_lease("j1", a_placement("east-npu", 8)))
    log.save(log.lead(0), state.snapshot())
    cancel = ev.CancelRequested(at_ms=1, job_id="j1", by="u")

    happen(state, cancel)
    happen(State.restored(log.replay()[0]), cancel)

    assert not log.replay()[0].jobs[0].is_cancelled


def test_the_whole_loop_comes_back_from_its_checkpoint_as_from_the_first_event(bed: Bed) -> None:
    """A real controller, with work that runs, ends and is cancelled; then another takes over."""
    declarations: tuple[ev.Wish, ...] = (
        ev.ParkDeclared(at_ms=0, park=PARK),
        ev.TenantDeclared(at_ms=0, tenant=TENANT),
        ev.PriceListPublished(at_ms=0, price_list=PARK_PRICES),
        replace(paid(0), amount_micros=10**12),
    )
    bed.ask(*(Request(id=f"declare-{n}", wish=wish) for n, wish in enumerate(declarations)))
    centres = [
        SimulatedCentre(centre=centre, run_ms=lambda _: 3_000, rng=Random(0))
        for centre in PARK.centres
    ]
    drivers = {centre.centre_id: centre for centre in centres}
    settings = Settings(meter_every_ms=700, checkpoint_every=15, is_checked=True)
    first = Controller(bed.writer(), drivers, settings)
    first.lead(0)

    for now_ms in range(500, 10_000, 500):
        number = now_ms // 500
        bed.ask(Request(id=f"submit:j{number}", wish=submitted(f"j{number:02}", now_ms)))
        if number % 4 == 0:
            gone = ev.CancelRequested(at_ms=now_ms, job_id=f"j{number:02}", by="u")
            bed.ask(Request(id=f"cancel:j{number}", wish=gone))
        for centre in centres:
            centre.advance(now_ms)
        first.step(now_ms)
    second = Controller(bed.writer(), drivers, settings)
    second.lead(10_000)

    from_zero = State()
    for event in bed.written():
        assert from_zero.apply(event) is None
    assert second.log.replay()[0].park == PARK, "there is a checkpoint"
    assert second.state.snapshot() == from_zero.snapshot() == first.state.snapshot()
    assert {JobState.SUCCEEDED, JobState.CANCELLED} <= set(from_zero.final_states.values())
    assert from_zero.live


def submitted(job_id: str, at_ms: int) -> ev.Submitted:
    return ev.Submitted(at_ms=at_ms, job=a_job(job_id, submitted_at_ms=at_ms))
