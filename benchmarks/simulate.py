"""A workload through the real controller in virtual time: it steps when something happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from random import Random

from benchmarks.failures import NEVER_MS, NO_FAILURES, FailureRate, Failures
from benchmarks.score import RunRow
from benchmarks.traces import BadTrace
from benchmarks.workload import RESTARTS_MAX, Workload
from cluster.driver import AttemptEnd, LaunchOrder
from cluster.simulated import Run, SimulatedCentre, World
from scheduler.controller import Controller, Settings
from scheduler.facts.events import Submitted
from scheduler.facts.log import MemoryLog, Request
from scheduler.forecast.punctuality import Score
from scheduler.model.job import Job
from scheduler.model.plan import Answers
from scheduler.model.policy import Policy

TICK_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """How it went: one row per uninterrupted run, and how often the controller stepped.

    `starts` says how many starts came as they had been foretold; none are where nobody is told.
    So many nodes failed, and with them `lost_count` runs that had taken `lost_card_ms`.
    """

    rows: tuple[RunRow, ...]
    step_count: int
    starts: Score
    failure_count: int
    lost_count: int
    lost_card_ms: int


def settings_of(policy: Policy, *, is_foretelling: bool = False) -> Settings:
    """The real loop without what a replay does not read: metering, checkpoints, explanations."""
    return Settings(
        policy=policy,
        answers=Answers.ALL if is_foretelling else Answers.GRANTS,
        meter_every_ms=NEVER_MS,
        suspect_after_ms=NEVER_MS,
        lost_after_ms=NEVER_MS,
        explain_every_ms=TICK_MS if is_foretelling else NEVER_MS,
        checkpoint_every=NEVER_MS,
    )


def simulate(
    load: Workload,
    policy: Policy,
    rng: Random,
    restart_ms: int = 0,
    *,
    is_foretelling: bool = False,
    failing: FailureRate = NO_FAILURES,
) -> Simulation:
    """Run all jobs to their ends; each run that goes on from a stop costs `restart_ms` more.

    Where it is foretelling, each that waits is told when it would start.
    """
    world = World()
    work = Work(load, world, restart_ms)
    centres = [
        SimulatedCentre(centre=centre, run_ms=work.run_ms, rng=rng, world=world)
        for centre in load.park.centres
    ]
    failures = Failures(centres, failing, rng)
    log = MemoryLog()
    controller = Controller(
        log,
        {centre.centre_id: centre for centre in centres},
        settings_of(policy, is_foretelling=is_foretelling),
    )
    for number, wish in enumerate(load.declarations):
        log.ask(Request(id=f"declare-{number}", wish=wish))
    controller.lead(0)
    step_count = 0
    pace, last_ms = Pace(controller, failures), load.jobs[-1].submitted_at_ms
    for now_ms in moments(load.jobs, centres, log, pace):
        step_count += 1
        for centre in centres:
            centre.advance(now_ms)
        if now_ms <= last_ms or pace.is_working():  # else who comes back fails again without end
            failures.strike(now_ms)
        controller.step(now_ms)
    assert len(world.runs_by_job) == len(load.jobs), "some jobs never ran"
    assert not log.refused, f"refused: {list(log.refused.items())[:3]}"
    lost = [run for run in world.runs if run.end is AttemptEnd.NODE]
    return Simulation(
        rows=tuple(work.rows()),
        step_count=step_count,
        starts=controller.state.punctuality.score,
        failure_count=failures.count,
        lost_count=len(lost),
        lost_card_ms=sum(run.card_count * _length_ms(run) for run in lost),
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """When a controller has something to do that nobody asks for and no centre tells of."""

    controller: Controller
    failures: Failures

    def next_ms(self, now_ms: int) -> int:
        """Where jobs take turns, time alone may end somebody's: looked at every minute.

        It ends as well that who lost a node comes first.
        """
        state, is_shared = self.controller.state, self.controller.settings.policy.is_shared
        turn_ms = now_ms + TICK_MS if is_shared and state.queue else NEVER_MS
        if not state.claims:
            return turn_ms
        first_ms = [one.until_ms for one in state.claims.values() if one.is_repair]
        return min([turn_ms, *(until_ms for until_ms in first_ms if until_ms > now_ms)])

    def next_failure_ms(self, arriving_ms: int) -> int:
        """Nodes fail as long as there is work, or some is to come."""
        is_over = arriving_ms == NEVER_MS and not self.is_working()
        return NEVER_MS if is_over else self.failures.next_ms()

    def is_working(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self.controller.state.queue or self.controller.state.live)

    def is_stopping(self) -> bool:
        """Whether work has just been stopped, and others are to get its devices."""
        return bool(self.controller.state.agenda.stopping)


def moments(
    jobs: tuple[Job, ...], centres: list[SimulatedCentre], log: MemoryLog, pace: Pace
) -> Iterator[int]:
    """When the controller has something to do; puts the jobs submitted then into its inbox."""
    arrivals = groupby(jobs, key=lambda job: job.submitted_at_ms)
    arriving_ms, arriving = next(arrivals)
    now_ms = 0
    while True:
        due = [due_ms for centre in centres if (due_ms := centre.next_ms()) is not None]
        own_ms = pace.next_ms(now_ms), pace.next_failure_ms(arriving_ms)
        now_ms = min([arriving_ms, *own_ms, *due])
        if now_ms == NEVER_MS:
            return
        if now_ms == arriving_ms:
            for job in arriving:
                log.ask(Request(id=job.id, wish=Submitted(at_ms=now_ms, job=job)))
            arriving_ms, arriving = next(arrivals, (NEVER_MS, iter(())))
        yield now_ms
        while log.inbox or pace.is_stopping():  # more than one step takes in
            yield now_ms


@dataclass(frozen=True, slots=True)
class Work:
    """How long each job has still to run, and what has run.

    What runs until it is stopped is kept; what a failing node ends was for nothing.
    """

    load: Workload
    world: World
    restart_ms: int

    def run_ms(self, order: LaunchOrder) -> int:
        duration_ms = self.load.trace_job_by_id[order.job_id].duration_ms
        *before, _ = self.world.runs_by_job[order.job_id]
        if not before:
            return duration_ms
        kept = [run for run in before if run.end is AttemptEnd.STOPPED]
        if len(before) - len(kept) > RESTARTS_MAX:
            raise BadTrace(_endless(self.load.trace_job_by_id[order.job_id].id))
        if not kept:
            return duration_ms
        # What a run cut short during its own restart has done is nothing.
        done_ms = _length_ms(kept[0])
        done_ms += sum(max(0, _length_ms(run) - self.restart_ms) for run in kept[1:])
        return self.restart_ms + duration_ms - done_ms

    def rows(self) -> Iterator[RunRow]:
        node_by_id = self.load.park.node_by_id
        for run in self.world.runs:
            job = self.load.trace_job_by_id[run.order.job_id]
            assert run.started_at_ms is not None
            assert run.ended_at_ms is not None
            assert run.end in (AttemptEnd.EXITED, AttemptEnd.STOPPED, AttemptEnd.NODE)
            yield RunRow(
                job_id=job.id,
                tenant=job.tenant,
                submit_ms=job.submit_ms,
                start_ms=run.started_at_ms,
                end_ms=run.ended_at_ms,
                device_count=run.card_count,
                pool=node_by_id[run.order.members[0].node_id].pool_id,
                attempt=int(run.order.attempt_id.rpartition(".")[2]),
                shares=tuple((one.node_id, one.card_count) for one in run.order.members),
            )


def _endless(job_id: str) -> str:
    return (
        f"job {job_id} has lost {RESTARTS_MAX} runs to failing nodes and would never end: "
        "let nodes fail less often, or jobs be stopped and resumed (--preemption on)"
    )


def _length_ms(run: Run) -> int:
    assert run.started_at_ms is not None
    assert run.ended_at_ms is not None
    return run.ended_at_ms - run.started_at_ms
