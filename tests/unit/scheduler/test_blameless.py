"""What no request is to blame for refuses none, and whoever fares better leads."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from typing_extensions import override

from api.clock import SteadyClock
from cluster.driver import CentreReport
from scheduler.leader import LeaderLoop
from scheduler.model.job import JobState
from scheduler.sifting import REFUSALS_MAX
from scheduler.storage import queries
from scheduler.storage.store import SqlLog
from scheduler.sturdy import SturdyController
from tests.hand import HandCentre, a_run, ended, here, state_of, submit
from tests.unit.scheduler.test_leader_election import FaultyCentre, running, until
from tests.unit.scheduler.test_sifting import (
    CHECK,
    CHECKED,
    LEASE_MS,
    ODD,
    QUICK,
    ask,
    balance_yuan,
    leading,
    paid,
    refusal,
    run,
    state_of_log,
)


def test_what_the_database_refuses_of_the_park_is_no_fault_of_who_asks(database: Engine) -> None:
    """Each step fails of itself, and the first that is written would tell how the pools stand."""
    centre = FaultyCentre("east")
    centre.is_faulty = False
    rule = "ALTER TABLE utilisation ADD CONSTRAINT odd CHECK (pool_id <> 'east-npu') NOT VALID"

    with leading(database, centre) as loop:
        run(database, rule)
        centre.is_faulty = True
        ask(database, *(paid(yuan) for yuan in range(1, 6)))
        until(lambda: not loop.log.requests(1))

    assert [refusal(database, paid(yuan)) for yuan in range(1, 6)] == [None] * 5
    assert loop.unwritable_count == 0


def test_where_all_are_refused_it_is_a_few_at_a_time(database: Engine) -> None:
    """So that who minds the alert can mend what refuses them all."""
    run(database, "ALTER TABLE events ADD CONSTRAINT odd CHECK (kind <> 'credited') NOT VALID")

    with leading(database) as loop:
        clock = SteadyClock()
        began_ms = clock()
        ask(database, *(paid(yuan) for yuan in range(1, 2 * REFUSALS_MAX + 2)))
        until(lambda: not loop.log.requests(1))
        took_ms = clock() - began_ms

    assert loop.unwritable_count == 2 * REFUSALS_MAX + 1
    assert took_ms >= 2 * QUICK.failed_s * 1_000


def test_what_could_not_be_kept_may_be_asked_for_again_once_that_is_mended(
    database: Engine,
) -> None:
    with leading(database) as loop:
        run(database, CHECK)
        ask(database, paid(ODD))
        until(lambda: not loop.log.requests(1))
        assert "(23514)" in (refusal(database, paid(ODD)) or "")
        run(database, "ALTER TABLE transfers DROP CONSTRAINT odd")
        ask(database, paid(ODD), paid(1))
        until(lambda: not loop.log.requests(1))
        ask(database, paid(ODD))

    assert refusal(database, paid(ODD)) is None
    assert balance_yuan(state_of_log(database)) == ODD + 1, "what was kept is not kept twice"


def test_a_refusal_that_cannot_be_written_stops_nobody_else(database: Engine) -> None:
    run(database, CHECK, "ALTER TABLE inbox ADD CONSTRAINT odd CHECK (refused IS NULL)")

    with leading(database) as loop:
        ask(database, paid(12), paid(ODD), paid(14))
        until(lambda: [one.id for one in loop.log.requests(9)] == [f"paid:{ODD}"])
        until(lambda: loop.failure_count > 0)

    assert balance_yuan(state_of_log(database)) == 12 + 14
    assert loop.unwritable_count == 0


# Each centre by itself.


def test_what_one_centre_reports_and_nobody_can_keep_leaves_the_others_heard(
    database: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    east, north = HandCentre("east"), HandCentre("north")
    odd = "kind <> 'centre_link_changed' OR body ->> 'centre_id' <> 'east'"
    run(database, f"ALTER TABLE events ADD CONSTRAINT odd CHECK ({odd})")

    with leading(database, east, north) as loop:
        for centre in (east, north):
            centre.report = CentreReport(
                centre_id=centre.centre_id,
                heard_at_ms=SteadyClock()() + 1,
                online_node_ids=frozenset(),
                attempts=(),
            )
        until(lambda: heard(database) == ["north"])
        assert loop.failure_count > 0
        run(database, "ALTER TABLE events DROP CONSTRAINT odd")
        until(lambda: heard(database) == ["north", "east"])

    assert "what centre east reports cannot be kept: events.odd" in caplog.text
    assert "what centre north" not in caplog.text


def heard(database: Engine) -> list[str]:
    """The centres that the log says are heard, in its order."""
    with database.connect() as connection:
        told = queries.events_after(connection, 0, 1_000)
    return [one.body["centre_id"] for one in told if one.kind == "centre_link_changed"]


def test_a_defect_at_one_centre_leaves_the_others_heard(database: Engine) -> None:
    north = HandCentre("north")

    with leading(database, FaultyCentre("east"), north):
        north.report = CentreReport(
            centre_id="north",
            heard_at_ms=SteadyClock()() + 1,
            online_node_ids=frozenset(),
            attempts=(),
        )
        until(lambda: heard(database) == ["north"])


def test_an_end_is_taken_with_its_usage_and_nothing_beside_it() -> None:
    hand = a_run()
    sturdy = SturdyController(hand.log, hand.centres, CHECKED)
    sturdy.lead(2_500)
    hand.controller = sturdy
    submit(hand, here("j2", cards=16), 3_000)
    hand.say("east", 6_000, ended("j1.1", 2_000, 5_500))
    report = hand.centres["east"].report
    assert report is not None

    sturdy.hear(report, 6_000)

    assert state_of(hand) is JobState.SUCCEEDED
    assert hand.device_ms == 8 * 3_500
    assert state_of(hand, "j2") is JobState.QUEUED


# Whoever fares better leads.


def test_a_broker_whose_steps_fail_leaves_the_lead_to_one_that_is_well(database: Engine) -> None:
    ill = LeaderLoop(
        SqlLog(database, "http://ill", LEASE_MS),
        {"east": FaultyCentre("east")},
        CHECKED,
        SteadyClock(),
        replace(QUICK, retry_s=0.1),
    )
    well = LeaderLoop(SqlLog(database, "http://well", LEASE_MS), {}, CHECKED, SteadyClock(), QUICK)

    with running(ill):
        until(lambda: ill.failure_count > 0)
        with running(well):
            until(lambda: well.is_leading)


def test_whoever_is_deposed_meanwhile_takes_nothing_back(database: Engine) -> None:
    is_in, may_go_on = threading.Event(), threading.Event()

    class Slow(HandCentre):
        @override
        def observe(self) -> CentreReport | None:
            is_in.set()
            may_go_on.wait(20)
            raise ZeroDivisionError

    late = LeaderLoop(
        SqlLog(database, "http://late", 100), {"east": Slow("east")}, CHECKED, SteadyClock(), QUICK
    )
    other = LeaderLoop(SqlLog(database, "http://other", 100), {}, CHECKED, SteadyClock(), QUICK)
    with running(late):
        until(is_in.is_set)
        with running(other):
            until(lambda: other.is_leading)
            assert other.controller is not None
            epoch = other.controller.epoch
            may_go_on.set()
            until(lambda: not late.is_leading)
            with database.connect() as connection:
                leader = queries.leader(connection)
    assert leader is not None
    assert (leader.epoch, leader.url) == (epoch, "http://other")
