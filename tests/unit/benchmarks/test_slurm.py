"""Rules of measuring beside Slurm: what it is asked, what is read of its answers, a real run."""

import shutil
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from benchmarks import slurm_server
from benchmarks.__main__ import main
from benchmarks.crowd import NOW_MS, Crowd, crowded
from benchmarks.local_broker import BenchmarkFailed
from benchmarks.slurm import Line, ratios
from benchmarks.slurm_conf import (
    OVERDUE_MINUTES,
    SHIPPED,
    Place,
    deep,
    running_job,
    slurm_conf,
    waiting_job,
)
from benchmarks.slurm_measures import Placing, Planning, Setting, placings, plannings
from benchmarks.slurm_said import (
    Queue,
    Unreadable,
    diagnosis,
    queue,
    seconds_until,
    start_times,
)
from benchmarks.slurm_server import SEARCHED, slurm_site
from benchmarks.workload import ideal_park
from cluster.inventory import Park
from scheduler.model.job import Job
from scheduler.planning.planner import plan

PARK = ideal_park(3, 4)
CROWD = Crowd(park=PARK, pending=30, shapes=5, seed=3)
PLACE = Place(folder=Path("folder"), host="host", port=6817, node_port=6818, user="me")
HAS_SLURM = all(shutil.which(name, path=SEARCHED) for name in slurm_server.PACKAGE_BY_PROGRAM)

# Recorded of slurm-wlm 22.05.8 with 904 nodes; lines that nothing reads are left out.
SDIAG = """\
*******************************************************
sdiag output at Thu Nov 26 03:04:08 2026 (1795662248)
Data since      Thu Nov 26 03:02:20 2026 (1795662140)
*******************************************************
Server thread count:  4

Jobs submitted: 7809
Jobs started:   465

Job states ts:  Thu Nov 26 03:03:50 2026 (1795662230)

Main schedule statistics (microseconds):
	Last cycle:   19090
	Max cycle:    230788
	Total cycles: 27
	Mean cycle:   28222
	Mean depth cycle:  7
	Cycles per minute: 27

Backfilling stats
	Total backfilled jobs (since last slurm start): 263
	Total backfilled jobs (since last stats cycle start): 263
	Total cycles: 1
	Last cycle when: Thu Nov 26 03:02:49 2026 (1795662169)
	Last cycle: 1078393
	Max cycle:  1078393
	Mean cycle: 1078393
	Last depth cycle: 263
	Last depth cycle (try sched): 261
	Depth Mean: 263

Latency for 1000 calls to gettimeofday(): 23 microseconds

Remote Procedure Call statistics by message type
	REQUEST_SUBMIT_BATCH_JOB                ( 4003) count:7809   ave_time:11827  total_time:92364782
"""
FRESH_SDIAG = """\
Jobs started:   0

Main schedule statistics (microseconds):
	Last cycle:   0
	Max cycle:    0
	Total cycles: 0
	Last queue length: 0

Backfilling stats
	Total cycles: 0
	Last cycle when: N/A
	Last cycle: 0
	Max cycle:  0
	Last depth cycle: 0
	Last depth cycle (try sched): 0
"""
SQUEUE = """\
j0000329|RUNNING|2026-11-26T03:02:26
j0005750|PENDING|2026-11-26T05:02:00
j0005751|CONFIGURING|2026-11-26T03:02:26
j0002405|PENDING|N/A
"""
LOG = """\
[2026-11-26T03:02:49.803] sched/backfill: _start_job: Started JobId=203 in lsl-910b3 on lsl-910b3-n1
[2026-11-26T03:02:26.303] sched: Allocate JobId=4 NodeList=a-n007 #CPUs=1 Partition=a
[2026-11-26T03:02:26.402] _slurm_rpc_submit_batch_job: JobId=29 InitPrio=4294901757 usec=406
"""


def test_each_pool_is_a_closed_partition_of_idle_nodes_with_its_cards() -> None:
    lines = slurm_conf(PARK, PLACE, SHIPPED, jobs_max=99).splitlines()

    nodes = "pool-n001,pool-n002,pool-n003"
    assert f"NodeName={nodes} CPUs=32 Gres=gpu:4 NodeAddr=127.0.0.1 State=IDLE" in lines
    assert f"PartitionName=pool Nodes={nodes} MaxTime=INFINITE State=DOWN" in lines
    assert {"SlurmctldHost=host(127.0.0.1)", "SlurmdPort=6818", "SlurmUser=me"} <= set(lines)
    assert "MaxJobCount=99" in lines


def test_as_shipped_no_parameter_of_the_scheduler_is_set() -> None:
    assert "SchedulerParameters" not in slurm_conf(PARK, PLACE, SHIPPED, jobs_max=99)
    assert f"SchedulerParameters={deep(60)}\n" in slurm_conf(PARK, PLACE, deep(60), jobs_max=99)
    assert "bf_max_time=60" in deep(60)


def test_who_waits_asks_for_its_nodes_cards_and_limit_the_sooner_the_higher() -> None:
    job = replace(a_waiting_job(), device_count=8, limit_ms=90_001)

    first, second = (waiting_job(job, rank, PARK) for rank in (0, 1))

    assert first == (
        f"--job-name={job.id} --partition=pool --nodes=2 --gres=gpu:4 --time=2"
        " --priority=1000000000"
    )
    assert second.endswith("--priority=999999999")


