"""Rules of measuring the leader's loop: what its cycles hold, and what is reported."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.controller import steady, taking_in
from benchmarks.laps import Lap
from benchmarks.placing import placed
from scheduler.facts.events import Event, Launching, Started
from scheduler.facts.log import Cycle
from tests.unit.scheduler.test_answers import Line


def a_lap(*events: Event, cycle_ms: float = 10, commit_ms: float = 4, peer_ms: float = 2) -> Lap:
    cycle = Cycle(now_ms=0, events=events)
    return Lap(
        cycle=cycle, cycle_ms=cycle_ms, commit_ms=commit_ms, peer_ms=peer_ms, plan_ms=3, cpu_ms=9
    )


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


def test_what_all_fits_is_placed_in_the_time_of_all_cycles_and_each_has_its_mean_parts() -> None:
    events = Line(waiting=3).log.events
    laps = [a_lap(*events, cycle_ms=300), a_lap(cycle_ms=200, commit_ms=8, peer_ms=48)]

    figures = placed(laps)

    assert (figures["fitting_placed"], figures["fitting_cycles"]) == (1, 2)
    assert (figures["fitting_placements_per_s"], figures["fitting_cpu_s"]) == (2, 0.02)
    assert (figures["fitting_cycle_ms"], figures["fitting_commit_ms"]) == (250, 6)
    assert (figures["fitting_plan_ms"], figures["fitting_rows_ms"]) == (3, 0)
    assert figures["fitting_times_bare_inserts"] == 10


@pytest.mark.postgres
@pytest.mark.slow
def test_cycles_of_the_default_park_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["controller", "--jobs=40", "--cycles=3", "--fitting=30", "--seed=5", "--json"]) == 0
    )

    said = json.loads(capsys.readouterr().out)
    fitting = {name for name in said if name.startswith("fitting_")}
    assert said.keys() - fitting == {
        "submitted", "placed", "taking_in_s", "placements_per_s", "taking_in_events_per_s",
        "cycle_ms_p50", "cycle_ms_p95", "cycle_ms_max", "commit_ms_p50", "events_per_cycle",
        "answers_per_cycle", "ms_per_event", "bare_inserts_ms_p50", "times_bare_inserts",
        "cycles", "jobs_waiting", "seed", "load_1m", "versions", "hardware",
    }  # fmt: skip
    assert fitting == {f"fitting_{name}" for name in (
        "placed", "s", "cpu_s", "placements_per_s", "cycles", "events_per_cycle", "cycle_ms",
        "requests_ms", "plan_ms", "commit_ms", "events_ms", "rows_ms", "bare_inserts_ms",
        "times_bare_inserts",
    )}  # fmt: skip
    assert (said["fitting_placed"], said["fitting_cycles"]) == (30, 1)
    assert 0 < said["fitting_events_ms"] + said["fitting_rows_ms"] < said["fitting_commit_ms"]
    assert 0 < said["fitting_plan_ms"] < said["fitting_cycle_ms"] - said["fitting_commit_ms"]
    assert said["placed"] > 100
    assert said["submitted"] == said["placed"] + 40
    assert said["jobs_waiting"] <= 40
    assert said["events_per_cycle"] >= 1
