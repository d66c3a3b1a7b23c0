"""Who leads: one of several candidates, until it goes, fails, or another has taken over."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest
from sqlalchemy import Engine, text
from typing_extensions import override

from api.clock import SteadyClock
from cluster.driver import CentreReport
from scheduler.controller import Settings
from scheduler.facts.events import ParkDeclared
from scheduler.facts.log import Request
from scheduler.leader import InboxListener, LeaderLoop, Pace
from scheduler.storage import queries
from scheduler.storage.store import SqlLog, put_requests
from tests.builders import PARK
from tests.hand import HandCentre

LEASE_MS = 2_000
QUICK = Pace(idle_s=0.01, retry_s=0.01, renew_ms=50, failed_s=0.01)
SLEEPY = Pace(idle_s=600.0, retry_s=0.01)
KILL = text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE query LIKE 'LISTEN brain_inbox%' AND datname = current_database()"
)
WAITED_S = 30
"""For what must come; nothing is said of how soon."""

T = TypeVar("T")


class HandClock:
    """Stands still until it is set, and counts how often it was asked."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.now_ms


class FaultyCentre(HandCentre):
    """A driver that fails so for as long as it is not repaired."""

    error: Exception = RuntimeError("a bug in a driver")
    is_faulty = True
    failure_count = 0

    @override
    def observe(self) -> CentreReport | None:
        if self.is_faulty:
            self.failure_count += 1
            raise self.error
        return super().observe()


def candidate(
    database: Engine,
    clock: Callable[[], int],
    pace: Pace = QUICK,
    centre: HandCentre | None = None,
) -> LeaderLoop:
    drivers = {centre.centre_id: centre} if centre else {}
    return LeaderLoop(SqlLog(database, "http://me", LEASE_MS), drivers, Settings(), clock, pace)


@contextmanager
def running(*runners: LeaderLoop | InboxListener) -> Iterator[None]:
    """Each in its own thread; all of them end with the block."""
    threads = [threading.Thread(target=runner.run) for runner in runners]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for runner in runners:
            if isinstance(runner, LeaderLoop):
                end(runner)
        for thread in threads:
            thread.join(WAITED_S)
            assert not thread.is_alive()


def end(loop: LeaderLoop) -> None:
    loop.stop.set()
    loop.wake.set()


def until(find: Callable[[], T | None]) -> T:
    """What is found once there is something."""
    for _ in range(WAITED_S * 100):
        found = find()
        if found:
            return found
        threading.Event().wait(0.01)
    raise AssertionError("it does not come to that")


def ask(database: Engine, request_id: str = "park") -> None:
    with database.begin() as connection:
        wish = ParkDeclared(at_ms=0, park=PARK)
        put_requests(connection, [Request(id=request_id, wish=wish)], 0)


def has_taken_in(loop: LeaderLoop) -> bool:
    """Whether it leads and knows the park."""
    controller = loop.controller
    return controller is not None and controller.state.park is not None


def test_of_several_candidates_one_leads_and_when_it_goes_another(database: Engine) -> None:
    clock = SteadyClock()
    candidates = [candidate(database, clock) for _ in range(3)]
    loops, epochs = [*candidates], []

    def leader() -> tuple[LeaderLoop, int] | None:
        """Two that saw the lead free at once may both have taken it: the later one has it."""
        with database.connect() as connection:
            newest = queries.leader(connection)
        led = [(loop, known.epoch) for loop in loops if (known := loop.controller)]
        return led[0] if newest and [epoch for _, epoch in led] == [newest.epoch] else None

    with running(*loops):
        while loops:
            led, epoch = until(leader)
            epochs.append(epoch)
            end(led)
            loops.remove(led)

    assert epochs == sorted(set(epochs)), "each lead has a higher epoch than the one before"
    assert not any(loop.is_leading for loop in candidates), "who has gone leads no more"


def test_nobody_leads_while_another_lead_has_not_expired(database: Engine) -> None:
    clock = HandClock(10_000)
    loop = candidate(database, clock)
    SqlLog(database, "http://other", LEASE_MS).lead(10_000)

    with running(loop):
        for passed_ms in (0, LEASE_MS - 1):
            clock.now_ms = 10_000 + passed_ms
            count = clock.count + 5
            until(lambda: clock.count > count)  # noqa: B023 - asked here
            assert not loop.is_leading
        clock.now_ms = 10_000 + LEASE_MS
        until(lambda: loop.is_leading)