def test_a_job_goes_to_the_pools_in_which_it_sits_alike() -> None:
    park = two_pools(cards_of_the_other=8)
    job = replace(a_waiting_job(), device_count=8)

    assert "--partition=pool --nodes=2 --gres=gpu:4" in waiting_job(job, 0, park)
    alike = replace(job, device_count=4)
    assert "--partition=pool,other --nodes=1 --gres=gpu:4" in waiting_job(alike, 0, park)


def test_who_runs_asks_for_just_its_nodes_and_what_is_left_of_its_limit() -> None:
    state = crowded(CROWD)
    attempt = max(state.live.values(), key=lambda one: one.placement.card_count)
    job = replace(state.jobs[attempt.job_id].job, limit_ms=3 * 3_600_000)
    node_ids = ",".join(share.node_id for share in attempt.placement.shares)

    words = running_job(job, attempt, NOW_MS).split()

    assert f"--nodelist={node_ids}" in words
    assert "--time=120" in words, "it began an hour ago"
    overdue = running_job(replace(job, limit_ms=1), attempt, NOW_MS).split()
    assert f"--time={OVERDUE_MINUTES}" in overdue


def test_sdiag_is_read_section_by_section() -> None:
    said = diagnosis(SDIAG)

    assert (said.started, said.main_mean_ms) == (465, 28.222)
    assert (said.backfills, said.backfill_last_s, said.tried) == (1, 1.078393, 261)
    assert said.backfill_at_s == 1_795_662_169


def test_before_the_first_cycle_there_is_nothing_to_read() -> None:
    said = diagnosis(FRESH_SDIAG)

    assert (said.backfills, said.backfill_at_s, said.main_mean_ms) == (0, 0, 0)


@pytest.mark.parametrize("gone", ["Backfilling stats", "Last cycle", "Jobs started"])
def test_another_sdiag_is_refused(gone: str) -> None:
    with pytest.raises(Unreadable, match="sdiag"):
        diagnosis(SDIAG.replace(gone, "Other"))


def test_a_queue_counts_who_has_nodes_and_who_has_a_start() -> None:
    assert queue(SQUEUE) == Queue(("j0000329", "j0005751"), waiting=2, with_start=1)
    with pytest.raises(Unreadable, match="squeue"):
        queue("slurm_load_jobs error: Unable to contact slurm controller\n")


def test_starts_are_found_in_the_log_in_their_order() -> None:
    first, second = start_times(LOG)

    assert second - first == pytest.approx(23.5)
    assert seconds_until([first, second], first - 1, 50) == 1
    assert seconds_until([first, second], first - 1, 51) == pytest.approx(24.5)


def test_ratios_are_ours_to_slurms_and_none_where_that_is_nothing() -> None:
    ours, peer, idle = a_line(starts=100), a_line(starts=50), a_line(starts=0)

    said = ratios(ours, peer, idle)

    assert said["times_with_start_shipped"] == 2
    assert said["times_placements_per_s_shipped"] == 1
    assert said["times_with_start_deep"] is None


def test_where_slurm_is_missing_its_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(slurm_server, "SEARCHED", "/nowhere")

    assert main(["slurm"]) == 1

    said = capsys.readouterr().err
    assert "apt-get install munge slurm-client slurmctld" in said


needs_slurm = pytest.mark.skipif(
    not HAS_SLURM, reason="needs slurmctld, slurm-client and munge of Debian"
)


@needs_slurm
@pytest.mark.heavy
@pytest.mark.timeout(180)
def test_a_real_slurm_plans_the_same_crowd_and_fills_the_same_park() -> None:
    state = crowded(CROWD)
    assert not plan(state, NOW_MS).grants
    setting = Setting("deep", deep(10).replace("bf_interval=5", "bf_interval=1"), 1, 10)

    [planned] = plannings(state, [setting])
    [placed] = placings(PARK, [record.job for record in state.queue.records()], [setting])

    assert planned.waiting == CROWD.pending, "its park is as full as ours"
    assert planned.with_start == planned.waiting
    assert len(planned.cycles_s) == 1, "one cycle of it may take less than a tick of its clock"
    assert 0 < placed.cards <= 12
    assert 0 < placed.seconds < 60
    assert not daemons()


@needs_slurm
def test_nothing_is_left_of_a_slurm_that_fails() -> None:
    with pytest.raises(BenchmarkFailed, match="on purpose"), slurm_site(PARK, 9) as site:
        raise BenchmarkFailed("on purpose")

    assert not site.folder.exists()
    assert not daemons()


def daemons() -> list[str]:
    """Of Slurm, started by this process."""
    children = psutil.Process().children(recursive=True)
    return [child.name() for child in children if child.name() in {"munged", "slurmctld"}]


def a_waiting_job() -> Job:
    return next(iter(crowded(CROWD).queue.records())).job


def two_pools(cards_of_the_other: int) -> Park:
    [centre] = PARK.centres
    [pool] = centre.pools
    other = replace(pool, id="other", cards_per_node=cards_of_the_other)
    return replace(PARK, centres=(replace(centre, pools=(pool, other)),))


def a_line(starts: int) -> Line:
    planning = Planning(cycles_s=(1, 2, 3), cpu_s=1, waiting=100, tested=100, with_start=starts)
    return Line("any", planning, Placing(placed=10, cards=20, seconds=2, cpu_s=1))
