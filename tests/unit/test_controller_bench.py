"""Rules of measuring the leader's loop: what its cycles hold, and what is reported."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.controller import steady, taking_in
from benchmarks.laps import Lap
from scheduler.events import Event, Launching, Started
from scheduler.log import Cycle
from tests.unit.test_answers import Line


def a_lap(*events: Event, cycle_ms: float = 10, commit_ms: float = 4, peer_ms: float = 2) -> Lap:
    cycle = Cycle(now_ms=0, events=events)
    return Lap(cycle=cycle, cycle_ms=cycle_ms, commit_ms=commit_ms, peer_ms=peer_ms)


def test_taking_in_counts_what_was_placed_over_the_time_of_all_cycles() -> None:
    events = Line(waiting=3).log.events
    laps = [a_lap(*events, cycle_ms=300), a_lap(cycle_ms=200)]

    figures = taking_in(laps)

    assert (figures["submitted"], figures["placed"]) == (4, 1)
    assert figures["taking_in_s"] == 0.5
    assert figures["placements_per_s"] == 2
    assert figures["taking_in_events_per_s"] == len(events) / 0.5


def test_steady_cycles_are_compared_with_bare_inserts_of_the_same_events() -> None:
    launching = Launching(at_ms=0, attempt_id="j.1")
    started = Started(at_ms=0, attempt_id="j.1")
    laps = [a_lap(launching, started, cycle_ms=10), a_lap(started, cycle_ms=20)]

    figures = steady(laps)

    assert (figures["cycle_ms_p50"], figures["cycle_ms_max"]) == (10, 20)
    assert (figures["events_per_cycle"], figures["ms_per_event"]) == (1.5, 10)
    assert (figures["commit_ms_p50"], figures["bare_inserts_ms_p50"]) == (4, 2)
    assert figures["times_bare_inserts"] == 7.5


@pytest.mark.postgres
@pytest.mark.slow
def test_cycles_of_the_default_park_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controller", "--jobs=40", "--cycles=3", "--seed=5", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said.keys() == {
        "submitted", "placed", "taking_in_s", "placements_per_s", "taking_in_events_per_s",
        "cycle_ms_p50", "cycle_ms_p95", "cycle_ms_max", "commit_ms_p50", "events_per_cycle",
        "answers_per_cycle", "ms_per_event", "bare_inserts_ms_p50", "times_bare_inserts",
        "cycles", "jobs_waiting", "seed", "load_1m", "versions", "hardware",
    }  # fmt: skip
    assert said["placed"] > 100
    assert said["submitted"] == said["placed"] + 40
    assert said["jobs_waiting"] <= 40
    assert said["events_per_cycle"] >= 1
