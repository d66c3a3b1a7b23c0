"""What differs between the log and the diary of a centre, and what only seems to."""

from dataclasses import replace

import pytest

from cluster.diary import Diary, Noted
from cluster.driver import AttemptEnd, AttemptPhase
from scheduler.asking.diaries import (
    TOLERANCE_MS,
    Discrepancy,
    Logged,
    Sort,
    discrepancies,
    lasting,
)
from scheduler.model.job import EndCause

RUNS = Logged(
    attempt_id="j.1",
    job_id="j",
    tenant_id="steel",
    centre_id="east",
    device_kind_id="npu",
    cards=(("n1", 8), ("n2", 8)),
    started_at_ms=1_000_000,
    used_to_ms=1_300_000,
)
RUNS_THERE = Noted(
    attempt_id="j.1",
    phase=AttemptPhase.RUNNING,
    job_id="j",
    tenant_id="steel",
    device_kind_id="npu",
    cards=(("n1", 8), ("n2", 8)),
    started_at_ms=1_000_000,
)
ENDED = replace(RUNS, ended_at_ms=1_600_000, cause=EndCause.FINISHED, used_to_ms=1_600_000)
ENDED_THERE = replace(
    RUNS_THERE, phase=AttemptPhase.ENDED, ended_at_ms=1_600_000, end=AttemptEnd.EXITED
)
FAULT = replace(ENDED, cause=EndCause.CENTRE)
REFUSED = replace(ENDED, started_at_ms=None, cause=EndCause.BROKER, used_to_ms=None)
LATER_MS = TOLERANCE_MS + 1


def found(logged: Logged | None, noted: Noted | None, whole_since_ms: int = 0) -> list[Sort]:
    diary = Diary(whole_since_ms=whole_since_ms, attempts=(noted,) if noted else ())
    known = {logged.attempt_id: logged} if logged else {}
    return [one.sort for one in discrepancies("east", diary, known)]


@pytest.mark.parametrize(
    ("logged", "noted"),
    [
        (RUNS, RUNS_THERE),
        (ENDED, ENDED_THERE),
        # The order is on its way.
        (replace(RUNS, started_at_ms=None, used_to_ms=None), None),
        # It begins.
        (
            replace(RUNS, started_at_ms=None, used_to_ms=None),
            replace(RUNS_THERE, phase=AttemptPhase.STARTING, started_at_ms=None),
        ),
        # Clocks are not quite alike.
        (RUNS, replace(RUNS_THERE, started_at_ms=1_000_000 + TOLERANCE_MS)),
        (RUNS, replace(RUNS_THERE, started_at_ms=1_000_000 - TOLERANCE_MS)),
        # It ended while the last report was on its way.
        (ENDED, replace(ENDED_THERE, ended_at_ms=1_600_000 - TOLERANCE_MS)),
        # A silent centre's work was given up, and went on for a while; or all its memory is gone.
        (FAULT, replace(ENDED_THERE, ended_at_ms=2_600_000)),
        (FAULT, None),
        (FAULT, replace(ENDED_THERE, started_at_ms=None)),
        # It could not be started, or was stopped before.
        (REFUSED, replace(ENDED_THERE, started_at_ms=None, end=AttemptEnd.REFUSED)),
        (REFUSED, ENDED_THERE),
        # An order that was stopped before it was known: nobody knows whose it was.
        (None, Noted(attempt_id="j.1", phase=AttemptPhase.ENDED, ended_at_ms=5)),
        (
            replace(REFUSED, cause=EndCause.CANCELLED),
            Noted(attempt_id="j.1", phase=AttemptPhase.ENDED, ended_at_ms=5),
        ),
    ],
)
def test_what_is_as_it_should_be_is_no_difference(
    logged: Logged | None, noted: Noted | None
) -> None:
    assert found(logged, noted) == []


@pytest.mark.parametrize(
    ("sort", "logged", "noted"),
    [
        (Sort.UNKNOWN, None, RUNS_THERE),
        (Sort.UNKNOWN, None, replace(RUNS_THERE, started_at_ms=None)),
        (Sort.UNKNOWN, None, ENDED_THERE),
        (Sort.GOES_ON, ENDED, RUNS_THERE),
        (Sort.GOES_ON, FAULT, RUNS_THERE),
        (Sort.GONE, RUNS, None),
        (Sort.OVER, RUNS, ENDED_THERE),
        (Sort.NEVER_RAN, ENDED, None),
        (Sort.START, RUNS, replace(RUNS_THERE, started_at_ms=1_000_000 + LATER_MS)),
        (Sort.START, RUNS, replace(RUNS_THERE, started_at_ms=1_000_000 - LATER_MS)),
        (Sort.START, replace(RUNS, started_at_ms=None), RUNS_THERE),
        (Sort.START, RUNS, replace(RUNS_THERE, started_at_ms=None)),
        (Sort.START, ENDED, replace(ENDED_THERE, started_at_ms=None)),
        (Sort.START, replace(REFUSED, cause=EndCause.CANCELLED), ENDED_THERE),
        (Sort.TIME, ENDED, replace(ENDED_THERE, ended_at_ms=1_600_000 - LATER_MS)),
        (Sort.TIME, ENDED, replace(ENDED_THERE, ended_at_ms=1_600_000 + LATER_MS)),
        (Sort.TIME, FAULT, replace(ENDED_THERE, ended_at_ms=1_600_000 - LATER_MS)),
        (Sort.USAGE, replace(ENDED, used_to_ms=1_600_000 + LATER_MS), ENDED_THERE),
        (Sort.PLACE, RUNS, replace(RUNS_THERE, device_kind_id="dcu")),
        (Sort.PLACE, RUNS, replace(RUNS_THERE, cards=(("n1", 8), ("n3", 8)))),
        (Sort.PLACE, RUNS, replace(RUNS_THERE, cards=(("n1", 8), ("n2", 7)))),
        (Sort.PLACE, replace(RUNS, centre_id="west"), RUNS_THERE),
    ],
)
def test_each_difference_is_seen(sort: Sort, logged: Logged | None, noted: Noted | None) -> None:
    assert found(logged, noted) == [sort]


def test_an_end_from_before_the_diary_is_whole_may_be_missing() -> None:
    assert found(ENDED, None, whole_since_ms=1_600_000 - TOLERANCE_MS) == []
    assert found(ENDED, None, whole_since_ms=1_600_000 - LATER_MS) == [Sort.NEVER_RAN]


def test_a_clock_that_is_wrong_is_told_of_starts_alone() -> None:
    """How long it ran is what is paid for, and is the same by any clock."""
    an_hour_ms = 3_600_000
    ahead = replace(
        ENDED_THERE, started_at_ms=1_000_000 + an_hour_ms, ended_at_ms=1_600_000 + an_hour_ms
    )

    assert found(ENDED, ahead) == [Sort.START]


def test_only_what_both_looks_have_found_is_told() -> None:
    def of(attempt_id: str, sort: Sort) -> Discrepancy:
        return Discrepancy(sort=sort, attempt_id=attempt_id, logged=None, noted=None)

    first = [of("a.1", Sort.GONE), of("b.1", Sort.UNKNOWN)]
    second = [of("a.1", Sort.OVER), of("b.1", Sort.UNKNOWN), of("c.1", Sort.GONE)]

    assert lasting(first, second) == [of("b.1", Sort.UNKNOWN)]