def test_who_is_deposed_drops_all_it_believed_and_waits_its_turn(database: Engine) -> None:
    clock = HandClock(10_000)
    loop = candidate(database, clock)

    with running(loop):
        until(lambda: loop.is_leading)
        ask(database)
        until(lambda: has_taken_in(loop))
        other = SqlLog(database, "http://other", LEASE_MS)
        epoch = other.lead(10_001)
        ask(database, "again")
        until(lambda: not loop.is_leading)
        other.resign(epoch, 10_002)
        clock.now_ms = 10_002
        until(lambda: loop.controller is not None and loop.controller.epoch == epoch + 1)
        controller = loop.controller

    assert controller is not None
    assert controller.state.park == PARK, "as the log tells it"


def test_a_defect_costs_neither_the_lead_nor_the_requests_of_others(database: Engine) -> None:
    centre = FaultyCentre("east")
    loop = candidate(database, SteadyClock(), centre=centre)

    with running(loop):
        until(lambda: centre.failure_count > 0)
        ask(database)
        until(lambda: has_taken_in(loop))

    assert loop.failure_count > 0
    assert loop.unwritable_count == 0


def test_a_failure_around_it_costs_the_lead_and_never_the_log(
    database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SteadyClock()
    centre = FaultyCentre("east")
    centre.error = OSError("no file can be opened")
    loop = candidate(database, clock, centre=centre)

    with running(loop):
        until(lambda: loop.failure_count > 0 and not loop.is_leading)
        ask(database)
        centre.is_faulty = False
        until(lambda: has_taken_in(loop))

    with database.connect() as connection:
        (only,) = queries.events_after(connection, 0, 10)
    assert only.kind == "park_declared"
    assert "each request is taken by itself" not in caplog.text


def test_what_a_database_fails_at_is_told_in_a_line(
    database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told for as long as it lasts."""
    loop = candidate(database, SteadyClock())

    with running(loop):
        until(lambda: loop.is_leading)
        rename(database, "leader", "elsewhere")
        until(lambda: loop.failure_count > 1 and not loop.is_leading)
        rename(database, "elsewhere", "leader")
        until(lambda: loop.is_leading)

    told = [record for record in caplog.records if record.levelname == "ERROR"]
    why = 'relation "leader" does not exist'
    said = f"the database fails the leader's loop, which starts again: {why}"
    assert {record.getMessage() for record in told} == {said}
    assert not any(record.exc_info for record in told)


def rename(database: Engine, table: str, name: str) -> None:
    with database.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))


def test_a_leader_with_nothing_to_write_renews_its_lead(database: Engine) -> None:
    clock = HandClock(10_000)
    loop = candidate(database, clock)

    with running(loop):
        until(lambda: loop.is_leading)
        before_ms = loop.log.leads_until_ms()
        clock.now_ms += QUICK.renew_ms
        until(lambda: loop.log.leads_until_ms() == before_ms + QUICK.renew_ms)

    assert loop.log.leads_until_ms() == clock.now_ms, "and lets go when it is stopped"


def test_a_request_wakes_a_leader_that_sleeps(database: Engine) -> None:
    loop = candidate(database, SteadyClock(), SLEEPY)
    listener = InboxListener(database, loop.wake, loop.stop)

    with running(loop, listener):
        until(lambda: loop.is_leading)
        ask(database)
        until(lambda: not loop.log.requests(1))


def test_a_listener_that_lost_its_connection_listens_again_and_misses_nothing(
    database: Engine,
) -> None:
    loop = candidate(database, SteadyClock(), SLEEPY)
    listener = InboxListener(database, loop.wake, loop.stop)

    def has_killed() -> bool:
        with database.connect() as connection:
            return bool(connection.scalar(KILL))

    with running(loop, listener):
        until(lambda: loop.is_leading)
        for request_id in ("one", "two"):
            until(has_killed)
            ask(database, request_id)
            until(lambda: not loop.log.requests(1))
