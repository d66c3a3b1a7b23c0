"""Rules of playing a period of the broker's own log again: the same policy, the same decisions."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.happened import Course, Happened, Recorded, Unplayable, happened
from benchmarks.period import play
from benchmarks.period_report import as_it_was, beside_the_log, measured, policy_in
from cluster.simulated import NO_FAULTS, Faults
from scheduler.facts import events as ev
from scheduler.facts import measuring
from scheduler.facts.state import State
from scheduler.model.job import EndCause
from scheduler.model.policy import DEFAULT, EASY, FIFO, SJF_ORACLE, Policy
from tests.broker_log import (
    NEVER_MS,
    STOPPING,
    TURNS,
    UNKIND,
    SavingCentre,
    digest,
    logged,
    settings_of,
)

COUNTED = ev.Metered | ev.Measured | ev.HoldExtended
"""How often meters are read is the loop's pace, and decides nothing."""


def comparable(events: list[ev.Event]) -> list[ev.Event]:
    """All but how often meters were read, what was told, and under which lead."""
    return [
        replace(one, epoch=0, foretold=None) if isinstance(one, ev.Leased) else one
        for one in events
        if not isinstance(one, COUNTED)
    ]


DAYS = pytest.mark.parametrize(
    ("faults", "part"), [(NO_FAULTS, 0), (NO_FAULTS, 3), (UNKIND, 0), (UNKIND, 2)]
)
EITHER = pytest.mark.parametrize("policy", [STOPPING, TURNS])


@DAYS
@EITHER
def test_the_same_policy_does_all_again_at_the_same_moments(
    faults: Faults, part: int, policy: Policy
) -> None:
    check_again(logged(3, faults, policy), part, policy)


@pytest.mark.parametrize(("faults", "part"), [(NO_FAULTS, 0), (NO_FAULTS, 3), (UNKIND, 0)])
def test_checkpoints_are_seen_again_at_the_same_moments(
    faults: Faults, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "SAVED_APART_MS", 1_000)
    log = logged(3, faults, TURNS, SavingCentre)

    assert sum(isinstance(one.event, ev.Saved) for one in log) > 5
    check_again(log, part, TURNS)


@pytest.mark.heavy
@DAYS
@EITHER
@pytest.mark.parametrize("seed", range(10, 30))
def test_so_it_does_whatever_happened(seed: int, faults: Faults, part: int, policy: Policy) -> None:
    check_again(logged(seed, faults, policy), part, policy)


