"""Requests one by one after a failure: who cannot be taken is refused, and stops nobody else."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text, update
from typing_extensions import override

from api.chinese import chinese
from api.clock import SteadyClock
from cluster.driver import CentreReport
from scheduler.controller import Controller, Settings
from scheduler.facts import events as ev
from scheduler.facts.log import Asked, Cycle, MemoryLog, Request
from scheduler.facts.state import State
from scheduler.leader import LeaderLoop, Pace
from scheduler.model.job import JobState
from scheduler.sifting import sift
from scheduler.storage import queries
from scheduler.storage.codec import decode
from scheduler.storage.store import SqlLog, put_requests, put_submits
from scheduler.storage.tables import InboxRow
from tests.builders import PARK, TENANT, YUAN, a_job
from tests.hand import HandCentre
from tests.unit.scheduler.test_leader_election import running, until

QUICK = Pace(idle_s=0.01, retry_s=0.01, renew_ms=50, failed_s=0.2)
LEASE_MS = 2_000
CHECKED = Settings(is_checked=True)
NEVER = threading.Event()
ODD = 13
"""So many yuan the database does not take."""

CHECK = f"ALTER TABLE transfers ADD CONSTRAINT odd CHECK (amount_micros <> {ODD * YUAN})"
RAISE = (
    "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    f" IF NEW.amount_micros = {ODD * YUAN} THEN RAISE EXCEPTION 'odd'; END IF;"
    " RETURN NEW; END $$;"
    "CREATE TRIGGER odd BEFORE INSERT ON transfers FOR EACH ROW EXECUTE FUNCTION odd()"
)
DECLARED: tuple[ev.Wish, ...] = (
    ev.ParkDeclared(at_ms=0, park=PARK),
    ev.TenantDeclared(at_ms=0, tenant=TENANT),
)


def paid(yuan: int) -> Request:
    wish = ev.Credited(
        at_ms=1, tenant_id=TENANT.id, amount_micros=yuan * YUAN, reference=f"r{yuan}"
    )
    return Request(id=f"paid:{yuan}", wish=wish)


def ask(database: Engine, *requests: Request) -> None:
    with database.begin() as connection:
        put_requests(connection, requests, 0)


def run(database: Engine, *statements: str) -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@contextmanager
def leading(
    database: Engine, *centres: HandCentre, settings: Settings = CHECKED
) -> Iterator[LeaderLoop]:
    """A leader that knows the park and a tenant."""
    ask(database, *(Request(id=f"d{n}", wish=wish) for n, wish in enumerate(DECLARED)))
    drivers = {centre.centre_id: centre for centre in centres}
    log = SqlLog(database, "http://me", LEASE_MS)
    loop = LeaderLoop(log, drivers, settings, SteadyClock(), QUICK)
    with running(loop):
        until(lambda: not log.requests(1))
        yield loop


def refusal(database: Engine, request: Request) -> str | None:
    with database.connect() as connection:
        return queries.verdict(connection, request.id).refused


def state_of_log(database: Engine) -> State:
    """What the whole log comes to, which must fit."""
    state = State()
    with database.connect() as connection:
        for record in queries.events_after(connection, 0, 1_000):
            assert state.apply(decode(record.body)) is None
    return state


def balance_yuan(state: State) -> int:
    return state.funds[TENANT.id].available_micros // YUAN


@pytest.mark.parametrize(("rule", "code"), [(CHECK, "23514"), (RAISE, "P0001")])
def test_a_request_that_the_database_refuses_stops_nobody_else(
    database: Engine, rule: str, code: str
) -> None:
    run(database, rule)

    with leading(database) as loop:
        ask(database, paid(12), paid(ODD), paid(14))
        until(lambda: not loop.log.requests(1))
        ask(database, paid(15))
        until(lambda: not loop.log.requests(1))
        known = loop.ask(lambda state, _, __: state.snapshot())
        counts = loop.unwritable_count, loop.failure_count

    assert [refusal(database, paid(yuan)) for yuan in (12, 14, 15)] == [None] * 3
    why = refusal(database, paid(ODD)) or ""
    assert why == (
        f"it cannot be kept ({code}), and nothing of it is done: "
        f"the operator finds paid:{ODD} in the broker's log"
    )
    assert f"（{code}）" in (chinese(why) or "")
    assert counts == (1, 0)
    replayed = state_of_log(database)
    assert known == replayed.snapshot(), "nothing was kept in mind that was not committed"
    assert balance_yuan(replayed) == 12 + 14 + 15
    with database.connect() as connection:
        booked = connection.scalar(text("SELECT sum(amount_micros) FROM transfers"))
    assert booked == (12 + 14 + 15) * YUAN


def test_a_job_that_the_database_refuses_has_failed_and_says_why(database: Engine) -> None:
    run(database, "ALTER TABLE events ADD CONSTRAINT odd CHECK (job_id <> 'odd')")
    wishes = [ev.Submitted(at_ms=0, job=a_job(job_id)) for job_id in ("a", "odd", "z")]

    with leading(database) as loop, database.begin() as connection:
        put_submits(connection, wishes, 0)
        connection.commit()
        until(lambda: not loop.log.requests(1))

    with database.connect() as connection:
        jobs = [queries.job(connection, job_id) for job_id in ("a", "odd", "z")]
    states = [job and (job.state, job.end_cause) for job in jobs]
    queued = (JobState.QUEUED, None)
    assert states == [queued, (JobState.FAILED, "broker"), queued]
    assert jobs[1] is not None
    assert "(23514)" in jobs[1].detail


def test_what_the_database_refuses_of_a_step_itself_costs_no_requests(
    database: Engine,
) -> None:
    """Where it says of no request that it takes it not: the step is tried again, now and then."""
    centre = HandCentre("east")
    rule = "ALTER TABLE events ADD CONSTRAINT odd CHECK (kind <> 'centre_link_changed')"
    run(database, rule)

    with leading(database, centre) as loop:
        clock = SteadyClock()
        centre.report = CentreReport(
            centre_id="east", heard_at_ms=clock() + 1, online_node_ids=frozenset(), attempts=()
        )
        began_ms = clock()
        until(lambda: loop.failure_count >= 3)
        took_ms = clock() - began_ms
        ask(database, paid(1))
        until(lambda: not loop.log.requests(1))
        run(database, "ALTER TABLE events DROP CONSTRAINT odd")
        until(lambda: "centre_link_changed" in kinds(database))
        assert loop.unwritable_count == 0

    assert refusal(database, paid(1)) is None
    assert took_ms >= 2 * QUICK.failed_s * 1_000, "it does not spin"


def test_a_request_that_this_release_cannot_read_stops_nobody_else(database: Engine) -> None:
    odd = Request(id="paid:odd", wish=paid(ODD).wish)

    with leading(database) as loop:
        with database.begin() as connection:
            put_requests(connection, [paid(12), odd, paid(14)], 0)
            unheard_of = update(InboxRow).values(body={"kind": "unheard_of"})
            connection.execute(unheard_of.where(InboxRow.id == odd.id))
        until(lambda: not loop.log.requests(1))

    assert "(unreadable)" in (refusal(database, odd) or "")
    assert balance_yuan(state_of_log(database)) == 12 + 14
    assert (loop.unwritable_count, loop.failure_count) == (0, 0)


def kinds(database: Engine) -> list[str]:
    with database.connect() as connection:
        return [record.kind for record in queries.events_after(connection, 0, 1_000)]


class Killed(BaseException):
    """The process ends here."""


class Mortal(SqlLog):
    """A log whose process dies at its `nth` commit: before it, or just after."""

    nth = 0
    is_after = False

    @override
    def commit(self, epoch: int, cycle: Cycle) -> None:
        self.nth -= 1
        if self.nth == 0 and not self.is_after:
            raise Killed
        super().commit(epoch, cycle)
        if self.nth == 0:
            raise Killed


# Two declarations, the first payment, the one that fails, its refusal, and the last payment.
@pytest.mark.parametrize(
    ("nth", "is_after"), [(3, False), (3, True), (4, False), (5, False), (5, True), (6, False)]
)
def test_whenever_a_leader_dies_over_it_each_request_is_answered_once(
    database: Engine, nth: int, is_after: bool
) -> None:
    run(database, CHECK)
    ask(database, *(Request(id=f"d{n}", wish=wish) for n, wish in enumerate(DECLARED)))
    ask(database, paid(12), paid(ODD), paid(14))
    first = Mortal(database, "http://first", LEASE_MS)
    first.nth, first.is_after = nth, is_after

    def lead() -> Controller:
        controller = Controller(first, {})
        controller.lead(0)
        return controller

    with pytest.raises(Killed):
        sift(lead, lambda: 0, NEVER, lambda: None)
    with running(
        loop := LeaderLoop(
            SqlLog(database, "http://second", 1), {}, Settings(), SteadyClock(), QUICK
        )
    ):
        until(lambda: not loop.log.requests(1))

    assert balance_yuan(state_of_log(database)) == 12 + 14
    assert "(23514)" in (refusal(database, paid(ODD)) or "")
    assert [refusal(database, paid(yuan)) for yuan in (12, 14)] == [None, None]


class Brittle(Controller):
    """A controller with a defect, that one request brings to light."""

    @override
    def take(self, request: Asked, now_ms: int) -> None:
        if isinstance(request, Request) and request.id == f"paid:{ODD}":
            self.state.apply(request.wish)
            raise ZeroDivisionError
        super().take(request, now_ms)


def test_a_request_at_which_the_broker_itself_fails_is_refused_likewise() -> None:
    log = MemoryLog()
    for number, wish in enumerate(DECLARED):
        log.ask(Request(id=f"d{number}", wish=wish))
    for yuan in (12, ODD, 14):
        log.ask(paid(yuan))

    def lead() -> Controller:
        controller = Brittle(log, {})
        controller.lead(0)
        return controller

    counted: list[None] = []
    controller = sift(lead, lambda: 0, NEVER, lambda: counted.append(None))

    assert len(counted) == 1
    assert list(log.refused) == [f"paid:{ODD}"]
    assert "(defect)" in log.refused[f"paid:{ODD}"]
    assert balance_yuan(controller.state) == 12 + 14, "what it left half done is forgotten"
    assert not log.inbox


@pytest.mark.parametrize("error", [OSError, MemoryError])
def test_where_the_surroundings_fail_nobody_is_refused(error: type[Exception]) -> None:
    class Ill(Controller):
        @override
        def take(self, request: Asked, now_ms: int) -> None:
            raise error

    log = MemoryLog()
    log.ask(paid(1))

    def lead() -> Controller:
        controller = Ill(log, {})
        controller.lead(0)
        return controller

    with pytest.raises(error):
        sift(lead, lambda: 0, NEVER, lambda: None)

    assert list(log.inbox) == ["paid:1"]


def test_who_is_to_stop_leaves_the_rest_of_the_requests_for_others() -> None:
    log, stop = MemoryLog(), threading.Event()
    log.ask(paid(1))
    stop.set()

    def lead() -> Controller:
        controller = Controller(log, {})
        controller.lead(0)
        return controller

    sift(lead, lambda: 0, stop, lambda: None)

    assert list(log.inbox) == ["paid:1"]
