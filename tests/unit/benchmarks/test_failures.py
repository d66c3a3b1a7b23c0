"""Rules of failing nodes in a replay: what is lost, what begins again, and the same each time."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from typing_extensions import override

from benchmarks.__main__ import main
from benchmarks.failures import MS_PER_HOUR, FailureRate, Failures
from benchmarks.score import RunRow
from benchmarks.simulate import Simulation, simulate
from benchmarks.traces import TraceJob, write_trace
from benchmarks.workload import ideal_park, wide_park, workload
from cluster.simulated import SimulatedCentre
from scheduler.model.policy import DEFAULT, SJF_ORACLE, Policy

TINY = str(Path(__file__).parents[2] / "data" / "tiny.csv")
RATE = FailureRate(per_node_day=1, repair_h=4)
NOT_AGAIN = 1_000.0
COSTS = {
    *("wall_s", "cpu_s", "jobs_per_cpu_s", "list_fifo_cpu_s", "times_list_fifo_cpu"),
    *("load_1m", "peak_rss_mib"),
}
ONLY_REPLAY = """
import json, sys
from argparse import ArgumentParser
from benchmarks import replay
parser = ArgumentParser()
replay.add_arguments(parser)
print(json.dumps(replay.run(parser.parse_args())))
"""


class Dealt(Random):
    """Draws what it was told, in parts of the mean."""

    def __init__(self, draws: Iterable[float]) -> None:
        super().__init__(0)
        self.draws = iter(draws)

    @override
    def expovariate(self, lambd: float = 1.0) -> float:
        return next(self.draws) / lambd


def a_job(name: str, at_h: float, hours: float, cards: int) -> TraceJob:
    return TraceJob(
        id=name,
        tenant="t",
        user="u",
        submit_ms=round(at_h * MS_PER_HOUR),
        duration_ms=round(hours * MS_PER_HOUR),
        device_count=cards,
        device_type="",
    )


def replayed(
    *jobs: TraceJob, draws: Iterable[float], nodes: int = 1, policy: Policy = DEFAULT
) -> Simulation:
    load = workload(jobs, ideal_park(nodes, 4), is_length_known=policy is SJF_ORACLE)
    return simulate(load, policy, Dealt(draws), failing=RATE)


def in_hours(rows: Iterable[RunRow]) -> list[tuple[str, float, float]]:
    return [
        (row.job_id, row.start_ms / MS_PER_HOUR, row.end_ms / MS_PER_HOUR)
        for row in sorted(rows, key=lambda row: row.start_ms)
    ]


def test_what_runs_on_a_failing_node_is_lost_and_begins_again_when_there_is_room() -> None:
    """The only node is up for 12 h, then away for 1 h."""
    done = replayed(a_job("a", 0, 20, 3), draws=[0.5, 0.25, NOT_AGAIN])

    assert in_hours(done.rows) == [("a", 0, 12), ("a", 13, 33)]
    assert (done.failure_count, done.lost_count) == (1, 1)
    assert done.lost_card_ms == 3 * 12 * MS_PER_HOUR


def test_a_node_that_is_back_is_up_for_its_time_before_it_fails_again() -> None:
    done = replayed(a_job("a", 0, 20, 4), draws=[0.5, 0.25, 0.5, 0.25, NOT_AGAIN])

    assert in_hours(done.rows) == [("a", 0, 12), ("a", 13, 25), ("a", 26, 46)]


def test_what_runs_elsewhere_goes_on() -> None:
    draws = [NOT_AGAIN, 0.5, 0.25, NOT_AGAIN]
    done = replayed(a_job("a", 0, 20, 4), a_job("b", 0, 20, 4), draws=draws, nodes=2)

    assert len(done.rows) == 3
    assert (done.failure_count, done.lost_count) == (1, 1)


def test_a_node_fails_as_well_while_nothing_runs_and_more_is_to_come() -> None:
    done = replayed(a_job("a", 0, 1, 4), a_job("b", 12.5, 1, 4), draws=[0.5, 0.25, NOT_AGAIN])

    assert in_hours(done.rows) == [("a", 0, 1), ("b", 13, 14)]
    assert (done.failure_count, done.lost_count) == (1, 0)


def test_no_node_fails_any_more_once_all_work_is_over() -> None:
    """The second is back at 4.5 h and the third would fail before: in a large park one always is.

    So a replay would never end.
    """
    second, third = [1.0, NOT_AGAIN], [0.25, 0.04]
    draws = [NOT_AGAIN, 0.02, 0.021, *second, *third]

    done = replayed(a_job("a", 0, 1, 4), draws=draws, nodes=3)

    assert in_hours(done.rows) == [("a", 0, 1)]
    assert done.failure_count == 2


def test_who_lost_a_node_comes_first_for_ten_minutes_and_then_others_do_at_once() -> None:
    """Without a look at that moment `b` would wait until the node is back, at 13 h."""
    a, b = a_job("a", 0, 20, 8), a_job("b", 1, 2, 4)
    done = replayed(a, b, draws=[0.5, 20, 0.25, NOT_AGAIN], nodes=2, policy=SJF_ORACLE)

    assert in_hours(done.rows)[:2] == [("a", 0, 12), ("b", 12 + 1 / 6, 14 + 1 / 6)]


def test_which_nodes_fail_when_does_not_hang_on_the_order_of_the_centres() -> None:
    def offline_at_each_failure(order: int) -> list[tuple[int, list[str]]]:
        centres = [
            SimulatedCentre(centre=one, run_ms=lambda _: 1, rng=Random(0))
            for one in wide_park(6, 4, 2).centres
        ]
        failures = Failures(centres[::order], RATE, Random(7))
        return [(failures.next_ms(), offline(centres, failures)) for _ in range(20)]

    assert offline_at_each_failure(1) == offline_at_each_failure(-1)


def offline(centres: list[SimulatedCentre], failures: Failures) -> list[str]:
    """Who is away once the next node has failed."""
    now_ms, away = failures.next_ms(), list[str]()
    for centre in centres:
        centre.advance(now_ms)
    failures.strike(now_ms)
    for centre in centres:
        report = centre.observe()
        assert report is not None
        node_ids = {node.id for pool in centre.centre.pools for node in pool.nodes()}
        away += sorted(node_ids - report.online_node_ids)
    return away


def test_a_job_that_would_never_end_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "long.csv"
    write_trace(trace, [a_job("a", 0, 1_000, 1)])

    where = ["replay", f"--trace={trace}", "--nodes=1", "--repair-h=0.01"]
    assert main([*where, "--failures-per-node-day=24"]) == 2

    assert "job a has lost 100 runs to failing nodes" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["-0.1", "-1e-9", "nan", "inf", "-inf", "24.1", "x", ""])
def test_a_rate_of_failures_is_a_number_from_0_to_24(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["replay", "--trace", TINY, "--nodes=1", f"--failures-per-node-day={text}"])

    assert "--failures-per-node-day" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "8761", "x", ""])
def test_a_time_to_repair_is_above_0_and_at_most_a_year(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["replay", "--trace", TINY, "--nodes=1", f"--repair-h={text}"])

    assert "--repair-h" in capsys.readouterr().err


def test_the_least_rate_is_as_good_as_never(capsys: pytest.CaptureFixture[str]) -> None:
    where = ["replay", "--trace", TINY, "--nodes=1", "--cards=4", "--json"]
    assert main([*where, "--failures-per-node-day=1e-320"]) == 0
    assert json.loads(capsys.readouterr().out)["node_failures"] == 0

    assert main([*where, "--failures-per-node-day=0"]) == 0
    assert "node_failures" not in json.loads(capsys.readouterr().out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A replay as it was asked for, and what it wrote and said."""

    command: list[str]
    schedule: bytes
    report: dict[str, object]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """More work than three nodes can do: some is stopped, and some is lost."""
    folder, rng = tmp_path_factory.mktemp("busy"), Random(5)
    jobs = [
        a_job(f"j{number}", number / 20, rng.randint(2, 8) / 4, rng.choice((1, 2, 4, 8)))
        for number in range(16)
    ]
    write_trace(folder / "busy.csv", jobs)
    options = ["--preemption=on", "--failures-per-node-day=6", "--repair-h=0.5", "--seed=3"]
    return ran_again([f"--trace={folder / 'busy.csv'}", "--nodes=3", "--cards=4", *options], folder)