def check_again(log: list[Recorded], part: int, policy: Policy) -> None:
    """From the first event, or from one further on."""
    from_ms = log[len(log) // part].at_ms if part else log[0].at_ms

    again = play(happened(State(), log, from_ms), settings_of(policy), tick_ms=NEVER_MS)

    then = comparable([one.event for one in log if one.at_ms >= from_ms])
    assert comparable(list(again.events))[: len(then)] == then


def test_another_policy_has_the_same_arrivals_and_decides_otherwise() -> None:
    found = happened(State(), logged(3), 0)

    again = play(found, settings_of(FIFO), tick_ms=1_000)

    assert {one.job.id for one in again.events if isinstance(one, ev.Submitted)} <= {
        *found.arrived_ids
    }
    beside = beside_the_log(found, again)
    assert "0" < str(beside["decided_alike"]) != str(beside["decided_in_the_log"])
    assert str(beside["parts_first"]).startswith("1970-01-01T08:00:")


def test_the_period_as_it_was_and_as_it_is_again_have_the_same_runs() -> None:
    log = logged(3)
    found = happened(State(), log, log[len(log) // 3].at_ms, log[len(log) * 2 // 3].at_ms)
    policy = replace(DEFAULT, preemption=None)

    rows, figures = as_it_was(found)
    played, of_fifo = measured(found, FIFO, 0)

    assert figures["decided_alike"] == len(found.decided)
    assert {row.job_id for row in rows} <= {*found.arrived_ids}
    assert {row.job_id for row in played} | {*found.arrived_ids} == {*found.arrived_ids}
    assert (of_fifo["never_started"], of_fifo["jobs"]) == (
        len(found.arrived_ids) - len({row.job_id for row in played}),
        len({row.job_id for row in played}),
    )
    assert policy_in(DEFAULT, "off") == policy
    assert policy_in(EASY, "on") is EASY


def test_an_oracle_is_told_how_long_each_runs_and_nobody_else() -> None:
    found = happened(State(), logged(3), 0)

    told, untold = (
        {
            one.job.id: one.job.limit_ms
            for one in play(found, settings_of(policy)).events
            if isinstance(one, ev.Submitted)
        }
        for policy in (SJF_ORACLE, EASY)
    )

    assert untold.items() <= {key: job.limit_ms for key, job in found.job_by_id.items()}.items()
    assert told != untold


def test_who_asks_after_anything_was_done_asks_in_a_step_of_its_own() -> None:
    log = logged(3)
    wish = next(one for one in log if isinstance(one.event, ev.TenantDeclared))
    number, lease = next(
        (number, one) for number, one in enumerate(log) if isinstance(one.event, ev.Leased)
    )
    now_ms = lease.at_ms + 1
    again = Recorded(at_ms=now_ms, event=wish.event)
    moved = replace(lease, at_ms=now_ms)

    found = happened(State(), [*log[:number], again, again, moved, again], now_ms)

    assert [(turn.at_ms, len(turn.wishes)) for turn in found.turns] == [(now_ms, 2), (now_ms, 1)]


def test_what_the_loop_does_of_itself_nobody_asks_for() -> None:
    log = logged(3)
    expired = [one for one in log if isinstance(one.event, ev.QuoteEnded)]
    node_ids = ("east-npu-n001",)
    closed = ev.NodesDrained(at_ms=log[-1].at_ms, node_ids=node_ids, by="hours")
    drained = ev.NodesDrained(at_ms=log[-1].at_ms, node_ids=node_ids)

    found = happened(
        State(), [*log, *(Recorded(at_ms=log[-1].at_ms, event=one) for one in (closed, drained))], 0
    )

    asked = [wish for turn in found.turns for wish in turn.wishes]
    assert closed not in asked
    assert drained in asked
    assert any(one.at_ms == one.event.at_ms and one.event not in asked for one in expired)


def test_who_comes_after_the_period_is_left_out_and_how_long_work_runs_is_known_from_then() -> None:
    log = logged(3)
    submits = [one for one in log if isinstance(one.event, ev.Submitted)]
    until_ms = submits[len(submits) // 2].at_ms

    found = happened(State(), log, 0, until_ms)

    assert len(found.arrived_ids) == sum(one.at_ms < until_ms for one in submits)
    assert max(found.beats) < until_ms <= found.end_ms
    assert any(course.told_ms and course.told_ms > until_ms for course in _courses(found))


def test_a_period_ends_with_the_log_at_the_latest() -> None:
    log = logged(3)

    whole, beyond = happened(State(), log, 0), happened(State(), log, 0, log[-1].at_ms + 86_400_000)

    assert beyond.until_ms == whole.until_ms == log[-1].at_ms + 1
    assert as_it_was(beyond) == as_it_was(whole)


def test_who_lost_its_node_was_not_stopped_for_others() -> None:
    kind = replace(DEFAULT, preemption=None)
    unlucky, stopping = (happened(State(), one, 0) for one in (logged(3, UNKIND, kind), logged(3)))

    assert any(course.is_fault for course in _courses(unlucky))
    assert as_it_was(unlucky)[1]["preemptions"] == 0
    assert measured(unlucky, FIFO, 0)[1]["preemptions"] == 0
    stops = [one for one in _courses(stopping) if one.is_preempted]
    assert stops
    assert as_it_was(stopping)[1]["preemptions"] == len(stops)


def test_who_was_stopped_and_waits_again_is_not_over() -> None:
    log = logged(8)
    stops_ms = [
        one.at_ms
        for one in log
        if isinstance(one.event, ev.Ended) and one.event.cause is EndCause.PREEMPTED
    ]
    until = (happened(State(), [one for one in log if one.at_ms <= ms], 0) for ms in stops_ms)

    found, again_ids = next((one, ids) for one in until if (ids := _stopped_ids(one)))

    rows, figures = as_it_was(found)
    live_ids = {one.job_id for one in found.state.live.values()}
    assert figures["not_over"] == len(again_ids | ({row.job_id for row in rows} & live_ids))


def test_of_the_period_as_it_is_again_those_are_counted_who_are_left_then() -> None:
    """One lost its node and waits, which began again in the log."""
    found = happened(State(), logged(6, UNKIND), 0)

    figures = measured(found, FIFO, 0)[1]

    assert (figures["not_over"], as_it_was(found)[1]["not_over"]) == (1, 0)


def _stopped_ids(found: Happened) -> set[str]:
    """Who ran, and waits again as the log ends."""
    ran = {one.job_id for one in _courses(found) if one.is_preempted}
    return ran & ({*found.state.jobs} - {one.job_id for one in found.state.live.values()})


def _courses(found: Happened) -> list[Course]:
    return [*found.course_by_attempt.values()]


def test_a_log_that_does_not_fit_is_refused_with_where() -> None:
    log = logged(3)

    with pytest.raises(Unplayable, match="the quote_kept of 1 ms does not fit: there is no"):
        happened(State(), [one for one in log if not isinstance(one.event, ev.TenantDeclared)], 0)


def test_the_same_log_comes_to_the_same_in_every_process() -> None:
    program = "from tests.broker_log import digest; print(digest())"

    other = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    assert other.stdout.strip() == digest()
