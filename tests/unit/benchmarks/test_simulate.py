"""Rules of replays: the real controller in virtual time, on a trace worked out by hand."""

import dataclasses
from pathlib import Path
from random import Random

import pytest

from benchmarks.score import RunRow
from benchmarks.simulate import Work, simulate
from benchmarks.traces import BadTrace, TraceJob, read_trace
from benchmarks.workload import TAKING_TURNS, UNKNOWN_LIMIT_MS, Workload, ideal_park, workload
from cluster.datasets import Dataset
from cluster.driver import AttemptEnd, LaunchOrder, MemberOrder
from cluster.simulated import Run, World
from scheduler.model.policy import DEFAULT, EASY, FIFO, SJF_ORACLE, Policy

DATA = Path(__file__).parents[2] / "data"
TINY = read_trace(DATA / "tiny.csv")


def replayed(policy: Policy, *, is_length_known: bool = True, node_count: int = 1) -> list[RunRow]:
    park = ideal_park(node_count, 4 // node_count)
    load = workload(TINY, park, is_length_known=is_length_known)
    return sorted(simulate(load, policy, Random(0)).rows, key=lambda row: row.job_id)


def starts_s(rows: list[RunRow]) -> list[int]:
    return [row.start_ms // 1_000 for row in rows]


def test_in_order_of_arrival_nobody_passes_the_head() -> None:
    rows = replayed(FIFO, is_length_known=False)

    assert starts_s(rows) == [0, 100, 100, 100]
    assert [row.end_ms // 1_000 for row in rows] == [100, 150, 130, 300]


def test_a_tenant_alone_in_the_park_passes_its_own_head_no_more_than_others() -> None:
    alone = tuple(dataclasses.replace(job, tenant="x") for job in TINY)
    load = workload(alone, ideal_park(1, 4), is_length_known=False)

    assert starts_s(list(simulate(load, FIFO, Random(0)).rows)) == [0, 100, 100, 100]


def test_easy_fills_in_what_does_not_delay_the_head() -> None:
    assert starts_s(replayed(EASY)) == [0, 100, 20, 50]


def test_easy_lets_nothing_pass_that_would_still_run_when_the_head_is_to_start() -> None:
    head = dataclasses.replace(TINY[1], device_count=4)
    long = dataclasses.replace(TINY[2], duration_ms=81_000)
    short = dataclasses.replace(TINY[3], duration_ms=70_000)
    load = workload((TINY[0], head, long, short), ideal_park(1, 4), is_length_known=True)

    rows = sorted(simulate(load, EASY, Random(0)).rows, key=lambda row: row.job_id)

    assert starts_s(rows) == [0, 100, 150, 30]


def test_an_oracle_takes_the_shortest_first() -> None:
    assert starts_s(replayed(SJF_ORACLE)) == [0, 100, 20, 100]


def test_every_policy_runs_each_job_once_for_its_time_on_its_devices() -> None:
    for policy in (DEFAULT, EASY, FIFO, SJF_ORACLE):
        rows = replayed(policy)

        assert [row.job_id for row in rows] == [job.id for job in TINY]
        assert [row.end_ms - row.start_ms for row in rows] == [job.duration_ms for job in TINY]
        assert [row.device_count for row in rows] == [job.device_count for job in TINY]


def test_a_gang_too_uneven_for_the_nodes_is_refused_before_the_replay() -> None:
    with pytest.raises(BadTrace, match=r"1 jobs could never run.*a \(uneven_gang: 3 devices\)"):
        replayed(FIFO, node_count=2)


def test_a_limit_is_the_walltime_or_the_run_if_known_and_tells_of_no_run_by_itself() -> None:
    """`c` ran for 20 s longer than its walltime, so each may."""
    trace = read_trace(DATA / "tiny.csv", DATA / "tiny_walltime.csv")

    stated = workload(trace, ideal_park(1, 4), is_length_known=False).jobs
    known = workload(trace, ideal_park(1, 4), is_length_known=True).jobs
    unknown = workload(TINY, ideal_park(1, 4), is_length_known=False).jobs

    assert [job.limit_ms for job in stated] == [
        *(140_000, 80_000, 30_000),
        UNKNOWN_LIMIT_MS + 20_000,
    ]
    assert [job.limit_ms for job in known] == [job.duration_ms for job in TINY]
    assert {job.limit_ms for job in unknown} == {UNKNOWN_LIMIT_MS}


def test_a_kind_is_asked_for_only_where_the_park_has_it() -> None:
    other = dataclasses.replace(TINY[0], device_type="device")
    load = workload((other, TINY[1]), ideal_park(1, 4), is_length_known=True)

    assert [job.device_kind_ids for job in load.jobs] == [("device",), ()]


def test_jobs_take_turns_and_pay_for_each_restart() -> None:
    """At 700 s `b` finds `a` on the only card, asks at the next full minute, and `a` goes on."""
    job = dataclasses.replace(TINY[0], submit_ms=0, device_count=1)
    long = dataclasses.replace(job, id="a", duration_ms=7_200_000)
    short = dataclasses.replace(job, id="b", submit_ms=700_000, duration_ms=100_000)
    load = workload((long, short), ideal_park(1, 1), is_length_known=False, is_resumable=True)

    rows = simulate(
        load, dataclasses.replace(DEFAULT, preemption=TAKING_TURNS), Random(0), 60_000
    ).rows

    assert [(row.job_id, row.start_ms // 1_000, row.end_ms // 1_000) for row in rows] == [
        ("a", 0, 760),
        ("b", 760, 860),
        ("a", 860, 860 + 60 + 7_200 - 760),
    ]


def test_what_a_stopped_run_has_done_is_kept_at_the_price_of_a_restart() -> None:
    load = workload(TINY[:1], ideal_park(1, 4), is_length_known=True)
    work = Work(load, World(), restart_ms=7_000)

    assert next_run_ms(work, load, ran_ms=[]) == 100_000
    assert next_run_ms(work, load, ran_ms=[40_000]) == 60_000 + 7_000
    assert next_run_ms(work, load, ran_ms=[40_000, 27_000]) == 40_000 + 7_000
    assert next_run_ms(work, load, ran_ms=[40_000, 3_000]) == 60_000 + 7_000


def test_what_a_failing_node_ends_was_for_nothing() -> None:
    load = workload(TINY[:1], ideal_park(1, 4), is_length_known=True)
    work = Work(load, World(), restart_ms=7_000)
    lost, stopped = AttemptEnd.NODE, AttemptEnd.STOPPED

    def left_ms(*ends: AttemptEnd) -> int:
        return next_run_ms(work, load, [40_000] * len(ends), ends)

    assert left_ms(lost) == 100_000
    assert left_ms(lost, stopped) == left_ms(stopped, lost) == 60_000 + 7_000
    assert left_ms(stopped, lost, stopped) == 27_000 + 7_000


def next_run_ms(
    work: Work, load: Workload, ran_ms: list[int], ends: tuple[AttemptEnd, ...] = ()
) -> int:
    """How long the run after runs of such lengths would take, which were stopped or so ended."""
    ends = ends or (AttemptEnd.STOPPED,) * len(ran_ms)
    member = MemberOrder(rank=0, local_rank=0, node_id="pool-n001", card_count=3)
    order = LaunchOrder(
        attempt_id="x",
        job_id=load.jobs[0].id,
        tenant_id="x",
        epoch=1,
        centre_id="centre",
        device_kind_id="device",
        command="true",
        env=(),
        members=(member,),
    )
    work.world.runs_by_job[order.job_id] = [
        Run(
            order=order,
            launched_at_ms=0,
            due_ms=0,
            started_at_ms=0,
            ended_at_ms=length_ms,
            end=end,
        )
        for length_ms, end in zip([*ran_ms, 0], (*ends, AttemptEnd.STOPPED), strict=True)
    ]
    return work.run_ms(order)


def test_jobs_of_one_moment_are_taken_in_the_order_of_the_trace() -> None:
    jobs = tuple(
        TraceJob(
            id=job_id,
            tenant="t",
            user="",
            submit_ms=0,
            duration_ms=10,
            device_count=4,
            device_type="",
        )
        for job_id in ("z", "a", "m")
    )

    rows = simulate(workload(jobs, ideal_park(1, 4), is_length_known=True), FIFO, Random(0)).rows

    assert [row.job_id for row in rows] == ["z", "a", "m"]


def test_data_of_a_park_that_is_called_as_a_tenant_is_not_its_home() -> None:
    park = ideal_park(2, 8)
    (centre,) = park.centres
    kept = Dataset(id="acme", size_bytes=9, centre_ids=(centre.id,))
    job = TraceJob(
        id="j", tenant="acme", user="u", submit_ms=0, duration_ms=1, device_count=1, device_type=""
    )

    load = workload((job,), dataclasses.replace(park, datasets=(kept,)), is_length_known=False)

    assert [one.data_ids for one in load.jobs] == [()]
