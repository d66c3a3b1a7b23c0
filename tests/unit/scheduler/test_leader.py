"""Rules of the leader's loop: when it leads, and that it leaves time to others."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from typing_extensions import override

from api.clock import SteadyClock
from api.database import engine
from scheduler.controller import Settings
from scheduler.facts.events import ParkDeclared
from scheduler.facts.log import Cycle, Request
from scheduler.facts.record import JobRecord, Snapshot
from scheduler.facts.state import State
from scheduler.leader import LeaderLoop, Pace
from scheduler.model.policy import DEFAULT, Policy
from scheduler.storage.store import SqlLog, put_requests
from tests.builders import PARK, a_job

HOUR_MS = 3_600_000


def test_a_lead_from_a_clock_that_was_ahead_ends_when_it_is_not_renewed(database_url: str) -> None:
    database = engine(database_url)
    clock = SteadyClock()
    SqlLog(database, "http://other").lead(clock() + HOUR_MS)
    loop = LeaderLoop(
        SqlLog(database, "http://me", lease_ms=300), {}, Settings(), clock, Pace(retry_s=0.05)
    )
    thread = threading.Thread(target=loop.run)
    began_ms = clock()

    thread.start()
    while not loop.is_leading and clock() - began_ms < 10_000:
        threading.Event().wait(0.02)
    was_leading, after_ms = loop.is_leading, clock() - began_ms
    loop.stop.set()
    thread.join(10)
    database.dispose()

    assert was_leading
    assert after_ms >= 300, "not while the other may still lead"


def test_a_leader_that_goes_leaves_a_checkpoint(database_url: str) -> None:
    database = engine(database_url)
    log = SqlLog(database, "http://me")
    loop = LeaderLoop(log, {}, Settings(), SteadyClock(), Pace(retry_s=0.05))
    with database.begin() as connection:
        put_requests(connection, [Request(id="park", wish=ParkDeclared(at_ms=0, park=PARK))], 0)
    thread = threading.Thread(target=loop.run)

    thread.start()
    while log.requests(1):
        threading.Event().wait(0.02)
    loop.stop.set()
    thread.join(10)
    snapshot, tail = log.replay()
    after = list(tail)
    database.dispose()

    assert snapshot.park == PARK
    assert after == []


def test_after_a_step_the_loop_rests_longer_than_the_step_took() -> None:
    assert Pace().rest_s(step_ms=10) == 0.02
    assert Pace(rests_per_step=3).rest_s(step_ms=10) == 0.03


def test_a_long_plan_never_makes_the_loop_rest_longer_than_its_limit() -> None:
    assert Pace().rest_s(step_ms=60_000) == Pace().rest_s_max


def test_where_there_is_no_job_the_loop_looks_more_seldom() -> None:
    empty, busy = State(), State()
    busy.jobs["j"] = JobRecord(job=a_job("j"))

    assert (Pace().wait_s(busy), Pace().wait_s(empty)) == (0.25, 1.0)


def test_a_clock_that_is_set_back_makes_no_negative_rest() -> None:
    assert Pace().rest_s(step_ms=-5) == 0


def the_queue(state: State, now_ms: int, policy: Policy) -> int:
    assert now_ms >= 0
    assert policy is DEFAULT
    return len(state.queue)


def test_a_question_waits_for_its_turn_between_steps_and_not_for_ever(database_url: str) -> None:
    database = engine(database_url)
    loop = LeaderLoop(
        SqlLog(database, "http://me"), {}, Settings(), SteadyClock(), Pace(turn_s=0.05)
    )
    assert loop.ask(the_queue) is None, "who does not lead does not know"

    with loop.turn, pytest.raises(TimeoutError):
        loop.ask(the_queue)
    database.dispose()


class Curious(SqlLog):
    """Asks what would be in the middle of each commit and each checkpoint."""

    loop: LeaderLoop
    answers: list[object]

    @override
    def commit(self, epoch: int, cycle: Cycle) -> None:
        self._ask()
        super().commit(epoch, cycle)

    @override
    def save(self, epoch: int, snapshot: Snapshot) -> None:
        self._ask()
        super().save(epoch, snapshot)

    def _ask(self) -> None:
        with ThreadPoolExecutor(1) as thread:
            asked = thread.submit(self.loop.ask, the_queue)
            self.answers.append(asked.exception())


def test_nobody_looks_at_the_state_while_a_step_or_a_checkpoint_is_under_way(
    database_url: str,
) -> None:
    database = engine(database_url)
    log = Curious(database, "http://me")
    pace = Pace(retry_s=0.05, turn_s=0.05)
    log.loop, log.answers = LeaderLoop(log, {}, Settings(), SteadyClock(), pace), []
    with database.begin() as connection:
        put_requests(connection, [Request(id="park", wish=ParkDeclared(at_ms=0, park=PARK))], 0)
    thread = threading.Thread(target=log.loop.run)

    thread.start()
    while log.requests(1):
        threading.Event().wait(0.02)
    log.loop.stop.set()
    thread.join(10)
    database.dispose()

    assert len(log.answers) >= 2, "a commit and a checkpoint"
    assert all(isinstance(answer, TimeoutError) for answer in log.answers)
