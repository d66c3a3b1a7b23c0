"""Rules of measuring launches: what is measured, and that the whole product and its peer run."""

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from benchmarks.launch import Latencies, compared, jobs_per_s, latencies
from benchmarks.local_broker import BenchmarkFailed

ROOT = Path(__file__).parents[3]
FIGURES = {
    "running_ms_p50", "running_ms_p95", "finished_ms_p50", "finished_ms_p95", "jobs_per_s",
    "ray_jobs_running_ms_p50", "ray_jobs_running_ms_p95", "ray_jobs_finished_ms_p50",
    "ray_jobs_finished_ms_p95", "ray_jobs_jobs_per_s", "times_sooner_running",
    "times_more_jobs_per_s", "jobs", "burst", "ray_jobs_jobs", "ray_jobs_burst",
}  # fmt: skip
CONDITIONS = {"centre", "seed", "load_1m", "versions", "hardware"}


class Shell:
    """Runs each command at once in a shell of this machine."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []

    def submit(self, command: str) -> str:
        self.processes.append(subprocess.Popen(["/bin/sh", "-c", command]))
        return str(len(self.processes))

    def await_ends(self, ids: Sequence[str]) -> None:
        if any(self.processes[int(number) - 1].wait() for number in ids):
            raise BenchmarkFailed("a command failed")


def test_a_launch_is_timed_by_the_commands_own_clock(tmp_path: Path) -> None:
    measured = latencies(Shell(), 3, tmp_path, Random(1))

    assert len(measured.running_ms) == len(measured.finished_ms) == 3
    for running_ms, finished_ms in zip(measured.running_ms, measured.finished_ms, strict=True):
        assert 0 < running_ms < finished_ms


def test_figures_are_medians_and_95th_percentiles() -> None:
    measured = Latencies(running_ms=[3, 1, 2], finished_ms=[30, 10, 20])

    assert measured.figures("x_") == {
        "x_running_ms_p50": 2,
        "x_running_ms_p95": 3,
        "x_finished_ms_p50": 20,
        "x_finished_ms_p95": 30,
    }


def test_a_burst_runs_every_job() -> None:
    shell = Shell()

    assert jobs_per_s(shell, 7) > 0
    assert [process.returncode for process in shell.processes] == [0] * 7


def test_both_are_given_the_same_work_and_compared(tmp_path: Path) -> None:
    asked = Namespace(seed=1, jobs=2, burst=3, peer_jobs=1, peer_burst=2)
    ours, peer = Shell(), Shell()

    figures = compared(ours, peer, tmp_path, asked)

    assert figures.keys() == FIGURES
    assert (len(ours.processes), len(peer.processes)) == (5, 3)


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFailed):
        latencies(Shell(), 1, tmp_path / "missing", Random(1))


@pytest.mark.ray
@pytest.mark.heavy
@pytest.mark.timeout(240)
def test_the_whole_product_and_ray_jobs_run_side_by_side() -> None:
    sizes = ["--jobs=2", "--burst=3", "--peer-jobs=1", "--peer-burst=1", "--cards=2"]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "launch", *sizes, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said.keys() == FIGURES | CONDITIONS
    assert said["centre"] == "1 Ray nodes with 2 logical cards each"
    assert said["jobs_per_s"] > 0
