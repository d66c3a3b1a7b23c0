"""Rules of measuring plans: the crowded park that is drawn, the peer, and what is reported."""

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.__main__ import main
from benchmarks.crowd import NOW_MS, Crowd, crowded, drawn_shapes, open_park
from benchmarks.one_event import event_costs_ms
from benchmarks.plan import first_fit
from benchmarks.workload import ideal_park, wide_park
from scheduler.facts import events as ev
from scheduler.facts.invariants import check
from scheduler.planning.planner import plan

PARK_FILE = Path(__file__).parents[2] / "data" / "small-park.yaml"
SMALL = Crowd(park=ideal_park(20, 8), pending=300, shapes=5, seed=7)


def test_a_crowded_park_is_full_but_for_what_has_just_ended() -> None:
    state = crowded(SMALL)

    check(state)
    assert len(state.queue) == SMALL.pending
    ended_share = sum(state.free_cards.values()) / (20 * 8)
    assert 0 < ended_share < 0.5


def test_the_same_seed_draws_the_same_park() -> None:
    one, same = crowded(SMALL), crowded(SMALL)

    assert plan(one, NOW_MS) == plan(same, NOW_MS)


def test_there_are_as_many_different_shapes_as_asked_for_if_there_are_so_many() -> None:
    assert len(drawn_shapes(SMALL, Random(1))) == 5
    assert len(drawn_shapes(Crowd(park=SMALL.park, pending=1, shapes=999, seed=1), Random(1))) < 99


def test_first_fit_starts_what_fits_in_the_order_of_age() -> None:
    state = open_park(ideal_park(2, 8))
    crowd = crowded(SMALL).queue.records()
    jobs = sorted((record.job for record in crowd), key=lambda job: job.id)
    singles = [job for job in jobs if job.device_count <= 8][:40]
    for job in singles:
        state.apply(ev.Submitted(at_ms=0, job=job))

    count = first_fit(state)

    assert 2 <= count <= 16
    assert count < len(singles)
    assert all(cards == 8 for cards in state.free_cards.values()), "nothing is taken in truth"


def test_plans_are_measured_beside_a_first_fit(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--nodes=20", "--pending=300", "--shapes=5", "--runs=2", "--seed=7"]

    assert main(["plan", *sizes, "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said.keys() == {
        "full_s", "full_ms_p50", "full_ms_p95", "full_ms_max", "step_ms", "first_fit_ms_p50",
        "times_first_fit", "grants", "first_fit_grants", "with_start_time", "pending", "shapes",
        "runs", "nodes", "centres", "peak_rss_mib", "full_cpu_s", "event_cpu_ms_p50",
        "event_cpu_ms_p95", "event_cpu_ms_max", "seed", "load_1m", "versions", "hardware",
    }  # fmt: skip
    assert 0 < said["full_ms_p50"] <= said["full_ms_p95"] <= said["full_ms_max"]
    assert (said["nodes"], said["pending"], said["runs"], said["seed"]) == (20, 300, 2, 7)
    assert 0 < said["event_cpu_ms_p50"] <= said["event_cpu_ms_p95"] <= said["event_cpu_ms_max"]
    assert said["grants"] > 0
    assert said["with_start_time"] >= 1


def test_plans_are_measured_alone_where_the_peer_would_take_for_ever(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sizes = ["--nodes=20", "--pending=30", "--shapes=5", "--runs=1", "--events=2"]

    assert main(["plan", *sizes, "--peer=none", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["full_ms_p50"] > 0
    assert not [name for name in said if "first_fit" in name]


def test_the_park_of_a_file_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [f"--park={PARK_FILE}", "--pending=30", "--shapes=5", "--runs=1", "--events=2"]

    assert main(["plan", *sizes, "--peer=none", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["nodes"], said["centres"], said["pending"]) == (3, 2, 30)
    assert said["with_start_time"] > 0


@pytest.mark.parametrize(
    ("park", "why"),
    [
        ([], "--centres goes with --nodes: a park file has its own centres"),
        ([f"--park={PARK_FILE}"], "--centres goes with --nodes: a park file has its own centres"),
        (["--nodes=4"], "--centres 5 are more than --nodes 4"),
    ],
)
def test_centres_that_no_park_can_have_are_refused(
    park: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *park, "--centres=5", "--pending=30", "--runs=1"]) == 2

    assert capsys.readouterr().err == f"plan: {why}\n"


def test_a_wide_park_is_of_centres_as_large_as_can_be_alike_and_of_four_kinds() -> None:
    park = wide_park(13, 8, 5)

    assert [pool.node_count for pool in park.pools] == [2, 3, 2, 3, 3]
    assert [pool.device_kind_id[-1] for pool in park.pools] == ["1", "2", "3", "4", "1"]
    assert len(drawn_shapes(Crowd(park=park, pending=1, shapes=400, seed=1), Random(1))) == 400


def test_events_are_taken_in_one_after_the_other_and_what_fits_then_starts() -> None:
    state = crowded(SMALL)
    before = len(state.queue) + len(state.live)

    costs_ms = event_costs_ms(state, SMALL, 6)

    check(state)
    assert len(costs_ms) == 6
    assert all(cost_ms > 0 for cost_ms in costs_ms)
    assert len(state.queue) + len(state.live) == before + 3 - 3
    assert plan(state, NOW_MS + 6_000).grants == ()


def test_what_is_to_stop_for_others_is_gone_before_events_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.crowd.LAP", 8)
    state = crowded(SMALL)
    assert plan(state, NOW_MS).evictions

    event_costs_ms(state, SMALL, 2)

    check(state)
    assert not plan(state, NOW_MS + 2_000).evictions
