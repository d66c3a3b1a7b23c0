"""Rules of scoring: the measures of a schedule, worked out by hand and by another judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.score import (
    RunRow,
    jain,
    nearest_rank,
    read_schedule,
    score,
    utilisation_while_arriving,
    write_schedule,
)

JUDGE = Path(__file__).parents[4] / "shared" / "judge" / "ref_metrics.py"


def a_run(
    job_id: str, submit_s: int, start_s: int, end_s: int, devices: int = 1, tenant: str = "y"
) -> RunRow:
    return RunRow(
        job_id=job_id,
        tenant=tenant,
        submit_ms=submit_s * 1_000,
        start_ms=start_s * 1_000,
        end_ms=end_s * 1_000,
        device_count=devices,
        pool="pool",
        attempt=1,
    )


THREE = (
    a_run("a", 0, 0, 100, devices=2, tenant="x"),
    a_run("b", 10, 100, 150),
    a_run("c", 20, 100, 105),
)


def test_a_small_schedule_scores_as_worked_out_by_hand() -> None:
    scored = score(THREE, 2)

    assert scored.jobs == 3
    assert scored.mean_wait_s == pytest.approx((0 + 90 + 80) / 3)
    assert (scored.p95_wait_s, scored.p99_wait_s) == (90, 90)
    assert scored.mean_jct_s == pytest.approx((100 + 140 + 85) / 3)
    # c ran 5 s, which counts as 10.
    assert scored.mean_bsld == pytest.approx((1 + 140 / 50 + 85 / 10) / 3)
    assert scored.util_arrivals == pytest.approx(40 / (2 * 20))
    slowdown_of_y = (140 / 50 + 85 / 10) / 2
    assert scored.jain_bsld == pytest.approx((1 + slowdown_of_y) ** 2 / 2 / (1 + slowdown_of_y**2))


def test_time_between_two_runs_of_a_job_is_waiting() -> None:
    scored = score((a_run("a", 0, 0, 10), a_run("a", 0, 30, 40)), 1)

    assert (scored.jobs, scored.mean_wait_s, scored.mean_jct_s) == (1, 20, 40)
    assert scored.preemptions == 1


def test_a_percentile_is_a_value_that_was_there() -> None:
    values = range(1, 101)

    assert [nearest_rank(values, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert nearest_rank([7], 99) == 7


def test_fairness_is_one_where_all_fare_alike() -> None:
    assert jain([3, 3, 3]) == 1
    assert jain([1, 0]) == pytest.approx(0.5)
    assert jain([0, 0]) == 1


def test_utilisation_needs_time_in_which_jobs_arrive() -> None:
    assert utilisation_while_arriving(THREE[:1], 2) == 0


@pytest.mark.parametrize("name", ["s.csv", "s.csv.gz"])
def test_a_schedule_comes_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    write_schedule(tmp_path / name, THREE)

    assert read_schedule(tmp_path / name) == THREE


def test_the_same_schedule_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.csv.gz", "two.csv.gz"):
        write_schedule(tmp_path / name, THREE)

    assert (tmp_path / "one.csv.gz").read_bytes() == (tmp_path / "two.csv.gz").read_bytes()


@pytest.mark.skipif(not JUDGE.exists(), reason="there is no other judge beside this checkout")
def test_another_judge_finds_the_same(tmp_path: Path) -> None:
    schedule = tmp_path / "s.csv.gz"
    write_schedule(schedule, (*THREE, a_run("d", 7, 150, 163), a_run("d", 7, 170, 180)))

    command = [sys.executable, str(JUDGE), str(schedule), "--capacity", "3", "--json"]
    judged = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    scored = score(read_schedule(schedule), 3)
    assert scored.mean_wait_s == pytest.approx(judged["mean_wait_s"])
    assert scored.p95_wait_s == judged["p95_wait_s"]
    assert scored.mean_bsld == pytest.approx(judged["mean_bsld"])
    assert scored.mean_jct_s == pytest.approx(judged["mean_jct_s"])
    assert scored.util_arrivals == pytest.approx(judged["util_arr"])
    assert scored.jain_bsld == pytest.approx(judged["jain_bsld"])
    assert scored.preemptions == judged["preemptions"]