def ran_again(command: list[str], folder: Path) -> Ran:
    schedule, report = folder / "s.csv.gz", folder / "r.json"
    assert main(["replay", *command, f"--schedule={schedule}", f"--report={report}"]) == 0
    said = without_costs(report.read_text())
    return Ran(command=command, schedule=schedule.read_bytes(), report=said)


def without_costs(report: str) -> dict[str, object]:
    return {name: said for name, said in json.loads(report).items() if name not in COSTS}


@pytest.mark.parametrize(
    ("program", "hash_seed"),
    [
        (["-c", ONLY_REPLAY], "1"),
        pytest.param(["-m", "benchmarks", "replay", "--json"], "2", marks=pytest.mark.heavy),
    ],
)
def test_a_replay_with_failures_and_stops_is_the_same_to_the_byte_in_another_process(
    program: list[str], hash_seed: str, busy: Ran, tmp_path: Path
) -> None:
    """Which orders its sets in another way."""
    schedule = tmp_path / "s.csv.gz"

    again = subprocess.run(
        [sys.executable, *program, *busy.command, f"--schedule={schedule}"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )

    assert schedule.read_bytes() == busy.schedule
    assert without_costs(again.stdout) == busy.report


def test_a_report_tells_stops_from_losses(busy: Ran) -> None:
    names = "jobs", "preemptions", "attempts_lost", "node_failures"
    counts = [said for name in names if isinstance(said := busy.report[name], int)]

    assert len(counts) == len(names)
    assert min(counts) > 0
    assert len(gzip.decompress(busy.schedule).splitlines()) == 1 + sum(counts[:3])
    assert busy.report["lost_device_h"]


def test_another_seed_is_another_schedule(busy: Ran, tmp_path: Path) -> None:
    assert ran_again([*busy.command, "--seed=4"], tmp_path).schedule != busy.schedule
